// Messages are copied as structuredClone copies them. A failure here is a message that changes under
// way, because it shares something with what its sender goes on using, or one that arrives misshapen.

import { describe, expect, test } from 'vitest';
import { copyOf } from '../../lib/bridge/copy.js';

const twice = { n: 1 };
const ring: Record<string, unknown> = {};
ring.self = ring;
const holes = [1, 2, 3];
delete holes[1];

const values: Record<string, unknown> = {
  primitives: [null, undefined, true, 1, -0, Number.NaN, 7n, 'text', ''],
  'an array of objects': [{ a: [1, { b: 2 }] }, []],
  'a flat object': { a: 1, b: 'two', c: null, d: undefined },
  'one object twice': { first: twice, second: twice },
  'a ring': ring,
  'an array with a hole': holes,
  'an array with a name': Object.assign([1], { name: 'x' }),
  'a long array': Array.from({ length: 1000 }, (_, i) => ({ i })),
  'a deep object': JSON.parse(`${'{"a":'.repeat(50)}1${'}'.repeat(50)}`),
  'a key of __proto__': JSON.parse('{"__proto__": {"x": 1}, "y": 2}'),
  'a Map in an object': { map: new Map([['k', new Set([1])]]) },
  'a Date': new Date(0),
  'an Error': new RangeError('far'),
};

describe('copyOf', () => {
  test.each(Object.keys(values))('is a structured clone of %s', (name) => {
    const value = values[name];
    const copy = copyOf(value);
    expect(copy).toEqual(structuredClone(value));
    if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
  });

  test('keeps what is one object one object', () => {
    const copy = copyOf(values['one object twice']) as { first: object; second: object };
    expect(copy.first).toBe(copy.second);
  });

  test('shares nothing with the original', () => {
    const value = { list: [{ n: 1 }], bytes: Buffer.from('ab') };
    const copy = copyOf(value) as typeof value;
    const bytes = copyOf(value.bytes) as Uint8Array;
    (value.list[0] as { n: number }).n = 2;
    value.bytes.fill(0);
    expect(copy.list).toEqual([{ n: 1 }]);
    expect([...copy.bytes]).toEqual([97, 98]);
    expect([...bytes]).toEqual([97, 98]);
  });

  test.each([() => {}, { f: () => {} }, [Symbol('s')], { deep: { w: new WeakMap() } }])(
    'refuses what can not be cloned: %s',
    (value) => {
      expect(() => copyOf(value)).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
    },
  );
});
