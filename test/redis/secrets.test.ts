// Passwords go to servers, and nowhere else. A failure here is a password in somebody's log.

import { format, inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReplyError } from '../../lib/errors.js';
import { EventLoop } from '../../lib/index.js';
import { acquire, Consumer, Producer } from '../../lib/lease/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';
import { nextEvent } from './next-event.js';

const SECRET = 's3cr3t-pässwörd';

let server: RedisServer;
let guarded: RedisServer;
let loop: EventLoop;
beforeAll(async () => {
  server = await startRedisServer();
  guarded = await startRedisServer({ args: ['--requirepass', SECRET] });
  loop = new EventLoop();
});
afterAll(async () => {
  loop.destroy();
  await Promise.all([server.stop(), guarded.stop()]);
});

/** All that a program can print of a value. */
function printed(value: unknown): string {
  const error = value instanceof Error ? value : undefined;
  return [
    format('%s %o %j', value, value, value),
    inspect(value, { depth: Infinity, showHidden: true, maxStringLength: null }),
    // Without getters: that of a Buffer shows the pool, in which Node keeps the text of others.
    inspect(value, { depth: Infinity, showHidden: true, customInspect: false }),
    JSON.stringify(value),
    String(error?.stack),
    error?.cause === undefined ? '' : printed(error.cause),
  ].join('\n');
}

/** The secret as text, in a URL, and as bytes. */
const FORMS = [
  SECRET,
  encodeURIComponent(SECRET),
  [...Buffer.from(SECRET)].slice(0, 4).join(', '),
  Buffer.from(SECRET).toString('hex').slice(0, 8),
  Buffer.from(SECRET).toString('hex').replace(/../g, '$& ').slice(0, 11),
  's3cr3t',
];

function expectNoSecret(...values: unknown[]): void {
  for (const value of values) {
    const text = printed(value);
    for (const form of FORMS) expect(text).not.toContain(form);
  }
}

test('a print that has a secret is found out', () => {
  for (const leak of [{ a: [SECRET] }, Buffer.from(SECRET), new Error(`no ${SECRET}`)]) {
    expect(() => expectNoSecret(leak)).toThrow();
  }
});

/** Commands that carry a secret, in each form of an argument. */
const COMMANDS: [name: string, ...args: (string | Buffer)[]][] = [
  ['CONFIG', 'SET', 'masterauth', SECRET],
  ['CONFIG', 'SET', 'masterauth', Buffer.from(SECRET)],
  ['ACL', 'SETUSER', 'someone', `>${SECRET}`],
  ['ACL', 'SETUSER', 'someone', `<${SECRET}-of-nobody`],
  ['ACL', 'SETUSER', 'someone', `#${SECRET}`],
  ['ACL', 'SETUSER', 'someone', `>${SECRET}': it's`, `<${SECRET}': it's none': of it`],
  ['MIGRATE', '127.0.0.1', '1', 'k', '0', '10', 'AUTH', SECRET],
  ['MIGRATE', '127.0.0.1', '1', 'k', '0', '10', 'AUTH2', 'someone', SECRET],
  ['AUHT', SECRET],
  ['AUHT', 'someone', Buffer.from(SECRET)],
  ['CONFIGSET', 'requirepass', SECRET],
  ['SET', 'session', SECRET],
  ['GET', SECRET, SECRET],
  ['EVAL', 'return redis.call("AUHT", ARGV[1])', '0', SECRET],
  ['CLIENT', SECRET],
  ['CLIENT', `it's ${SECRET}`],
  ['CONFIG', SECRET, 'x'],
  ['CONFIG', 'SET', SECRET, 'x'],
  ['CONFIG', 'SET', 'maxmemory', SECRET],
  ['OBJECT', SECRET, 'k'],
  ['ACL', 'SETUSER', 'someone', `(>${SECRET}`],
  ['ACL', 'DRYRUN', SECRET, 'get', 'k'],
  ['ACL', 'CAT', SECRET],
  ['CLIENT', 'KILL', 'TYPE', SECRET],
  ['CLIENT', 'KILL', 'USER', SECRET],
  ['EVAL', `return redis.call("SET", "k" ${SECRET})`, '0'],
  ['EVAL', `return redis.call("SET", "k" "${SECRET}")`, '0'],
  ['EVAL', `local t = {} t["${SECRET}"]()`, '0'],
  ['EVAL', `#!lua ${SECRET}=1\nreturn 1`, '0'],
  ['EVAL', `#!${SECRET}\nreturn 1`, '0'],
  ['EVAL', `#!lua flags=${SECRET}\nreturn 1`, '0'],
  ['FUNCTION', 'LOAD', `#!lua ${SECRET}=x\nreturn 1`],
  ['FUNCTION', 'LOAD', `#!${SECRET} name=x\nreturn 1`],
];

