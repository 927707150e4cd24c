import { open } from 'node:fs/promises';

export const name = 'fs-filehandle';
export { version } from 'node:process';

// One buffer for the whole file, which nothing may keep: the cheapest that FileHandle offers.
export async function stream(path, onChunk) {
  const handle = await open(path);
  const buffer = Buffer.allocUnsafe(64 * 1024);
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      onChunk(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
