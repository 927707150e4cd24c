import { createClient } from 'redis';
import { installedVersion } from './installed-version.mjs';

export const name = 'node-redis';
export const version = installedVersion('redis');

export async function connect(port) {
  const client = createClient({ socket: { host: '127.0.0.1', port } });
  // Without a listener the client ends the process; with one, a failure reaches us by its promise.
  client.on('error', () => {});
  await client.connect();
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.close(),
  };
}
