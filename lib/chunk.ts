// A chunk that a stream of ours is given, and the caller's memory behind it. node:stream keeps what it can't pass on yet as a
// reference; the streams of this package promise that the bytes are those of the moment of the call.

/** A chunk as every release of node:stream takes it: any view of an ArrayBuffer becomes one of its bytes. */
export function chunkOf(chunk: unknown): unknown {
  return ArrayBuffer.isView(chunk) && !(chunk instanceof Uint8Array) ? bytesOf(chunk) : chunk;
}

/** A chunk that may be kept: bytes are copied, text does not change. */
export function keptChunk(chunk: unknown): unknown {
  return ArrayBuffer.isView(chunk) ? Buffer.from(bytesOf(chunk)) : chunk;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
