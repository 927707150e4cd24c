// What a client is made of. A failure here is an application on the wrong database or server because an option vanished,
// or a password in a log because an error repeated it.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis } from '../../lib/redis/index.js';
import { optionsOfText } from '../../lib/redis/target.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';
import { thrownBy } from '../thrown-by.js';

const SOCKET = join(
  tmpdir(),
  `sideloop-${process.pid}-${Math.random().toString(36).slice(2)} a.sock`,
);

let server: RedisServer;
let port: number;
let loop: EventLoop;
beforeAll(async () => {
  server = await startRedisServer({ args: ['--unixsocket', SOCKET] });
  port = server.port;
  await server.cli('acl', 'setuser', 'alice', 'on', '>p@ss%', '~*', '+@all');
});
afterAll(() => server.stop());
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

// biome-ignore lint/suspicious/noExplicitAny: the types refuse some of what is tried.
type Loose = any;
const AnyRedis = Redis as new (...args: Loose[]) => Redis;

describe('text stands for', () => {
  test.each<[string, object]>([
    ['6380', { port: 6380 }],
    ['h', { host: 'h' }],
    ['', {}],
    ['h:6380', { host: 'h', port: 6380 }],
    ['h:6380/3', { host: 'h', port: 6380, db: 3 }],
    ['my_redis:6380', { host: 'my_redis', port: 6380 }],
    ['//h', { host: 'h' }],
    ['//h:6380/3', { host: 'h', port: 6380, db: 3 }],
    ['127.0.0.1', { host: '127.0.0.1' }],
    ['::1', { host: '::1' }],
    ['[::1]:6380', { host: '::1', port: 6380 }],
    ['redis://', {}],
    ['redis:///2', { db: 2 }],
    ['redis://h', { host: 'h' }],
    ['REDIS://h/', { host: 'h' }],
    ['redis://h?db=3', { host: 'h', db: 3 }],
    ['redis://h/?db=3', { host: 'h', db: 3 }],
    ['redis://h/4?db=3&port=1', { host: 'h', db: 4, port: 1 }],
    ['redis://h:6380?port=1&host=i', { host: 'h', port: 6380 }],
    ['redis://h?family=6', { host: 'h', family: 6 }],
    [
      'redis://h?lazyConnect=true&reconnect=false',
      { host: 'h', lazyConnect: true, reconnect: false },
    ],
    ['redis://h?connectTimeout=5&protocol=2', { host: 'h', connectTimeout: 5, protocol: 2 }],
    [
      'redis://h?whenFull=wait&connectionName=a',
      { host: 'h', whenFull: 'wait', connectionName: 'a' },
    ],
    ['redis://h?password=1%2B1', { host: 'h', password: '1+1' }],
    ['redis://:1+1@h', { host: 'h', password: '1+1' }],
    ['redis://u:p%40%25@h', { host: 'h', username: 'u', password: 'p@%' }],
    ['u:p@h:1', { host: 'h', port: 1, username: 'u', password: 'p' }],
    ['/tmp/a.sock', { path: '/tmp/a.sock' }],
    ['/tmp/a b%20/../c.sock', { path: '/tmp/a b%20/../c.sock' }],
    ['/tmp/a.sock?db=2&password=p', { path: '/tmp/a.sock', db: 2, password: 'p' }],
    ['unix:///tmp/a%20b.sock?db=2', { path: '/tmp/a b.sock', db: 2 }],
  ])('%j', (text, options) => expect(optionsOfText(text)).toEqual(options));
});

