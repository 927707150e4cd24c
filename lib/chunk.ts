// A chunk that a stream of ours is given, and the caller's memory behind it. node:stream keeps what it can't pass on yet as a
// reference; the streams of this package promise that the bytes are those of the moment of the call.

import type { Writable } from 'node:stream';
import { isUint8Array } from 'node:util/types';
import { bytesOf, checkUsable } from './bytes.js';

/** A chunk as every release of node:stream takes it: any view of an ArrayBuffer becomes one of its bytes. */
function chunkOf(chunk: unknown): unknown {
  return ArrayBuffer.isView(chunk) && !isUint8Array(chunk) ? bytesOf(chunk) : chunk;
}

/** A chunk that may be kept: bytes are copied, text does not change. */
function keptChunk(chunk: unknown): unknown {
  return ArrayBuffer.isView(chunk) ? Buffer.from(bytesOf(chunk)) : chunk;
}

/**
 * What `stream` is to be given now: what it queues is copied; what goes on in this call is copied there.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` where the chunk's memory is gone, as node:stream throws for what is no chunk.
 */
export function writtenChunk(stream: Writable, chunk: unknown, waits = false): unknown {
  if (ArrayBuffer.isView(chunk)) checkUsable('The chunk', chunk);
  const isKept = waits || stream.writableLength > 0 || stream.writableCorked > 0;
  return isKept ? keptChunk(chunk) : chunkOf(chunk);
}
