// What goes in comes out: text, bytes, sizes and shapes. A failure here is somebody's data, changed.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Redis } from '../../lib/redis/index.js';
import { labOfFile } from '../support/lab.js';
import { FakeServer } from './fake-server.js';

const lab = labOfFile();

/** All code points from `first` to `last` as one string. */
function codePoints(first: number, last: number): string {
  let text = '';
  for (let point = first; point <= last; point++) text += String.fromCodePoint(point);
  return text;
}

describe.each([2, 3] as const)('over RESP%i', (protocol) => {
  let redis: Redis;
  beforeAll(async () => {
    redis = lab.client({ protocol });
    await redis.flushall();
  });
  afterAll(() => redis.disconnect());

  test('a hash whose names can not be told apart as strings loses none', async () => {
    const [one, other] = [Buffer.from([0xff]), Buffer.from([0xfe])];
    await redis.hset('names', one, '1', other, '2');
    const lost = expect.objectContaining({
      code: 'ERR_SIDELOOP_REDIS_FIELD_NAMES',
      command: 'HGETALL',
    });
    await expect(redis.hgetall('names')).rejects.toEqual(lost);
    await expect(redis.hgetallBuffer('names')).rejects.toEqual(lost);
    await expect(redis.callBuffer('HGETALL', 'names')).rejects.toEqual(lost);
    for (const unit of [redis.pipeline(), redis.multi()]) {
      const results = await unit.hgetall('names').hgetallBuffer('names').ping().exec();
      expect(results).toEqual([
        [lost, undefined],
        [lost, undefined],
        [null, 'PONG'],
      ]);
    }
    // The ways that the error names.
    const [, pairs] = (await redis.callBuffer('HSCAN', 'names', 0)) as [Buffer, Buffer[]];
    expect(pairs).toHaveLength(4);
    const names = await redis.hkeysBuffer('names');
    expect(names).toEqual(expect.arrayContaining([one, other]));
    const values = await redis.hmgetBuffer('names', ...names);
    expect(values.map(String).sort()).toEqual(['1', '2']);
  });

  test('long texts and Buffers come back, alone, in arrays and among short ones', async () => {
    const size = (256 << 10) - 1;
    const long = {
      ascii: 'abcdefg'.repeat(100_000),
      edge: 'x'.repeat(size),
      more: 'x'.repeat(size + 1),
      wide: '\u20ac'.repeat(300_000),
      late: `${'x'.repeat(1 << 20)}\u00e9`,
      lines: '\r\n'.repeat(400_000),
    };
    const names = Object.keys(long).map((name) => `long:${name}`);
    const texts = Object.values(long);
    await Promise.all(names.map((name, i) => redis.set(name, texts[i] ?? '')));
    const together = await Promise.all([
      redis.mget(...names, 'long:none'),
      redis.set('short', 'short'),
      ...names.map((name) => redis.get(name)),
      redis.get('short'),
    ]);
    expect(together).toEqual([[...texts, null], 'OK', ...texts, 'short']);
    const bytes = Buffer.alloc(3_000_000, Buffer.from([0xff, 0, 0x0d, 0x0a, 0x80]));
    await redis.set('long:bytes', bytes);
    const [first, short, second] = await Promise.all([
      redis.getBuffer('long:bytes'),
      redis.get('short'),
      redis.getBuffer('long:bytes'),
    ]);
    expect(bytes.equals(first ?? Buffer.of())).toBe(true);
    expect(short).toBe('short');
    // Each has memory of its own.
    first?.fill(0);
    expect(bytes.equals(second ?? Buffer.of())).toBe(true);
    await redis.del(...names, 'long:bytes', 'short');
  });

  test('all text of Unicode comes back, as keys, values, and beside other commands', async () => {
    const texts = [
      '',
      '\0',
      'a\r\nb',
      '$3\r\nGET\r\n',
      'naïve',
      '日本語',
      '👩‍👩‍👧‍👦',
      '\u{10ffff}',
    ];
    for (let block = 0; block < 0x10000; block += 0x400) {
      const isSurrogates = block >= 0xd800 && block < 0xe000;
      if (!isSurrogates) texts.push(codePoints(block, block + 0x3ff));
    }
    for (let plane = 1; plane <= 16; plane++) {
      texts.push(codePoints(plane << 16, (plane << 16) + 0x3f));
    }
    const sets = texts.map((text) => redis.set(`key ${text}`, text));
    const gets = texts.map((text) => redis.get(`key ${text}`));
    expect(await Promise.all(sets)).toEqual(texts.map(() => 'OK'));
    expect(await Promise.all(gets)).toEqual(texts);
    const bytes = await Promise.all(texts.map((text) => redis.getBuffer(`key ${text}`)));
    expect(bytes).toEqual(texts.map((text) => Buffer.from(text, 'utf8')));
  });

  test('a lone surrogate is sent as U+FFFD, like Buffer.from does', async () => {
    for (const text of [
      '\ud800',
      '\udc00',
      'a\ud83db',
      '\udc00\ud800',
      `${'x'.repeat(99)}\ud800`,
    ]) {
      expect(await redis.echoBuffer(text)).toEqual(Buffer.from(text, 'utf8'));
      expect(await redis.echo(text)).toBe(text.replace(/\p{Surrogate}/gu, '\ufffd'));
    }
    // One command's half of a pair is not completed by the next one's.
    const halves = [redis.echo('\ud83d'), redis.echo('\ude00')];
    expect(await Promise.all(halves)).toEqual(['\ufffd', '\ufffd']);
  });

  test('bytes come back, and as text where they are none with U+FFFD', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    expect(await redis.set(bytes, bytes)).toBe('OK');
    expect(await redis.getBuffer(bytes)).toEqual(bytes);
    expect(await redis.get(bytes)).toBe(bytes.toString('utf8'));
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset + 200, 20);
    expect(await redis.echoBuffer(view)).toEqual(bytes.subarray(200, 220));
    expect(await redis.callBuffer('ECHO', bytes)).toEqual(bytes);
    expect(await redis.callBuffer('MGET', bytes, 'none')).toEqual([bytes, null]);
  });

  test('a buffer may be reused once the command was called', async () => {
    const buffer = Buffer.from('before');
    const echo = redis.echo(buffer);
    buffer.fill('x');
    expect(await echo).toBe('before');
  });

  test('numbers are sent as JavaScript writes them, but for large ones (numbers.test.ts)', async () => {
    const numbers = [0, -0, 1.5, -7, 1e20, 2 ** 53, Number.MIN_VALUE];
    const echoes = numbers.map((n) => redis.echo(n));
    expect(await Promise.all(echoes)).toEqual(numbers.map(String));
  });

  test('large values come back', async () => {
    for (const size of [16 * 1024, 65_535, 1 << 20]) {
      const text = 'é'.repeat(size / 2);
      expect(await redis.set('large', text)).toBe('OK');
      expect((await redis.get('large')) === text).toBe(true);
      const bytes = Buffer.alloc(size, Buffer.from([0, 13, 10, 255]));
      expect(await redis.set('large', bytes)).toBe('OK');
      expect((await redis.getBuffer('large'))?.equals(bytes)).toBe(true);
    }
  });

  test('a value of 70 MiB comes back, and what is behind it', async () => {
    const bytes = Buffer.alloc(70 << 20, 'sideloop');
    expect(await redis.set('huge', bytes)).toBe('OK');
    const [huge, text, pong] = await Promise.all([
      redis.getBuffer('huge'),
      redis.get('huge'),
      redis.ping(),
    ]);
    expect(huge?.equals(bytes)).toBe(true);
    expect(text === bytes.toString('latin1')).toBe(true);
    expect(pong).toBe('PONG');
    await redis.del('huge');
  });

  test('a reply of any number of elements comes back', async () => {
    for (const length of [0, 1, 511, 512, 513, 1024, 5000]) {
      const members = Array.from({ length }, (_, i) => `member ${i} ä`);
      await redis.del('list');
      if (length > 0) await redis.rpush('list', ...members);
      expect(await redis.lrange('list', 0, -1)).toEqual(members);
    }
  });

  test('arrays within arrays come back', async () => {
    const nested = 'return {1, {2, {3, {4, {}}}}, "five", {"a", false, {ok="fine"}}}';
    expect(await redis.call('EVAL', nested, 0)).toEqual([
      1,
      [2, [3, [4, []]]],
      'five',
      ['a', null, 'fine'],
    ]);
    const wide = 'local rows = {} for i = 1, 700 do rows[i] = {i, {tostring(i)}} end return rows';
    const rows = Array.from({ length: 700 }, (_, i) => [i + 1, [`${i + 1}`]]);
    expect(await redis.call('EVAL', wide, 0)).toEqual(rows);
  });

  test('an error within an array is a value of it', async () => {
    const [set, error, get] = (await redis.eval(
      "return {redis.call('SET', KEYS[1], 'x'), redis.pcall('LPUSH', KEYS[1], 'y'), redis.call('GET', KEYS[1])}",
      1,
      'text',
    )) as unknown[];
    expect([set, get]).toEqual(['OK', 'x']);
    expect(error).toMatchObject({ name: 'ReplyError', code: 'ERR_SIDELOOP_REDIS_WRONGTYPE' });
  });
});

// A real server gives none of these in a plain reply.
test.each([
  [',3.25\r\n', '3.25'],
  [',inf\r\n', 'inf'],
  ['#t\r\n', 1],
  ['#f\r\n', 0],
  ['(12345678901234567890\r\n', '12345678901234567890'],
  ['=8\r\ntxt:text\r\n', 'text'],
  ['_\r\n', null],
  ['*-1\r\n', null],
  ['$-1\r\n', null],
  ['%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n', ['a', 1, 'b', 2]],
  ['~2\r\n+a\r\n+b\r\n', ['a', 'b']],
  ['|1\r\n+ttl\r\n:9\r\n+with attribute\r\n', 'with attribute'],
  [':9007199254740991\r\n', Number.MAX_SAFE_INTEGER],
  [':-9007199254740991\r\n', Number.MIN_SAFE_INTEGER],
])('the reply %j has its RESP2 form', async (reply, value) => {
  await using fake = await FakeServer.start({ GET: reply });
  const redis = new Redis({ port: fake.port, loop: lab.loop });
  expect(await redis.get('k')).toEqual(value);
  redis.disconnect();
});