describe('a client is made of', () => {
  /** Where the client of these arguments went: `[its database, its address at the server]`. */
  async function placeOf(...args: unknown[]): Promise<[db: number, at: string]> {
    const info = await new AnyRedis(...args, { loop, connectTimeout: 5000 }).client('INFO');
    return [Number(/ db=(\d+)/.exec(info)?.[1]), String(/ laddr=(\S+( a\.sock)?)/.exec(info)?.[1])];
  }

  test.each<[string, () => unknown[], number]>([
    ['a port', () => [port], 0],
    ['a port as text', () => [`${port}`], 0],
    ['a port and options', () => [port, { db: 2 }], 2],
    ['a port, undefined and options', () => [port, undefined, { db: 2 }], 2],
    ['a port, null and options', () => [port, null, { db: 2 }], 2],
    ['a port and a host', () => [port, 'localhost', { db: 2 }], 2],
    ['a port as text and a host', () => [`${port}`, '127.0.0.1'], 0],
    ['a port as text and options', () => [`${port}`, { host: '127.0.0.1', db: 1 }], 1],
    ['undefined and options', () => [undefined, { port, db: 2 }], 2],
    ['null and options', () => [null, { port, db: 2 }], 2],
    ['options of text, as in an environment', () => [{ port: `${port}`, db: '3' }], 3],
    [
      'options that are null',
      () => [{ port, host: null, path: null, username: null, password: null, db: null }],
      0,
    ],
    [
      'more options that are null',
      () => [{ port, connectionName: null, loop: null, family: null }],
      0,
    ],
    ['no limits', () => [{ port, connectTimeout: null, maxRetriesPerRequest: null, db: 2 }], 2],
    ['a family', () => [{ port, host: 'localhost', family: 4 }], 0],
    ['a URL with a query', () => [`redis://127.0.0.1:${port}?db=3`], 3],
    [
      'a URL, which counts more than the options',
      () => [`redis://127.0.0.1:${port}/3`, { db: 4 }],
      3,
    ],
    ['a URL, and what it does not say', () => [`redis://127.0.0.1:${port}`, { db: 4 }], 4],
    ['a URL, undefined and options', () => [`redis://127.0.0.1:${port}`, undefined, { db: 4 }], 4],
    ['a URL of no scheme', () => [`//127.0.0.1:${port}/3`], 3],
    ['host and port', () => [`127.0.0.1:${port}`], 0],
    ['options that inherit', () => [Object.create({ port, db: 5 })], 5],
    ['a host and a port', () => ['127.0.0.1', port], 0],
    ['options, and a host behind them', () => [{ port, db: 2 }, '127.0.0.1'], 2],
    ['a URL without a port, and a port', () => ['redis://127.0.0.1/3', port], 3],
    [
      'options of a class',
      () => [
        new (class {
          port = port;
          get db() {
            return 4;
          }
        })(),
      ],
      4,
    ],
    ['no options', () => [{}, { port }], 0],
  ])('%s', async (_, args, db) => {
    expect(await placeOf(...args())).toEqual([db, `127.0.0.1:${port}`]);
  });

  test('the path of a socket', async () => {
    expect(await placeOf(`${SOCKET}?db=2`)).toEqual([2, SOCKET]);
    expect(await placeOf(SOCKET, { db: 2 })).toEqual([2, SOCKET]);
    expect(await placeOf(`unix://${encodeURI(SOCKET)}?db=2`)).toEqual([2, SOCKET]);
    expect(await placeOf({ path: SOCKET, port: 1 })).toEqual([0, SOCKET]);
  });

  test('a family that the name has no address of, which is not tried', async () => {
    const redis = new Redis({
      host: '127.0.0.1.nip.invalid',
      port,
      family: 6,
      loop,
      maxRetriesPerRequest: 0,
    });
    await expect(redis.ping()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_RESOLVE' });
  });

  test('null in place of options of attach()', async () => {
    const redis = new Redis({ port, loop });
    const other = Redis.attach(redis.handle, null as Loose);
    expect(await other.ping()).toBe('PONG');
    other.disconnect();
  });
});

describe('is refused by name:', () => {
  test.each<[string, unknown[], RegExp]>([
    ['a misspelt option', [{ prot: 1 }], /no option 'prot'\. Did you mean 'port'/],
    ['a misspelt option behind a URL', ['redis://h', { conectTimeout: 1 }], /'connectTimeout'/],
    ['a misspelt option behind a port', [1, undefined, { pasword: 'p' }], /'password'/],
    ['a misspelt option of a URL', ['redis://h?famly=6'], /'famly'.*'family'/],
    ['an option that is not there yet', [{ keyPrefix: 'p' }], /no option 'keyPrefix'/],
    ['an option of a URL that is none', ['redis://h?tls=true'], /no option/],
    ['a loop in a URL', ['redis://h?loop=io'], /no option/],
    ['a port out of range', [70_000], /^port must be/],
    ['a port out of range, as text', ['70000'], /^port must be/],
    ['a port with more behind it', [{ port: '6379x' }], /^port must be/],
    ['no port', [{ port: '' }], /^port must be/],
    ['a database in a query that is none', ['redis://h?db=one'], /^db must be/],
    ['a database in a path that is none', ['redis://h/one'], /^url must be/],
    ['a database below 0', [{ db: '-1' }], /^db must be/],
    ['a family that is none', [{ family: 5 }], /^family must be/],
    ['a flag that is none', ['redis://h?lazyConnect=yes'], /^lazyConnect must be true or false/],
    ['a limit that is none', ['redis://h?connectTimeout=soon'], /^connectTimeout must be/],
    ['text where a number is due', [{ connectTimeout: '5' }], /^connectTimeout must be/],
    ['another scheme', ['http://h'], /^url must be .*redis:/],
    ['a fragment', ['redis://h#1'], /^url must be .*'#'/],
    ['a user without a password', ['redis://u@h'], /^username must be .*password/],
    ['a host of a socket', ['unix://h/tmp/a.sock'], /^url must be .*three slashes/],
    ['a socket with a NUL', [{ path: '/tmp/a\0b.sock' }], /^path must be .*NUL/],
    [
      'a socket that is too long',
      [{ path: `/${'a'.repeat(120)}` }],
      /^path must be .*10[37] bytes/,
    ],
    ['a socket of long characters', [`/tmp/${'é'.repeat(60)}`], /^path must be .*10[37] bytes/],
    ['a function', [() => {}], /options of Redis must be an object/],
    ['a list', [['redis://h']], /options of Redis must be an object/],
    ['true', [true], /options of Redis must be an object/],
    ['a function behind a port', [6379, 'h', () => {}], /options of Redis must be an object/],
    ['a second port', [6379, 6380], /^Argument 2 of Redis says port.*give it once/],
    ['a second port as text', ['6379', '6380'], /^Argument 2 of Redis says port/],
    ['a second host', [6379, '127.0.0.1', 'other'], /^Argument 3 of Redis says host/],
    ['a third number', [6379, '127.0.0.1', 7], /^Argument 3 of Redis says port/],
    [
      'a host behind one with a port',
      ['127.0.0.1:6379', 'other'],
      /^Argument 2 of Redis says host/,
    ],
    ['a port behind a URL with one', ['redis://h:6379', 6380], /^Argument 2 of Redis says port/],
    ['a URL behind a port', [6379, 'redis://h:6380/2'], /^Argument 2 of Redis says port/],
    ['a second URL', ['redis://h/1', 'redis://i/2'], /^Argument 2 of Redis says/],
    ['a host behind options that have one', [{ host: 'h' }, 'i'], /^Argument 2 of Redis says host/],
    ['a number behind options', [{ port: 1 }, undefined, 2], /^Argument 3 of Redis says port/],
    ['a port behind the path of a socket', ['/tmp/a.sock', 6379], /^Argument 2 .*path of a socket/],
    ['a socket behind a port', [6379, '/tmp/a.sock'], /^Argument 2 .*path of a socket/],
    ['a port as text with a query', ['6379?db=1'], /^host must be .*no number: a port/],
    ['a port as text with a database', ['6379/1'], /^host must be .*no number: a port/],
    ['a URL with a port for a host', ['redis://6379'], /^host must be .*no number: a port/],
    ['a host that is a port', [{ host: '6379' }], /^host must be .*no number: a port/],
    ['a host with a NUL', [{ host: 'localhost\0.test' }], /^host must be a host name or address/],
    ['a host with a NUL behind a port', [6379, 'localhost\0.test'], /must be/],
    ['a host with a port', [{ host: 'h:6379' }], /^host must be a host name or address/],
    ['a Map', [new Map([['port', 1]])], /must be an object of .*not a Map\./],
    ['a Set', [new Set(['port'])], /must be an object of .*not a Set\./],
    ['a Date', [new Date(0)], /must be an object of .*not a Date\./],
    [
      'a promise of options',
      [Promise.resolve({ port: 1 })],
      /must be an object of .*not a Promise\./,
    ],
    ['a boxed number', [Object(6379)], /must be an object of .*not a Number\./],
    ['an Error behind a port', [1, 'h', new Error('x')], /must be an object of .*not an Error\./],
    [
      'a Map of another realm',
      [runInNewContext('new Map()')],
      /must be an object of .*not a Map\./,
    ],
    ['a URL object', [new URL('redis://h:1/2')], /has no option/],
    ['bytes', [Buffer.from('redis://h')], /has no option '0'/],
  ])('%s', (_, args, message) => {
    expect(thrownBy(() => new AnyRedis(...args))).toMatchObject({
      name: 'SideloopTypeError',
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});

// Each has the password in another place, and each is wrong in another way.
describe('a secret is in no error of', () => {
  const SECRET = 'hunter2';
  test.each<[string, unknown[]]>([
    ['a password that is not encoded', [`redis://:${SECRET}100%@h`]],
    ['a password that is not encoded, without a scheme', [`:${SECRET}100%@h`]],
    ['a user that is not encoded', [`redis://${SECRET}%:p@h`]],
    ['a password with a slash', [`redis://:${SECRET}/x@h`]],
    ['a password with a slash behind digits', [`redis://u:12/${SECRET}@h`]],
    ['a password with a question mark behind digits', [`redis://u:12?${SECRET}@h`]],
    ['a password with a hash behind digits', [`redis://u:12#${SECRET}@h`]],
    ['a password with a hash', [`redis://u:${SECRET}#x@h`]],
    ['a host that is none', [`redis://:${SECRET}@h h`]],
    ['a port that is none', [`redis://:${SECRET}@h:port`]],
    ['a port that is too large', [`redis://:${SECRET}@h:99999`]],
    ['a database that is none', [`redis://:${SECRET}@h/db`]],
    ['another scheme', [`amqp://:${SECRET}@h`]],
    ['TLS', [`rediss://:${SECRET}@h`]],
    ['a query', [`redis://h?password=${SECRET}&db=x`]],
    ['a query whose name is none', [`redis://h?${SECRET}=1`]],
    ['a path with a query', [`/tmp/a.sock?${SECRET}`]],
    ['a user without a password', [`redis://${SECRET}@h`]],
    ['an option of the wrong type', [{ password: [SECRET] }]],
    ['a name of the wrong type', [{ username: { [SECRET]: 1 }, password: 'p' }]],
    ['a wrong option beside it', [{ password: SECRET, port: 'x' }]],
    ['an option that is none', [{ password: SECRET, tls: { key: SECRET } }]],
    ['a list that has the URL for a host', [{ host: [`redis://:${SECRET}@h`] }]],
    ['a host that is a URL', [{ host: `redis://:${SECRET}@h` }]],
    ['a host with a user', [{ host: `u:${SECRET}@h` }]],
  ])('%s', (_, args) => {
    const error = thrownBy(() => new AnyRedis(...args)) as Error & { code: string };
    expect(error.code).toMatch(/^ERR_SIDELOOP_/);
    const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error);
    // Its stack shows this file, not the line's text.
    expect(shown).not.toContain(SECRET);
  });
});
