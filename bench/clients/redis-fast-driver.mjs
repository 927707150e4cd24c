import { once } from 'node:events';
import FastRedis from 'redis-fast-driver';
import { installedVersion } from './installed-version.mjs';

export const name = 'redis-fast-driver';
export const version = installedVersion('redis-fast-driver');

// Its own promise form. It wraps the callback in one promise and adds nothing else, so a promise
// of our own making would be no faster.
export async function connect(port) {
  const driver = new FastRedis({ host: '127.0.0.1', port, tryToReconnect: false });
  await once(driver, 'ready');
  return {
    get: (key) => driver.rawCallAsync(['GET', key]),
    set: (key, value) => driver.rawCallAsync(['SET', key, value]),
    close: () => driver.end(),
  };
}
