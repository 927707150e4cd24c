// What is held ready. A failure here is a job out of turn, or memory that grows while nobody takes jobs.

import { expect, test } from 'vitest';
import type { Job } from '../../lib/lease/index.js';
import { JobQueue } from '../../lib/lease/job-queue.js';

const job = (id: number) => ({ id: `${id}`, over: false }) as unknown as Job & { over: boolean };

test('jobs come in the order in which they were pushed, over any number of them', () => {
  const queue = new JobQueue();
  let pushed = 0;
  let shifted = 0;
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 37; i++) queue.push(job(pushed++));
    for (let i = 0; i < 30; i++) expect(queue.shift()?.id).toBe(`${shifted++}`);
  }
  for (; shifted < pushed; shifted++) expect(queue.shift()?.id).toBe(`${shifted}`);
  expect(queue.shift()).toBeUndefined();
});

test('jobs that end before their turn do not gather', () => {
  const queue = new JobQueue();
  const live: string[] = [];
  for (let id = 0; id < 20_000; id++) {
    const one = job(id);
    queue.push(one);
    one.over = id % 100 > 0;
    if (!one.over) live.push(one.id);
    expect(queue.size).toBeLessThan(1024 + 3 * live.length);
  }
  const left: string[] = [];
  for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
    if (!one.over) left.push(one.id);
  }
  expect(left).toEqual(live);
});
