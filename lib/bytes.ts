// Bytes that a caller gives. They may be of another realm (a vm context, a test runner), so nothing here asks for instanceof;
// and their memory may be gone, transferred to another thread, when they look as empty as an empty array does.

import { isDataView } from 'node:util/types';
import { SideloopTypeError } from './errors.js';

/** False where the memory of the view is gone, or has shrunk from under it. */
export function isUsable(view: ArrayBufferView): boolean {
  try {
    if (view.byteLength > 0) return true;
    // A DataView has thrown by now. The length of an array would be 0; its methods throw.
    if (!isDataView(view)) Uint8Array.prototype.keys.call(view);
    return true;
  } catch {
    return false;
  }
}

/**
 * Refuses a view whose memory is gone. `what` says in the error what it was given for.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT`.
 */
export function checkUsable(what: string, view: ArrayBufferView): void {
  if (isUsable(view)) return;
  throw new SideloopTypeError(
    'ERR_SIDELOOP_ARGUMENT',
    `${what} is a Buffer whose memory is gone: ${GONE}.`,
  );
}

/** What has become of such memory, and what to do. */
export const GONE =
  'it was transferred to another thread, or detached. Hand it over before that, or a copy';

/** A copy of its own memory. Not bytes.slice(): a Buffer's slice is a view. */
export function copyOfBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** The bytes of any view, where it has them. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