describe('a client shows none', () => {
  test('of what it was made with', async () => {
    const options: RedisOptions = { loop, port: guarded.port };
    const url = `redis://:${encodeURIComponent(SECRET)}@127.0.0.1:${guarded.port}`;
    for (const redis of [
      new Redis({ ...options, password: SECRET }),
      new Redis({ ...options, username: 'default', password: SECRET, protocol: 2 }),
      new Redis(url, { loop }),
    ]) {
      expectNoSecret(redis);
      await redis.connect();
      expectNoSecret(redis, redis.stats(), redis.loop, redis.handle, loop.stats());
      redis.disconnect();
      expectNoSecret(redis);
      await redis.connect();
      expectNoSecret(redis);
      redis.disconnect();
    }
  });

  test('of what it is about to send, has sent, or holds back', async () => {
    await using fake = await FakeServer.start();
    const redis = new Redis({ loop, port: fake.port });
    const full = new Redis({ loop, port: fake.port, maxPendingCommands: 1, whenFull: 'wait' });
    const pipeline = redis.pipeline();
    const pending: Promise<unknown>[] = [];
    for (const [name, ...args] of COMMANDS) {
      pending.push(redis.call(name, ...args), full.call(name, ...args));
      pipeline.call(name, ...args);
      expectNoSecret(redis, full, pipeline);
    }
    pending.push(redis.set('k', SECRET), redis.lpush('l', SECRET, SECRET), redis.echo(SECRET));
    pending.push(pipeline.exec());
    using recurring = redis.repeat(['SET', 'k', SECRET], { everyMs: 1000 });
    expectNoSecret(redis, full, pipeline, recurring, recurring.stats());
    for (const promise of pending) promise.catch(() => {});
    await fake.received('CONFIG');
    expectNoSecret(redis, full, redis.stats(), loop, loop.stats());
    redis.disconnect();
    full.disconnect();
    expectNoSecret(redis, full, await Promise.allSettled(pending));
  });

  test('of a command that fails', async () => {
    const redis = new Redis(server.url, { loop });
    const errors: unknown[] = [];
    for (const [name, ...args] of COMMANDS) {
      const settled = await Promise.allSettled([
        redis.call(name, ...args),
        redis
          .pipeline()
          .call(name, ...args)
          .exec(),
      ]);
      errors.push(...settled);
    }
    expectNoSecret(errors, redis);
    expect(errors.some((e) => (e as PromiseRejectedResult).status === 'rejected')).toBe(true);
    const tooLong = await redis.call('NOSUCH', 'x'.repeat(1000), SECRET).catch((e) => e);
    expect(tooLong).toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_REPLY',
      message: "ERR unknown command 'NOSUCH', with args beginning with: ***",
    });
    redis.disconnect();
  });

  test('of a command that it refuses', async () => {
    const redis = new Redis(server.url, { loop, maxPendingBytes: 1 });
    const refused = await Promise.allSettled([
      redis.call('AUTH', SECRET),
      redis.call('HELLO', '3', 'AUTH', 'someone', SECRET),
      redis.call(`AUTH ${SECRET}`),
      redis.set('k', SECRET),
      redis.set('k', [SECRET] as never),
      redis.set('k', { password: SECRET } as never),
      redis.set('k', Symbol(SECRET) as never),
      redis.set('k', new Error(SECRET) as never),
      redis.set(SECRET, undefined as never),
      redis.set('k', new Uint16Array(Buffer.from(SECRET)) as never),
      redis.set('k', SECRET, { EX: SECRET } as never),
    ]);
    expect(refused.map((r) => r.status)).toEqual(refused.map(() => 'rejected'));
    expectNoSecret(refused);
    const thrown = (make: () => unknown) => {
      try {
        make();
      } catch (error) {
        return error;
      }
      throw new Error('nothing was thrown');
    };
    const nonsense = SECRET as never;
    expectNoSecret(
      thrown(() => redis.pipeline([['SET', 'k', { SECRET }] as never])),
      thrown(() => redis.pipeline([SECRET as never])),
      thrown(() => redis.repeat(['AUTH', SECRET], { everyMs: 1 })),
      thrown(() => redis.repeat(['SET', 'k', SECRET], { everyMs: nonsense })),
      thrown(() => redis.disconnect(nonsense)),
      thrown(() => Redis.attach(nonsense)),
      thrown(() => new Redis({ loop, host: `redis://:${SECRET}@h` })),
      thrown(() => new Redis({ loop, username: SECRET })),
      thrown(() => new Redis({ loop, port: nonsense })),
      thrown(() => new Redis({ loop, connectionName: `${SECRET} ${SECRET}` })),
      thrown(() => new Redis(`redis://:${SECRET}%@h`, { loop })),
      thrown(() => new Redis(`redis://a:${SECRET}/x@h`, { loop })),
      thrown(() => new Redis(`http://a:${SECRET}@h`, { loop })),
      thrown(() => new Redis(`redis://h?passwrd=${encodeURIComponent(SECRET)}`, { loop })),
    );
    redis.disconnect();
  });
});

