// What Workers of these tests do, by name: `workerData.name`. Each says what came of it.

import { parentPort, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { Redis } from 'sideloop/redis';

const { name, handle, url, count, key } = workerData;
const say = (message) => parentPort.postMessage(message);
const heard = () => new Promise((resolve) => parentPort.once('message', resolve));

const posted = (loop) => new Promise((resolve) => loop.post(() => resolve('ran')));

/** Counts up by `count` commands in flight at a time, for `rounds`; the replies must be the numbers in order. */
async function countUp(redis, rounds) {
  for (let round = 0; round < rounds; round++) {
    const replies = await Promise.all(Array.from({ length: count }, () => redis.incr(key)));
    for (const [i, reply] of replies.entries()) {
      if (reply !== round * count + i + 1) throw new Error(`${reply} in place of another's reply`);
    }
  }
}

const cases = {
  async posts() {
    const loop = EventLoop.attach(handle);
    say([await posted(loop), loop.name, loop.attached]);
  },
  async hearsOfTheEnd() {
    const loop = EventLoop.attach(handle);
    say(await posted(loop));
    await heard();
    await loop.stop();
    say([loop.post(() => {}), 'ended']);
  },
  async stopsTheLoop() {
    await EventLoop.attach(handle).stop();
    say('stopped');
  },
  destroysTheLoop() {
    EventLoop.attach(handle).destroy();
    say('destroyed');
  },
  async makesALoop() {
    const loop = new EventLoop({ name: 'made' });
    const redis = new Redis(url, { loop });
    await redis.ping();
    say([loop.handle, redis.handle]);
    await heard();
  },
  async attachesAndWaits() {
    const loop = EventLoop.attach(handle);
    say(await posted(loop));
    await heard();
  },
  async counts() {
    const redis = Redis.attach(handle);
    await countUp(redis, 20);
    say([await redis.get(key), redis.stats().pending]);
    await redis.quit();
  },
  async countsForEver() {
    const redis = Redis.attach(handle);
    await redis.ping();
    say('begun');
    await countUp(redis, Number.POSITIVE_INFINITY);
  },
  async repeatsForEver() {
    const redis = Redis.attach(handle);
    const beat = redis.repeat(['INCR', key], { everyMs: 1 });
    while (beat.stats().ok === 0) await redis.ping();
    say('begun');
    await beat.ended;
  },
  async fillsTheSocket() {
    const redis = Redis.attach(handle);
    const value = 'v'.repeat(1 << 20);
    say('begun');
    for (;;) await Promise.all(Array.from({ length: 20 }, () => redis.set(key, value)));
  },
  async setsAtItsEnd() {
    const redis = Redis.attach(handle);
    await redis.ping();
    redis.set(key, 'set at the end');
    process.exit(0);
  },
  async reportsFromAnEarlyExitListener() {
    let reporter;
    process.on('exit', () => reporter.report('at the end'));
    const { Reporter } = await import('sideloop/bridge');
    reporter = new Reporter(handle);
  },
  attachesInAnExitListener() {
    process.on('exit', () => {
      Redis.attach(handle);
      say(new EventLoop().post(() => {}));
    });
  },
  async waitsAtTheServer() {
    const redis = new Redis(url, { loop: EventLoop.attach(handle), reconnectMinDelay: 5 });
    await redis.connect();
    redis.blpop(key, 0).catch(() => {});
    await new Promise(setImmediate);
    say(redis.handle);
    await heard();
  },
  async quitsInFlight() {
    const redis = Redis.attach(handle);
    const replies = Array.from({ length: count }, () => redis.incr(key));
    const quit = await redis.quit();
    say([(await Promise.all(replies)).length, quit]);
  },
};

await cases[name]();
