// A job's fields as bytes. A failure here is a value that a handler can't get at, because a text of it is all that there is,
// or one that is lost because another has its name.

import { describe, expect, test } from 'vitest';
import type { Job } from '../../lib/lease/index.js';
import { Producer } from '../../lib/lease/index.js';
import { thrownBy } from '../thrown-by.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();

const bytes = (...values: number[]) => Buffer.from(values);

/** Bytes that are no UTF-8, and what a decoder makes of them. */
const broken: [what: string, value: Buffer][] = [
  ['a lone byte above ASCII', bytes(0xff)],
  ['a continuation without a beginning', bytes(0x61, 0x80, 0x62)],
  ['an overlong slash', bytes(0xc0, 0xaf)],
  ['an overlong form of three bytes', bytes(0xe0, 0x80, 0x80)],
  ['an overlong form of four bytes', bytes(0xf0, 0x80, 0x80, 0x80)],
  ['half a surrogate pair', bytes(0xed, 0xa0, 0x80)],
  ['a surrogate pair in six bytes', bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
  ['what is beyond U+10FFFF', bytes(0xf4, 0x90, 0x80, 0x80)],
  ['a byte that begins nothing', bytes(0xf5, 0x80, 0x80, 0x80)],
  ['a character cut after its first byte', bytes(0x61, 0xc3)],
  ['a character cut before its last byte', Buffer.from('a😀').subarray(0, 4)],
  ['UTF-16 with its mark', bytes(0xff, 0xfe, 0x61, 0x00)],
  ['all bytes there are', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
];

/** Texts, as bytes. */
const whole: [what: string, value: Buffer][] = [
  ['nothing', bytes()],
  ['ASCII with a NUL', Buffer.from('a\0b')],
  ['two bytes each', Buffer.from('äöü')],
  ['three bytes, with a mark in front', Buffer.from('\uFEFF€')],
  ['four bytes', Buffer.from('😀\u{10FFFF}')],
  ['the borders of each length', Buffer.from('\x7F\x80\u07FF\u0800\uD7FF\uE000\uFFFF\u{10000}')],
  ['U+FFFD itself', Buffer.from('\uFFFD')],
];

describe.each([...broken, ...whole])('%s', (what, value) => {
  test('reaches the handler as it was added', async () => {
    await side.redis.call('XADD', 'jobs', '*', 'before', 'x', 'value', value, 'behind', 'y');
    const [job] = await take(side.consumer(), 1);
    expect(job?.bytes('value')).toEqual(value);
    expect(job?.fields).toEqual({ before: 'x', value: value.toString(), behind: 'y' });
    expect(job?.rawFields).toEqual([
      [Buffer.from('before'), Buffer.from('x')],
      [Buffer.from('value'), value],
      [Buffer.from('behind'), Buffer.from('y')],
    ]);
    expect(job?.fields.value?.includes('\uFFFD')).toBe(
      broken.some(([name]) => name === what) || what === 'U+FFFD itself',
    );
  });

  test('is a name, too', async () => {
    await side.redis.call('XADD', 'jobs', '*', 'other', '1', value, '2');
    const [job] = await take(side.consumer(), 1);
    expect(job?.bytes(value)).toEqual(Buffer.from('2'));
    expect(job?.bytes(Uint8Array.from(value))).toEqual(Buffer.from('2'));
    expect(job?.rawFields[1]).toEqual([value, Buffer.from('2')]);
  });
});

describe('bytes stay what they are', () => {
  const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  test('from a producer, over a retry, a delay, and in the dead letter', async () => {
    await new Producer(side.redis, { stream: 'jobs' }).add({ png: value, name: 'a.png' });
    const consumer = side.consumer({ maxAttempts: 3 });
    consumer.on('dead', () => {});
    const pairs = [
      [Buffer.from('png'), value],
      [Buffer.from('name'), Buffer.from('a.png')],
    ];
    for (const retryAfterMs of [0, 1, 0]) {
      const [job] = await take(consumer, 1);
      expect(job?.rawFields).toEqual(pairs);
      await job?.fail('no', { retryAfterMs });
    }
    const letters = await side.redis.callBuffer('XRANGE', '{jobs}:dead', '-', '+');
    expect((letters as [Buffer, Buffer[]][])[0]?.[1].slice(0, 4)).toEqual(pairs.flat());
  });

  test('where another has begun the job, and where nobody has settled it', async () => {
    await side.redis.call('XADD', 'jobs', '*', 'png', value);
    await side.redis.call('XGROUP', 'CREATE', 'jobs', 'g', '0');
    const reader = ['GROUP', 'g', 'gone', 'STREAMS', 'jobs', '>'];
    await side.redis.call('XREADGROUP', ...reader);
    const id = (await side.pending())[0]?.[0] as string;
    const lapse = () =>
      side.redis.call('XCLAIM', 'jobs', 'g', 'gone', 0, id, 'IDLE', 100_000, 'JUSTID');
    await lapse();
    const consumer = side.consumer({ recoverEveryMs: 20 });
    const [job] = await take(consumer, 1);
    expect(job?.bytes('png')).toEqual(value);
    await consumer.close({ deadlineMs: 0 });
    await lapse();
    const last = side.consumer({ recoverEveryMs: 20, maxAttempts: 1 });
    const dead = new Promise<Job>((resolve) => {
      last.on('dead', (event) => resolve(event.job));
    });
    last.run(() => {});
    expect((await dead).bytes('png')).toEqual(value);
  });

  test('in a hundred jobs of a message, some of them bytes', async () => {
    const values = Array.from({ length: 100 }, (_, n) =>
      n % 3 === 0 ? bytes(n, 0xff) : Buffer.from(`${n}`),
    );
    for (const one of values) side.redis.call('XADD', 'jobs', '*', 'value', one);
    await side.redis.ping();
    const jobs = await take(side.consumer({ concurrency: 100 }), 100);
    expect(jobs.map((job) => job.bytes('value'))).toEqual(values);
  });
});

describe('fields of the same name', () => {
  test('are all there, in their order; the last counts where there can be one', async () => {
    const words = ['a', '1', 'b', '2', 'a', '3', '__proto__', '4', 'a', '5', '2', '6', '1', '7'];
    await side.redis.call('XADD', 'jobs', '*', ...words);
    const [job] = await take(side.consumer(), 1);
    expect(job?.rawFields.flat().map(String)).toEqual(words);
    expect(job?.fields.a).toBe('5');
    expect(job?.bytes('a')).toEqual(Buffer.from('5'));
    expect(job?.bytes('__proto__')).toEqual(Buffer.from('4'));
  });

  test('stay so over a retry, without what sideloop notes', async () => {
    const words = ['a', '1', 'a', '2'];
    await side.redis.call('XADD', 'jobs', '*', ...words);
    const consumer = side.consumer();
    const [first] = await take(consumer, 1);
    await first?.fail('no');
    const [again] = await take(consumer, 1);
    expect(again?.attempt).toBe(2);
    expect(again?.rawFields.flat().map(String)).toEqual(words);
    expect(again?.bytes('sideloop')).toBeUndefined();
  });

  test('that only look the same as texts are told apart', async () => {
    await side.redis.call('XADD', 'jobs', '*', bytes(0xfe), '1', bytes(0xff), '2', '\uFFFD', '3');
    const [job] = await take(side.consumer(), 1);
    expect([bytes(0xfe), bytes(0xff), '\uFFFD'].map((name) => String(job?.bytes(name)))).toEqual([
      '1',
      '2',
      '3',
    ]);
  });
});

describe('job.bytes()', () => {
  test('gives copies, and nothing where there is nothing', async () => {
    await side.redis.call('XADD', 'jobs', '*', 'text', 'abc', 'raw', bytes(0xff, 1));
    const [job] = await take(side.consumer(), 1);
    job?.bytes('text')?.fill(0);
    job?.bytes('raw')?.fill(0);
    for (const [name, value] of job?.rawFields ?? []) {
      name.fill(0);
      value.fill(0);
    }
    expect(job?.bytes('text')).toEqual(Buffer.from('abc'));
    expect(job?.bytes('raw')).toEqual(bytes(0xff, 1));
    for (const name of ['none', '', 'toString', '__proto__', bytes(0xff)]) {
      expect(job?.bytes(name)).toBeUndefined();
    }
  });

  test.each([undefined, null, 1, {}, ['text']])('refuses %s as a name', async (name) => {
    await side.add(1);
    const [job] = await take(side.consumer(), 1);
    const thrown = thrownBy(() => job?.bytes(name as never));
    expect(thrown).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringMatching(/^name must/),
    });
  });

  test('refuses a name whose memory is gone', async () => {
    await side.add(1);
    const [job] = await take(side.consumer(), 1);
    const name = new Uint8Array(1);
    structuredClone(name.buffer, { transfer: [name.buffer] });
    expect(thrownBy(() => job?.bytes(name))).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringMatching(/^name .*memory is gone/),
    });
  });
});