describe('a handshake that is refused shows none', () => {
  const REFUSALS = [
    `-ERR invalid password '${SECRET}'\r\n`,
    `-WRONGPASS ${SECRET} ${SECRET}\r\n`,
    `-ERR unknown command 'AUTH', with args beginning with: '${SECRET}' \r\n`,
    '-ERR unknown command `AUTH`, with args beginning with: `s3cr3t-p`, \r\n',
    `-ERR Syntax error in HELLO option '${SECRET}'\r\n`,
  ];
  test.each(REFUSALS)('%s', async (refusal) => {
    for (const protocol of [2, 3] as const) {
      await using fake = await FakeServer.start({ HELLO: refusal, AUTH: refusal });
      const redis = new Redis({
        loop,
        port: fake.port,
        password: SECRET,
        protocol,
        maxRetriesPerRequest: 0,
      });
      const told = new Promise((resolve) => redis.on('error', resolve));
      const settled = await Promise.allSettled([redis.connect(), redis.get('k')]);
      expect(settled.map((s) => s.status)).toEqual(['rejected', 'rejected']);
      expectNoSecret(await told, settled, redis);
      redis.disconnect();
    }
  });

  test('where the password is a word of the sentence, by leaving out none', async () => {
    for (const password of ['password', 'user', 'e', 'invalid', 'disabled.', 'server', 'check']) {
      const options = { loop, port: guarded.port, maxRetriesPerRequest: 0 };
      const redis = new Redis({ ...options, password });
      const [failed] = await Promise.allSettled([redis.connect()]);
      expect((failed as PromiseRejectedResult).reason.message).toBe(
        'WRONGPASS invalid username-password pair or user is disabled. ' +
          '(the server refused the handshake: check username and password).',
      );
      redis.disconnect();
    }
  });

  test('of a real server', async () => {
    for (const username of [undefined, 'nobody']) {
      const password = `${SECRET}-wrong`;
      const redis = new Redis({ loop, port: guarded.port, username, password });
      expectNoSecret(await Promise.allSettled([redis.connect(), redis.get('k')]));
      redis.disconnect();
    }
  });
});

