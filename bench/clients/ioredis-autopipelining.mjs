import { connect as connectPlain, version } from './ioredis.mjs';

export const name = 'ioredis-autopipelining';
export { version };

export const connect = (port) => connectPlain(port, { enableAutoPipelining: true });
