// What a client gives in a process whose intrinsics are frozen. A server's URL is the argument.

import { acquire, Consumer } from '../../../dist/lease/index.js';
import { Redis } from '../../../dist/redis/index.js';

for (const intrinsic of [Object, Array, Error, TypeError, RangeError, Promise, Function, Map]) {
  Object.freeze(intrinsic.prototype);
}

const FIELDS = [
  ...['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'],
  ...['toLocaleString', '__defineGetter__', '__lookupSetter__', 'propertyIsEnumerable', 'plain'],
];

const holds = [];
for (const protocol of [2, 3]) {
  const redis = new Redis(process.argv[2], { protocol });
  await redis.connect();
  await redis.del('h', 'list');
  await redis.call('HSET', 'h', ...FIELDS.flatMap((field) => [field, `of ${field}`]));
  const record = await redis.hgetall('h');
  const buffers = await redis.hgetallBuffer('h');
  const [[, piped]] = await redis.pipeline().hgetall('h').exec();
  for (const given of [record, piped]) {
    holds.push(FIELDS.every((field) => Object.hasOwn(given, field)));
    holds.push(
      FIELDS.every(
        (field) => Object.getOwnPropertyDescriptor(given, field).value === `of ${field}`,
      ),
    );
    holds.push(Object.keys(given).length === FIELDS.length);
    holds.push(Object.getPrototypeOf(given) === Object.prototype);
  }
  holds.push(
    String(Object.getOwnPropertyDescriptor(buffers, '__proto__').value) === 'of __proto__',
  );
  await redis.lpush('list', 1);
  const wrong = await redis.get('list').catch((error) => error);
  holds.push(wrong.name === 'ReplyError' && wrong.code === 'ERR_SIDELOOP_REDIS_WRONGTYPE');
  const refused = await redis.set('k', {}).catch((error) => error);
  holds.push(refused.name === 'SideloopTypeError' && refused.code === 'ERR_SIDELOOP_ARGUMENT');
  await redis.quit();
  const closed = await redis.get('k').catch((error) => error);
  holds.push(closed.name === 'RedisError' && closed.code === 'ERR_SIDELOOP_REDIS_CLOSED');
}

const redis = new Redis(process.argv[2]);
await redis.call('XADD', 'frozen', '*', ...FIELDS.flatMap((field) => [field, `of ${field}`]));
const consumer = new Consumer(redis, { stream: 'frozen', group: 'g' });
const run = consumer.run(async ({ fields }) => {
  for (const field of FIELDS) {
    holds.push(Object.getOwnPropertyDescriptor(fields, field)?.value === `of ${field}`);
  }
  consumer.close();
});
await run;
const lease = await acquire(redis, 'lease', { ttlMs: 5000 });
await lease.release();
holds.push(lease.signal.reason.name === 'LeaseError');
await redis.quit();
console.log(JSON.stringify([...new Set(holds)]));
