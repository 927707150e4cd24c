export { connect, name, version } from '../../clients/ioredis-autopipelining.mjs';

// Nothing that is shared: each Worker connects.
export const share = async () => undefined;
