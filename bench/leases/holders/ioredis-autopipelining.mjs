import { holdAll as holdPlain } from './ioredis.mjs';

export { version } from './ioredis.mjs';
export const name = 'ioredis-autopipelining';

export const holdAll = (port, keys, terms) =>
  holdPlain(port, keys, terms, { enableAutoPipelining: true });
