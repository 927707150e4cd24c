// What of a client keeps the process alive. A failure here is a program that ends before it has begun, with code 13, or
// one that never ends.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { endingsOf, everyRun } from './child.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

test.each([
  ['waitsForReady', 'ready\n'],
  ['awaitsReady', 'ready\n'],
  ['listensForReady', 'ready\n'],
  ['waitsForReadyAgain', 'again\n'],
  ['waitsForEnd', 'end\n'],
  ['waitsForEndOfDisconnect', 'end\n'],
  ['connectsToNobody', 'ERR_SIDELOOP_REDIS_REFUSED\n'],
  ['connectsAgain', 'ready\n'],
  ['nobodyWaits', ''],
  ['noLongerWaits', ''],
  ['unreferencedConnect', ''],
  ['unreferencedCommand', ''],
  ['referencedAgain', 'null\n'],
  ['unreferencedInItsNextLife', ''],
  ['unreferencedLoop', ''],
])('%s', { timeout: 60_000 }, async (name, stdout) => {
  expect(await endingsOf('redis-hold', name, server.url)).toEqual(everyRun({ stdout }));
});
