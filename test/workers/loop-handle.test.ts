// A loop that several JS threads use. A failure here is a thread that never hears of the loop's end,
// a post that is lost or runs in another thread, or a loop that ends with the wrong one.

import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventLoop, type LoopHandle } from '../../lib/index.js';
import { Redis, type RedisHandle } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { thrownBy } from '../thrown-by.js';
import { startWorker } from './start-worker.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
});
afterAll(() => server.stop());

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const posted = (loop: EventLoop) =>
  new Promise<void>((resolve) => expect(loop.post(resolve)).toBe(true));

const handleError = (message: RegExp) =>
  expect.objectContaining({
    name: 'SideloopError',
    code: 'ERR_SIDELOOP_HANDLE',
    message: expect.stringMatching(message),
  });

test('a handle is always the same, survives a clone, and finds the loop in the same thread too', async () => {
  await using loop = new EventLoop({ name: 'original' });
  expect(loop.handle).toBe(loop.handle);
  await using again = EventLoop.attach(structuredClone(loop.handle));
  expect([loop.attached, again.attached, again.name]).toEqual([false, true, 'original']);
  expect(again.handle).toBe(loop.handle);
  await posted(again);
  await posted(loop);
  expect(loop.stats().postsAccepted).toBe(2);
});

test('a post of a Worker runs in that Worker', async () => {
  await using loop = new EventLoop({ name: 'of main' });
  const { said, ended } = startWorker('posts', { handle: loop.handle });
  expect(await said()).toEqual(['ran', 'of main', true]);
  // It was attached to the end, and nothing of that kept it alive.
  expect(await ended).toBe(0);
  await posted(loop);
});

test('a Worker hears of the end that its maker brings about', async () => {
  const loop = new EventLoop();
  const { said, tell, ended } = startWorker('hearsOfTheEnd', { handle: loop.handle });
  expect(await said()).toBe('ran');
  await loop.stop();
  tell();
  expect(await said()).toEqual([false, 'ended']);
  expect(await ended).toBe(0);
});

test('stop() of a Worker stops the loop for its maker', async () => {
  const loop = new EventLoop();
  const redis = new Redis(server.url, { loop });
  await redis.ping();
  const ran = posted(loop);
  const { said } = startWorker('stopsTheLoop', { handle: loop.handle });
  expect(await said()).toBe('stopped');
  await ran;
  await loop.stop();
  expect(loop.post(() => {})).toBe(false);
  await expect(redis.ping()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_CLOSED' });
});

test('destroy() of a Worker rejects what its maker has pending', async () => {
  const loop = new EventLoop();
  const redis = new Redis(server.url, { loop });
  const blocked = redis.blpop('none', 0);
  blocked.catch(() => {});
  await redis.connect();
  const { said } = startWorker('destroysTheLoop', { handle: loop.handle });
  expect(await said()).toBe('destroyed');
  await expect(blocked).rejects.toMatchObject({ code: 'ERR_SIDELOOP_DESTROYED' });
  await loop.stop();
});

test('the loop goes on when a Worker that was attached is terminated', async () => {
  await using loop = new EventLoop();
  const { worker, said } = startWorker('attachesAndWaits', { handle: loop.handle });
  await said();
  await worker.terminate();
  await posted(loop);
});

test('the loop ends with the Worker that made it', async () => {
  const { worker, said } = startWorker('makesALoop', { url: server.url });
  const [handle, redisHandle] = (await said()) as [LoopHandle, RedisHandle];
  const loop = EventLoop.attach(handle);
  const redis = Redis.attach(redisHandle);
  await posted(loop);
  expect(await redis.ping()).toBe('PONG');
  await worker.terminate();
  await loop.stop();
  expect(loop.post(() => {})).toBe(false);
  await expect(redis.ping()).rejects.toMatchObject({ name: 'RedisError' });
  expect(thrownBy(() => EventLoop.attach(handle))).toEqual(handleError(/was stopped or closed/));
});

test('stop() of every holder resolves, whoever was first', async () => {
  const loop = new EventLoop();
  const others = [EventLoop.attach(loop.handle), EventLoop.attach(loop.handle)];
  await Promise.all([others[0]?.stop(), loop.stop(), others[1]?.stop()]);
  await Promise.all(others.map((other) => other.stop()));
});

test('an attached loop is let go of, and goes on', async () => {
  await using loop = new EventLoop();
  const ran: string[] = [];
  {
    await using attached = EventLoop.attach(loop.handle);
    expect(attached.post(() => ran.push('accepted before'))).toBe(true);
    attached.detach();
    expect(attached.post(() => ran.push('never'))).toBe(false);
  }
  await posted(loop);
  expect(ran).toEqual(['accepted before']);
  // What was let go of does nothing any more, and keeps nobody waiting.
  const attached = EventLoop.attach(loop.handle);
  attached.detach();
  await attached.stop();
  attached.destroy();
  await posted(loop);
});

test('a loop that was made here can not be detached', async () => {
  await using loop = new EventLoop();
  expect(thrownBy(() => loop.detach())).toMatchObject({ code: 'ERR_SIDELOOP_ARGUMENT' });
});

test('what is no handle, or no longer one, is refused by name', async () => {
  const loop = new EventLoop();
  const { handle } = loop;
  await loop.stop();
  expect(thrownBy(() => EventLoop.attach(handle))).toEqual(handleError(/was stopped or closed/));
  for (const wrong of ['io', '', 7, undefined, null, Symbol('s'), {}]) {
    expect(thrownBy(() => EventLoop.attach(wrong as LoopHandle))).toEqual(
      handleError(/not the handle of an EventLoop/),
    );
  }
});

test('an attached loop that was detached is collected', async () => {
  await using loop = new EventLoop();
  const attached = new WeakRef(EventLoop.attach(loop.handle));
  attached.deref()?.detach();
  while (attached.deref() !== undefined) {
    await setImmediate();
    collectGarbage();
  }
});
