import { createReadStream, readFile } from '../../../dist/fs/index.js';

export const name = 'sideloop';
export { version } from '../../product.mjs';

export async function stream(path, onChunk) {
  for await (const chunk of createReadStream(path, { highWaterMark: 64 * 1024 })) onChunk(chunk);
}

export const whole = (path) => readFile(path);