test('a lease, a consumer, a producer and a job show none of their connection', async () => {
  const redis = new Redis({ loop, port: guarded.port, password: SECRET });
  const pending = redis.echo(SECRET);
  const lease = await acquire(redis, 'lease', { ttlMs: 5000 });
  const producer = new Producer(redis, { stream: 'jobs' });
  await producer.add({ n: '1' });
  const consumer = new Consumer(redis, { stream: 'jobs', group: 'g' });
  const taken = new Promise((resolve) => {
    const run = consumer.run(async (job) => resolve(job));
    run.catch(() => {});
  });
  expectNoSecret(lease, producer, consumer, await taken, consumer.health, redis);
  await consumer.close();
  await lease.release();
  expectNoSecret(lease, producer, consumer);
  await pending;
  const ended = nextEvent(redis, 'end');
  await redis.quit();
  await ended;
});

test('console.log(redis) says how it stands', () => {
  const redis = new Redis(server.url, { loop, lazyConnect: true });
  expect(inspect(redis)).toBe("Redis { status: 'wait', pending: 0 }");
  expect(JSON.stringify({ redis })).toBe('{"redis":{"status":"wait","pending":0}}');
  redis.disconnect();
});

describe('an error of the server', () => {
  const words = (text: string) => new ReplyError(text).message;

  test.each([
    [
      "ERR unknown command 'A', with args beginning with: 'b' 'c'",
      "ERR unknown command 'A', with args beginning with: ***",
    ],
    [
      'ERR unknown command `A`, with args beginning with: `b`, `c`, ',
      'ERR unknown command `A`, with args beginning with: ***',
    ],
    ["ERR unknown command 'A' or 'B'", "ERR unknown command 'A' or '***'"],
    [
      "ERR Error in ACL SETUSER modifier '<a': b': The password does not exist",
      "ERR Error in ACL SETUSER modifier '***': The password does not exist",
    ],
    [
      "ERR unknown subcommand 'it's a'. Try CLIENT HELP.",
      "ERR unknown subcommand '***'. Try CLIENT HELP.",
    ],
    [
      "ERR Error compiling script (new function): user_script:1: ')' expected near 'abc'",
      "ERR Error compiling script (new function): user_script:1: ')' expected near '***'",
    ],
    [
      "ERR Error compiling script (new function): user_script:3: 'end' expected (to close 'if' at line 1) near 'abc'",
      "ERR Error compiling script (new function): user_script:3: 'end' expected (to close 'if' at line 1) near '***'",
    ],
    [
      "ERR Error compiling script (new function): user_script:1: unfinished string near '\"abc'",
      "ERR Error compiling script (new function): user_script:1: unfinished string near '***'",
    ],
    ["ERR can't read 'abc", "ERR can't read '***"],
    ['ERR Unsupported CONFIG parameter: abc', 'ERR Unsupported CONFIG parameter: ***'],
    [
      "ERR CONFIG SET failed (possibly related to argument 'dir') - no 'abc' here",
      "ERR CONFIG SET failed (possibly related to argument 'dir') - no '***' here",
    ],
    ["NOPERM x 'abc' to run the 'get' command", "NOPERM x '***' command"],
  ])('hides what was given: %s', (text, shown) => {
    expect(words(text)).toBe(shown);
  });

  test.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    "ERR wrong number of arguments for 'config|set' command",
    "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
    "NOPERM this user has no permissions to run the 'get' command",
    "NOPERM User default has no permissions to run the 'get' command",
    "NOGROUP No such key 'jobs' or consumer group 'g' in XREADGROUP with GROUP option",
    "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
    'BUSYGROUP Consumer Group name already exists',
    "ERR The server can't do what the clients' limits don't allow",
  ])('keeps its words: %s', (text) => {
    expect(words(text)).toBe(text);
  });
});
