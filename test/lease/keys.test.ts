// The names of keys, on which producers, consumers and leases must agree. A failure here means jobs that nobody finds, a
// script that a cluster refuses because its keys are in two slots, or two things under one name.

import { describe, expect, test } from 'vitest';
import { leaseKeys, partitionStream, queueKeys } from '../../lib/lease/keys.js';
import { thrownBy } from '../thrown-by.js';

/** What Redis Cluster hashes of a key. */
function hashed(key: string): string {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open);
  return open === -1 || close <= open + 1 ? key : key.slice(open + 1, close);
}

const allKeys = (stream: string, priorities?: string[]) => {
  const keys = queueKeys(stream, priorities);
  return [...keys.streams, keys.delayed, keys.dead, keys.once('k'), keys.history('g')];
};

describe('the keys of a queue', () => {
  test('are named after the stream', () => {
    expect(allKeys('jobs')).toEqual([
      'jobs',
      '{jobs}:delayed',
      '{jobs}:dead',
      '{jobs}:once:k',
      '{jobs}:g:history',
    ]);
    expect(queueKeys('jobs', ['high', 'low']).streams).toEqual(['{jobs}:high', '{jobs}:low']);
  });

  test('keep the hash tag that a stream has', () => {
    expect(queueKeys('a{jobs}b').delayed).toBe('a{jobs}b:delayed');
    expect(queueKeys('a{jobs}b').streams).toEqual(['a{jobs}b']);
    expect(queueKeys(partitionStream('jobs', 'eu')).delayed).toBe('jobs:{eu}:delayed');
  });

  test.each(['jobs', 'a{jobs}b', '{jobs}', 'a{b', '{a}{b}', 'jobs:{eu}'])(
    'of %s are in one slot',
    (stream) => {
      for (const keys of [allKeys(stream), allKeys(stream, ['high', 'low{x}'])]) {
        expect(new Set(keys.map(hashed)).size).toBe(1);
      }
    },
  );

  test.each([
    ['', undefined],
    ['a}b', undefined],
    ['{}jobs', undefined],
    ['jobs', []],
    ['jobs', ['high', 'high']],
    ['jobs', ['delayed']],
    ['jobs', ['dead']],
    ['jobs', ['once:k']],
    ['jobs', ['g:history']],
    ['jobs', ['']],
    [7 as unknown as string, undefined],
  ])('of %j with the levels %j are refused', (stream, priorities) => {
    expect(thrownBy(() => queueKeys(stream, priorities))).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
  });

  test('of a group whose history would be an idempotency key are refused', () => {
    expect(thrownBy(() => queueKeys('jobs').history('once'))).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
    expect(queueKeys('jobs').history('oncely')).toBe('{jobs}:oncely:history');
  });

  test.each([
    ['a{b}', 'eu'],
    ['jobs', ''],
    ['jobs', 'e}u'],
  ])('of a partition: %s and %j are refused', (stream, partition) => {
    expect(thrownBy(() => partitionStream(stream, partition))).toMatchObject({
      code: 'ERR_SIDELOOP_ARGUMENT',
    });
  });
});

describe('the keys of a lease', () => {
  test.each(['job:7', '{job}:7', 'job{7'])('of %s are in its slot', (key) => {
    const { fence, queue, turn } = leaseKeys(key);
    expect(new Set([key, fence, queue, turn].map(hashed)).size).toBe(1);
    expect(new Set([key, fence, queue, turn]).size).toBe(4);
  });

  test('are named after it', () => {
    expect(leaseKeys('job:7')).toEqual({
      fence: '{job:7}:fence',
      queue: '{job:7}:queue',
      turn: '{job:7}:turn',
    });
  });
});
