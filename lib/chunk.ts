// A chunk that a stream of ours is given, and the caller's memory behind it. node:stream keeps what it can't pass on yet as a
// reference; the streams of this package promise that the bytes are those of the moment of the call.

import type { Writable } from 'node:stream';

/** A chunk as every release of node:stream takes it: any view of an ArrayBuffer becomes one of its bytes. */
function chunkOf(chunk: unknown): unknown {
  return ArrayBuffer.isView(chunk) && !(chunk instanceof Uint8Array) ? bytesOf(chunk) : chunk;
}

/** A chunk that may be kept: bytes are copied, text does not change. */
function keptChunk(chunk: unknown): unknown {
  return ArrayBuffer.isView(chunk) ? Buffer.from(bytesOf(chunk)) : chunk;
}

/** What `stream` is to be given now: what it queues is copied; what goes on in this call is copied there. */
export function writtenChunk(stream: Writable, chunk: unknown, waits = false): unknown {
  const isKept = waits || stream.writableLength > 0 || stream.writableCorked > 0;
  return isKept ? keptChunk(chunk) : chunkOf(chunk);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
