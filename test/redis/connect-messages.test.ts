// What is said where there is no connection: to which address, by which port, and what of a name was tried. A failure here is
// somebody who looks for the fault at the wrong server.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Redis, type RedisError, type RedisOptions } from '../../lib/redis/index.js';
import { canDecideNames, Names } from '../names.js';
import { freePort, unanswering } from '../net/modules.js';
import { FakeServer } from './fake-server.js';

async function messageOf(options: RedisOptions): Promise<string> {
  const redis = new Redis({ maxRetriesPerRequest: 0, ...options });
  redis.on('error', () => {});
  const error: RedisError = await redis.ping().catch((reason) => reason);
  redis.disconnect();
  return error.message;
}

const port = await freePort();

describe('a connection that fails says where', () => {
  test.each([
    ['127.0.0.1', `127.0.0.1:${port} (`],
    ['::1', `[::1]:${port} (`],
    ['0:0:0:0:0:0:0:1', `[0:0:0:0:0:0:0:1]:${port} (`],
    ['localhost', `localhost:${port} (`],
    ['localhost', `:${port} connection refused`],
    // Nobody can be reached there, whatever the network.
    ['255.255.255.255', `255.255.255.255:${port} (`],
    ['no-such-name.invalid', `no-such-name.invalid:${port} does not resolve (`],
  ])('%s: %s', async (host, said) => {
    expect(await messageOf({ host, port })).toContain(said);
  });

  test.each(['no-such.sock', 'näme.sock'])('%s', async (name) => {
    const path = join(tmpdir(), `sideloop-${process.pid}-${name}`);
    expect(await messageOf({ path })).toContain(`No connection to ${path} (`);
  });

  test.skipIf(process.platform === 'win32')('no answer to the connect', async () => {
    using silent = await unanswering();
    const said = await messageOf({ port: silent.port, connectTimeout: 50 });
    expect(said).toContain(`within 50 ms (127.0.0.1:${silent.port})`);
  });

  test('no answer to the greeting', async () => {
    await using server = await FakeServer.start({ HELLO: '' });
    const target = { port: server.port, connectTimeout: 50 };
    expect(await messageOf(target)).toContain(`within 50 ms (127.0.0.1:${server.port})`);
  });

  test('a greeting that is hung up on', async () => {
    await using server = await FakeServer.start({ HELLO: { drop: true } });
    expect(await messageOf({ port: server.port })).toContain(`127.0.0.1:${server.port} closed`);
  });
});

describe.runIf(canDecideNames)('of a name it says what became of its addresses', () => {
  let names: Names;
  beforeAll(async () => {
    names = await Names.make();
  });
  afterAll(() => names[Symbol.dispose]());

  const saidOf = (host: string, target: number, addresses: string[]) =>
    names.run(
      `
      const { Redis } = await import('DISTredis/index.js');
      const redis = new Redis({
        host: '${host}', port: ${target}, connectTimeout: 1500, maxRetriesPerRequest: 0,
      });
      redis.on('error', () => {});
      await redis.ping().catch((error) => process.stdout.write(error.message));
      redis.disconnect();`,
      addresses,
    );

  test('they refused', async () => {
    const said = await saidOf('redis.test', port, ['127.0.0.1', '::1', '127.0.0.3']);
    expect(said).toContain(`redis.test:${port} (`);
    expect(said).toContain(`127.0.0.1:${port} connection refused`);
    expect(said).toContain(`, [::1]:${port} `);
    expect(said).toContain(`127.0.0.3:${port} connection refused`);
  });

  test('they did not answer', async () => {
    using silent = await unanswering();
    const addresses = ['127.0.0.3', '127.0.0.1'];
    const said = await saidOf('redis.test', silent.port, addresses);
    expect(said).toContain(
      `redis.test:${silent.port}: 127.0.0.3:${silent.port} connection refused`,
    );
    expect(said).toContain(`127.0.0.1:${silent.port} not answering`);
  });

  test('it has none yet', async () => {
    const said = await saidOf('hangs.test', port, []);
    expect(said).toContain(`(hangs.test:${port}: the name not resolved)`);
  });

  test('the server there does not answer', async () => {
    await using server = await FakeServer.start({ HELLO: '' });
    const said = await saidOf('redis.test', server.port, ['127.0.0.1']);
    expect(said).toContain(`redis.test:${server.port}: 127.0.0.1:${server.port} connected`);
  });

  test('the server there hangs up', async () => {
    await using server = await FakeServer.start({ HELLO: { drop: true } });
    const said = await saidOf('redis.test', server.port, ['127.0.0.1']);
    expect(said).toContain(`redis.test:${server.port} (127.0.0.1:${server.port}) closed`);
  });
});
