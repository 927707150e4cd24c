// What of a client keeps the process alive, and what does not. The name of the case and a server's URL are the arguments.

import { EventLoop } from '../../../dist/index.js';
import { Redis } from '../../../dist/redis/index.js';

const [name, url] = process.argv.slice(2);
// Nobody listens there.
const NOBODY = 'redis://127.0.0.1:1';
const FAST = { reconnectMinDelay: 1, reconnectMaxDelay: 2, maxRetriesPerRequest: 3 };

const print = (...what) => console.log(...what);

const cases = {
  waitsForReady() {
    new Redis(url).once('ready', () => print('ready'));
  },

  async awaitsReady() {
    const redis = new Redis(url);
    await new Promise((resolve) => redis.once('ready', resolve));
    print(redis.status);
  },

  listensForReady() {
    new Redis(url).on('ready', () => print('ready'));
  },

  async waitsForReadyAgain() {
    const redis = new Redis(url, FAST);
    await redis.connect();
    redis.disconnect(true);
    redis.once('reconnecting', () => {});
    redis.once('ready', () => print('again'));
  },

  waitsForEnd() {
    const redis = new Redis(url);
    redis.once('end', () => print('end'));
    redis.quit();
  },

  waitsForEndOfDisconnect() {
    const redis = new Redis(url);
    redis.once('end', () => print('end'));
    redis.disconnect();
  },

  connectsToNobody() {
    new Redis(NOBODY, FAST).connect().catch((error) => print(error.code));
  },

  connectsAgain() {
    const redis = new Redis(url);
    redis.quit();
    redis.connect().then(() => print(redis.status));
  },

  nobodyWaits() {
    new Redis(url);
    new Redis(NOBODY, FAST);
  },

  noLongerWaits() {
    const redis = new Redis(NOBODY, FAST);
    const listener = () => {};
    redis.on('ready', listener).off('ready', listener);
  },

  unreferencedConnect() {
    new Redis(NOBODY, { ...FAST, maxRetriesPerRequest: null }).unref().connect();
  },

  async unreferencedCommand() {
    const redis = new Redis(url);
    await redis.ping();
    redis.unref().blpop('none', 0).then(print);
  },

  async referencedAgain() {
    const redis = new Redis(url);
    redis.unref();
    redis.ref().blpop('none', 0.1).then(print);
  },

  async unreferencedInItsNextLife() {
    const redis = new Redis(url).unref();
    const alive = setInterval(() => {}, 1000);
    redis.disconnect();
    await redis.connect();
    clearInterval(alive);
    redis.blpop('none', 0).then(print);
  },

  // The loop's and the client's own word count both.
  unreferencedLoop() {
    const loop = new EventLoop();
    const redis = new Redis(NOBODY, { ...FAST, loop, maxRetriesPerRequest: null });
    loop.unref();
    redis.unref().ref().connect();
  },
};

await cases[name]();
