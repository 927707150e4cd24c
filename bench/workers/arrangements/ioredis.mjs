export { connect, name, version } from '../../clients/ioredis.mjs';

// Nothing that is shared: each Worker connects.
export const share = async () => undefined;
