// Pieces that come one after the other, written to a stream as they come.

import { finished } from 'node:stream/promises';
import { wrongArgument } from './arguments.js';
import type { WriteStream } from './write-stream.js';

/** Text or bytes, each after the one before. */
export type Pieces =
  | Iterable<string | NodeJS.ArrayBufferView>
  | AsyncIterable<string | NodeJS.ArrayBufferView>;

/**
 * Writes all pieces and ends the stream. Whoever makes them may use the same memory for each: one is copied before the next
 * is asked for, which a Readable in between would not promise. A piece that never comes holds up no abort of the stream.
 */
export async function writePieces(stream: WriteStream, pieces: Pieces): Promise<void> {
  const done = finished(stream);
  writeAll(stream, pieces).catch((error) => stream.destroy(error));
  await done;
}

async function writeAll(stream: WriteStream, pieces: Pieces): Promise<void> {
  let goOn = () => {};
  const wake = () => goOn();
  stream.on('drain', wake).on('close', wake);
  for await (const piece of pieces) {
    if (stream.destroyed) return;
    if (typeof piece !== 'string' && !ArrayBuffer.isView(piece)) {
      throw wrongArgument('Each piece of data must be a string, a Buffer or another view.');
    }
    if (stream.write(piece)) continue;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
  }
  stream.end();
}
