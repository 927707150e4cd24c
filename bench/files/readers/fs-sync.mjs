// The floor: no other thread, no way back, and a JS thread that does nothing else meanwhile.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

export const name = 'fs-sync';
export { version } from 'node:process';

export async function stream(path, onChunk) {
  const descriptor = openSync(path);
  const buffer = Buffer.allocUnsafe(64 * 1024);
  try {
    for (;;) {
      const bytesRead = readSync(descriptor, buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      onChunk(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
    }
  } finally {
    closeSync(descriptor);
  }
}

export const whole = async (path) => readFileSync(path);
