// The ways in which a main thread ends, by name: `node main-thread.mjs <name> <redis url>`.
// Each prints what JavaScript could see settle before the end.

import { EventLoop } from 'sideloop';
import { Redis } from 'sideloop/redis';

const [name, url] = process.argv.slice(2);

/** Commands in flight, more than one turn settles, and a tally of how they ended. */
function manyGets(redis, count) {
  const tally = {};
  const note = (outcome) => {
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  };
  const gets = Array.from({ length: count }, () =>
    redis.get('none').then(
      () => note('replied'),
      (error) => note(error.code),
    ),
  );
  return Promise.all(gets).then(() => tally);
}

const print = (value) => console.log(typeof value === 'string' ? value : JSON.stringify(value));

const cases = {
  async returnsWithIdleConnection() {
    const redis = new Redis(url, { loop: new EventLoop() });
    print(await redis.ping());
  },

  returnsWithCommandInFlight() {
    new Redis(url).blpop('none', 0.1).then(print);
  },

  returnsWhileConnecting() {
    const redis = new Redis(url, { lazyConnect: true });
    redis.connect().then(() => print(redis.status));
  },

  returnsWithPostPending() {
    new EventLoop().post(() => print('ran'));
  },

  async returnsWithUnreferencedLoop() {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop });
    await redis.ping();
    loop.unref();
    redis.blpop('none', 0).then(print);
  },

  async returnsWhileReconnecting() {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop, reconnectMinDelay: 60_000, reconnectMaxDelay: 60_000 });
    const other = new Redis(url, { loop });
    const id = await redis.client('ID');
    await Promise.all([other.client('KILL', 'ID', id), downOf(redis)]);
    print(redis.status);
  },

  async closesWithoutListeners() {
    const redis = new Redis(url);
    const tally = manyGets(redis, 5000);
    await redis.ping();
    redis.disconnect();
    print(Object.values(await tally).reduce((sum, n) => sum + n));
  },

  async exitsWithCommandsInFlight() {
    const redis = new Redis(url);
    await redis.ping();
    manyGets(redis, 5000);
    redis.blpop('none', 0);
    setImmediate(() => process.exit(3));
  },

  exitsInReply() {
    const redis = new Redis(url);
    manyGets(redis, 5000);
    redis.ping().then((reply) => {
      print(reply);
      process.exit(4);
    });
  },

  exitsWithPostsPending() {
    const loop = new EventLoop();
    for (let i = 0; i < 5000; i++) loop.post(() => {});
    process.exit(5);
  },

  // The name is looked up on libuv's thread pool, which Node takes down at process.exit().
  exitsWhileResolving() {
    for (let i = 0; i < 4; i++) new Redis({ host: 'localhost', port: Number(new URL(url).port) });
    process.exit(6);
  },

  async throws() {
    const redis = new Redis(url);
    await redis.ping();
    manyGets(redis, 5000);
    setImmediate(() => {
      throw new Error('thrown on purpose');
    });
  },

  throwsInPost() {
    process.on('uncaughtException', (error) => print(error.message));
    const loop = new EventLoop();
    loop.post(() => print('before'));
    loop.post(() => {
      throw new Error('thrown on purpose');
    });
    loop.post(() => print('after'));
  },

  async stopsInFlight() {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop });
    const tally = manyGets(redis, 5000);
    let posts = 0;
    for (let i = 0; i < 100; i++) loop.post(() => posts++);
    await loop.stop();
    print({ ...(await tally), posts });
  },

  async stopsWhileConnecting() {
    const loop = new EventLoop();
    const tally = manyGets(new Redis(url, { loop }), 10);
    await loop.stop();
    print(await tally);
  },

  async destroysInFlight() {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop });
    await redis.ping();
    const blocked = redis.blpop('none', 0).catch((error) => error.code);
    const tally = manyGets(redis, 5000);
    let posts = 0;
    for (let i = 0; i < 100; i++) loop.post(() => posts++);
    loop.destroy();
    print([await blocked, await tally, posts]);
  },

  destroysInPost() {
    const loop = new EventLoop();
    for (let i = 0; i < 3; i++) {
      loop.post(() => {
        loop.destroy();
        print(`post ${i}`);
      });
    }
  },

  async destroysInReply() {
    const loop = new EventLoop();
    const redis = new Redis(url, { loop });
    const blocked = redis.ping().then(() => {
      const pending = redis.blpop('none', 0);
      loop.destroy();
      return pending;
    });
    print(await blocked.catch((error) => error.code));
  },

  // Two clients that nobody holds: one was closed and can go, the other has a command in flight.
  async collectsClients() {
    let collected;
    const closed = new Promise((resolve) => {
      collected = new FinalizationRegistry(resolve);
    });
    const reply = (() => new Redis(url).blpop('none', 0.2))();
    (() => {
      const redis = new Redis(url);
      collected.register(redis, 'collected');
      redis.ping().then(() => redis.disconnect());
    })();
    const collecting = setInterval(gc, 10);
    print([await reply, await closed]);
    clearInterval(collecting);
  },
};

function downOf(redis) {
  const { promise, resolve } = withResolvers();
  redis.on('reconnecting', resolve);
  const alive = setInterval(() => {}, 1000);
  return promise.finally(() => clearInterval(alive));
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

cases[name]();
