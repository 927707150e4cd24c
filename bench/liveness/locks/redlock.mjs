// redlock's own way to hold a lock for as long as a routine runs: using(), with its defaults.
import { Redis } from 'ioredis';
import Redlock from 'redlock';
import { installedVersion } from '../../clients/installed-version.mjs';

export const version = installedVersion('redlock').replace(/^v/, '');
// It extends when so much is left that its default threshold of 500 ms is reached.
const kThresholdMs = 500;
export const renewEveryMs = ({ leaseMs }) => leaseMs - kThresholdMs;

export async function hold({ host, port, key, leaseMs }, work, noticed) {
  const redis = new Redis({ host, port });
  redis.on('error', () => {});
  const redlock = new Redlock([redis]);
  redlock.on('error', () => {});
  await redlock.using([key], leaseMs, async (signal) => {
    signal.addEventListener('abort', noticed);
    await work();
  });
  return true;
}
