// A server that answers what none should. A failure here is a consumer that asks as fast as it is answered, one that
// takes one job's bytes for another's, or an error that says nothing.

import { expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Consumer } from '../../lib/lease/index.js';
import { Redis } from '../../lib/redis/index.js';
import { type FakeAnswers, FakeServer } from '../redis/fake-server.js';
import { take } from './consumer-side.js';

const POLITE: FakeAnswers = {
  CLIENT: ':1\r\n',
  INFO: '$0\r\n\r\n',
  XGROUP: '+OK\r\n',
  PING: '+PONG\r\n',
  TIME: '*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n',
};
// What recovery, and whoever looks for idle consumers, is told.
const NOTHING = '*5\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n$0\r\n\r\n';
const entries = (...all: string[][]) => {
  const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;
  const list = all.map(
    ([id = '', ...fields]) => `*2\r\n${bulk(id)}*${fields.length}\r\n${fields.map(bulk).join('')}`,
  );
  return `*1\r\n*2\r\n${bulk('jobs')}*${list.length}\r\n${list.join('')}`;
};

async function withConsumer(
  answers: FakeAnswers,
  use: (consumer: Consumer, server: FakeServer) => Promise<void>,
): Promise<void> {
  await using server = await FakeServer.start({ ...POLITE, ...answers });
  const loop = new EventLoop();
  const redis = new Redis({ port: server.port, loop });
  const consumer = new Consumer(redis, { stream: 'jobs', group: 'g', leaseMs: 2000 });
  try {
    await use(consumer, server);
  } finally {
    loop.destroy();
    await consumer.close({ deadlineMs: 0 });
  }
}

test.each([
  ['reads', 'XREADGROUP', 2, { EVAL: NOTHING, XREADGROUP: '+OK\r\n' }],
  [
    'reads, with a group that never is',
    'XREADGROUP',
    2,
    { EVAL: NOTHING, XREADGROUP: '-NOGROUP no\r\n' },
  ],
  // It begins with several scripts, each once.
  ['recovery', 'EVAL', 6, { EVAL: '+OK\r\n', XREADGROUP: { reply: '*-1\r\n', afterMs: 50 } }],
])('to %s: it is told of, and not asked again at once', async (_, command, begun, answers) => {
  await withConsumer(answers, async (consumer, server) => {
    const error = new Promise((resolve) => consumer.once('error', resolve));
    consumer.run(() => {});
    expect(await error).toMatchObject({ code: expect.stringMatching(/^ERR_SIDELOOP_REDIS_/) });
    // The pauses double from 100 ms on, less half of it for chance; recovery has one a second.
    await server.received(command, begun);
    const since = performance.now();
    await server.received(command, begun + 4);
    expect(performance.now() - since).toBeGreaterThan(300);
  });
});

test('an entry whose last field has no value takes no other job’s', async () => {
  const jobs = entries(['1-1', 'a', '1', 'b'], ['2-1', 'a', '2']);
  await withConsumer({ EVAL: NOTHING, XREADGROUP: jobs }, async (consumer) => {
    const [job] = await take(consumer, 1);
    expect(job).toMatchObject({ id: '2-1', fields: { a: '2' } });
  });
});

test('to an ack: it rejects, and says why', async () => {
  await withConsumer(
    { EVAL: NOTHING, XREADGROUP: entries(['1-1', 'a', '1']) },
    async (consumer, server) => {
      const [job] = await take(consumer, 1);
      await server.answer({ EVAL: '+OK\r\n' });
      await expect(job?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_PROTOCOL' });
      await server.answer({ EVAL: '*1\r\n+OK\r\n' });
      await expect(job?.ack()).rejects.toMatchObject({ code: 'ERR_SIDELOOP_REDIS_PROTOCOL' });
      await server.answer({ EVAL: '*3\r\n*1\r\n:1\r\n$0\r\n\r\n:0\r\n' });
      await job?.ack();
    },
  );
});

// While a connection is on its way down it is no connection: what it failed is not refused, and is not told of.
test('to the making of a group, by hanging up: each loss is told once', async () => {
  const answers = { EVAL: NOTHING, XGROUP: { drop: true } };
  await withConsumer(answers, async (consumer, server) => {
    let told = 0;
    consumer.on('error', (error) => {
      if ('code' in error && error.code === 'ERR_SIDELOOP_REDIS_DISCONNECTED') told++;
    });
    consumer.run(() => {}).catch(() => {});
    await server.received('XGROUP', 6);
    await consumer.close({ deadlineMs: 0 });
    expect(told).toBeGreaterThan(0);
    const asked = () => server.commands.filter(([name]) => name === 'XGROUP').length;
    await expect.poll(asked).toBeGreaterThanOrEqual(told);
  });
});
