import { GlideClient } from '@valkey/valkey-glide';
import { installedVersion } from './installed-version.mjs';

export const name = 'valkey-glide';
export const version = installedVersion('@valkey/valkey-glide');

// GLIDE's default of 250 ms for a request is raised: on a loaded machine 1000 commands of 4 KiB
// in flight can take longer, and the measurement shall not end for that.
export async function connect(port) {
  const client = await GlideClient.createClient({
    addresses: [{ host: '127.0.0.1', port }],
    requestTimeout: 10_000,
  });
  return {
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    close: () => client.close(),
  };
}
