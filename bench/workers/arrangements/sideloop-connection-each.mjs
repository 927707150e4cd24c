export { connect, version } from '../../clients/sideloop.mjs';

export const name = 'sideloop-connection-each';

// Nothing that is shared: each Worker has a loop and a connection of its own.
export const share = async () => undefined;
