import { createReadStream } from 'node:fs';

export const name = 'fs-stream';
export { version } from 'node:process';

export async function stream(path, onChunk) {
  for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 })) onChunk(chunk);
}
