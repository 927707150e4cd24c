// Jobs that a consumer hands back, which others get at once: they are woken, and it is no matter of clocks whether they take
// them. A failure here is a job that waits for half a lease at each deploy.

import { connect, createServer, type Server, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Redis } from '../../lib/redis/index.js';
import { SCRIPTS } from './consumer-scripts.js';
import { ConsumerSide, take } from './consumer-side.js';

const side = new ConsumerSide();
const LEASE = 600_000;

/** A way to the server that takes `ms` in each direction. */
async function slowWay(ms: number): Promise<number> {
  const later = (from: Socket, to: Socket) => {
    from.on('data', (bytes) => setTimeout(() => to.destroyed || to.write(bytes), ms));
    from.on('close', () => to.destroy());
    from.on('error', () => {});
  };
  const proxy: Server = createServer((client) => {
    const server = connect(side.server.port, '127.0.0.1');
    later(client, server);
    later(server, client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return (proxy.address() as { port: number }).port;
}

describe('what is handed back', () => {
  // By so much the server's clock seems to be ahead of where it should be: by an answer that took long, or a step.
  test.each([0, 1, 2, 40, 5000, LEASE / 4, LEASE, 3_600_000, 30 * 86_400_000])(
    'is taken over at once where the clock seems to be %i ms ahead',
    async (ahead) => {
      const [id] = (await side.add(1)) as [string];
      await side.redis.call('XGROUP', 'CREATE', 'jobs', 'g', '0');
      await side.redis.call('XREADGROUP', 'GROUP', 'g', 'one', 'STREAMS', 'jobs', '>');
      const back = ['jobs', 'g', 'one', LEASE, id, 1, 0];
      expect(await side.redis.call('EVAL', SCRIPTS.handBack, 1, ...back)).toBe(1);
      const [seconds] = (await side.redis.call('TIME')) as [string];
      const keys = ['jobs', '{jobs}:g:history', '{jobs}:dead'];
      const clock = Number(seconds) * 1000 - ahead;
      const terms = ['g', 'two', 0, LEASE, 256, 3, 256, clock, '-'];
      const [taken] = await side.redis.call('EVAL', SCRIPTS.recover, 3, ...keys, ...terms);
      expect(taken).toMatchObject([[id, 1, expect.anything()]]);
    },
  );

  test.each([0, 10, 60])('is begun by another whose server is %i ms away', async (ms) => {
    const port = ms === 0 ? side.server.port : await slowWay(ms);
    const far = new Redis({ port, loop: side.loop });
    for (let round = 0; round < 8; round++) {
      const stream = `jobs${round}`;
      await side.add(4, stream);
      const one = side.consumer({ stream, leaseMs: LEASE, prefetch: 3 });
      const [job] = await take(one, 1);
      await expect.poll(() => side.pendingCount(stream)).toBe(4);
      const other = side.consumer({ stream, leaseMs: LEASE, concurrency: 9 }, far);
      other.run(() => new Promise(() => {}));
      await expect.poll(() => side.waiting()).toBe(1);
      const closed = one.close();
      await expect.poll(() => other.stats().active, { timeout: 20_000 }).toBe(3);
      await job?.ack();
      await closed;
      await other.close({ deadlineMs: 0 });
    }
  });
});
