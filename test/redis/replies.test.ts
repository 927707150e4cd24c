// The decoders, each with what RESP2 and RESP3 make of the same reply: both must come out alike.
// The shapes are those that a redis-server 7.0 sends, after the native side has flattened maps and
// sets.

import { describe, expect, test } from 'vitest';
import '../../lib/redis/commands/index.js';
import { flattenPairs, nestStreams, recordOf } from '../../lib/redis/replies.js';
import { AS_BUFFERS, decoderOf, opcodeOf } from '../../lib/redis/sender.js';

const bytes = (text: string) => Buffer.from(text);

describe('flattenPairs', () => {
  const cases: [name: string, resp2: unknown, resp3: unknown][] = [
    [
      'pairs',
      ['a', '1', 'b', '2.5'],
      [
        ['a', '1'],
        ['b', '2.5'],
      ],
    ],
    ['one pair', ['a', '1'], [['a', '1']]],
    ['a pair outside a list, as of ZPOPMIN without a count', ['a', '1'], ['a', '1']],
    ['bytes', [bytes('a'), bytes('1')], [[bytes('a'), bytes('1')]]],
    ['members only', ['a', 'b', 'c'], ['a', 'b', 'c']],
    ['nothing', [], []],
    ['a single member', 'a', 'a'],
    ['a single member in bytes', bytes('a'), bytes('a')],
    ['QUEUED within MULTI', 'QUEUED', 'QUEUED'],
  ];
  test.each(cases)('%s', (_, resp2, resp3) => {
    expect(flattenPairs(resp2)).toEqual(resp2);
    expect(flattenPairs(resp3)).toEqual(resp2);
  });
});

describe('nestStreams', () => {
  const entry = ['1-1', ['field', 'value']];
  const cases: [name: string, resp2: unknown, resp3: unknown][] = [
    ['one stream', [['s', [entry]]], ['s', [entry]]],
    [
      'two streams',
      [
        ['s', [entry]],
        ['t', [entry, entry]],
      ],
      ['s', [entry], 't', [entry, entry]],
    ],
    ['bytes', [[bytes('s'), [entry]]], [bytes('s'), [entry]]],
    ['nothing', [], []],
    ['QUEUED within MULTI', 'QUEUED', 'QUEUED'],
  ];
  test.each(cases)('%s', (_, resp2, resp3) => {
    expect(nestStreams(resp2)).toEqual(resp2);
    expect(nestStreams(resp3)).toEqual(resp2);
  });
});

// The native side makes the same flat array of RESP3's map as RESP2 sends.
describe('recordOf', () => {
  test('makes a record of fields and values', () => {
    expect(recordOf(['a', '1', 'b', '2'])).toEqual({ a: '1', b: '2' });
    expect(recordOf([])).toEqual({});
  });

  test('keeps the values of bytes, and makes strings of the fields', () => {
    const record = recordOf([bytes('ä'), Buffer.from([0, 255])]);
    expect(record).toEqual({ ä: Buffer.from([0, 255]) });
  });

  const lost = expect.objectContaining({
    code: 'ERR_SIDELOOP_REDIS_FIELD_NAMES',
    mayHaveRun: true,
  });

  test.each([
    ['bytes of one value each', [0xff], [0xfe]],
    ['a character that is cut off, and one that is not', [0xef, 0xbf, 0xbd], [0xc3]],
    ['what stands in the middle', [0x61, 0xff, 0x62], [0x61, 0x80, 0x62]],
    ['an overlong form', [0xc0, 0x80], [0xc1, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80], [0xed, 0xa0, 0x81]],
  ])('loses no field whose name is no UTF-8: %s', (_, one, other) => {
    const names = [Buffer.from(one), Buffer.from(other)];
    const inBytes = names.flatMap((name) => [name, bytes('1')]);
    expect(() => recordOf([bytes('a'), bytes('1'), ...inBytes])).toThrow(lost);
    expect(() => recordOf(inBytes.map(String))).toThrow(lost);
    // One alone is told from all others.
    expect(recordOf(inBytes.slice(0, 2))).toEqual({ [String(names[0])]: bytes('1') });
  });

  test('passes on what is no list', () => {
    expect(recordOf('QUEUED')).toBe('QUEUED');
  });

  const inherited = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', '__defineGetter__'];
  test.each(inherited)('a field named %s is an ordinary one', (field) => {
    const record = recordOf([field, 'x', 'after', 'y']) as Record<string, unknown>;
    expect(Object.keys(record)).toEqual([field, 'after']);
    expect(Object.getOwnPropertyDescriptor(record, field)).toEqual({
      value: 'x',
      configurable: true,
      enumerable: true,
      writable: true,
    });
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });
});

test('exactly the commands whose reply needs one have a decoder', () => {
  const pairs = [
    'HRANDFIELD',
    'ZDIFF',
    'ZINTER',
    'ZPOPMAX',
    'ZPOPMIN',
    'ZRANDMEMBER',
    'ZRANGE',
    'ZRANGEBYSCORE',
    'ZREVRANGE',
    'ZREVRANGEBYSCORE',
    'ZUNION',
  ];
  const decoder = (name: string) => {
    const opcode = opcodeOf(name) ?? Number.NaN;
    expect(decoderOf(opcode | AS_BUFFERS)).toBe(decoderOf(opcode));
    return decoderOf(opcode);
  };
  expect(pairs.filter((name) => decoder(name) !== flattenPairs)).toEqual([]);
  expect(['XREAD', 'XREADGROUP'].filter((name) => decoder(name) !== nestStreams)).toEqual([]);
  expect(decoder('HGETALL')).toBe(recordOf);
  // Nested in both protocols alike: a decoder would destroy them.
  const nested = ['ZMPOP', 'BZMPOP', 'LMPOP', 'SCAN', 'ZSCAN', 'ROLE', 'EVAL', 'LCS'];
  expect(nested.filter((name) => decoder(name) !== undefined)).toEqual([]);
});
