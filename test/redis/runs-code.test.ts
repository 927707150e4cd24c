// What runs somebody's code at the server: scripts, functions, commands of modules. It may say of itself what a server says
// that refuses. A failure here is a command that has run and is called one that may be repeated, or that is sent again.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisError } from '../../lib/redis/index.js';
import { startRedisServer } from '../redis-server.js';
import { FakeServer } from './fake-server.js';

let loop: EventLoop;
beforeEach(() => {
  loop = new EventLoop();
});
afterEach(() => loop.destroy());

const client = (port: number) => new Redis({ port, loop });

/** What a script answers that has run. */
const SAID = [
  'BUSY mine',
  'TRYAGAIN later',
  'LOADING my cache',
  'LOADING cache is loading the dataset in memory, wait',
  'MASTERDOWN x',
  'MASTERDOWN Link with MASTER is down',
  'OOM q',
  "OOM command not allowed when used memory > 'maxmemory'.",
  'MISCONF a',
  'NOREPLICAS Not enough good replicas to write.',
  'CLUSTERDOWN',
];

const SCRIPT = "redis.call('INCR', 'n') return redis.error_reply(ARGV[1])";
const FUNCTION = `#!lua name=lib
redis.register_function('said', function(keys, args) redis.call('INCR', 'n') return redis.error_reply(args[1]) end)`;

const WAYS: Record<string, (redis: Redis, said: string) => Promise<unknown>> = {
  eval: (redis, said) => redis.eval(SCRIPT, 0, said),
  evalsha: async (redis, said) => redis.evalsha(await redis.script('LOAD', SCRIPT), 0, said),
  'call eval': (redis, said) => redis.call('eval', SCRIPT, 0, said),
  fcall: (redis, said) => redis.call('FCALL', 'said', 0, said),
  pipeline: async (redis, said) => {
    throw (await redis.pipeline().eval(SCRIPT, 0, said).exec())[0]?.[0];
  },
  multi: async (redis, said) => {
    throw (await redis.multi().eval(SCRIPT, 0, said).exec())[0]?.[0];
  },
  'multi with fcall': async (redis, said) => {
    throw (await redis.multi().call('FCALL', 'said', 0, said).exec())[0]?.[0];
  },
  repeat: async (redis, said) => {
    const { ended } = redis.repeat(['EVAL', SCRIPT, 0, said], { everyMs: 1, endOnError: true });
    throw (await ended).error;
  },
};

test.each(Object.entries(WAYS))('by %s it may not be repeated when it has run', async (_, run) => {
  await using server = await startRedisServer();
  const redis = client(server.port);
  await redis.call('FUNCTION', 'LOAD', FUNCTION);
  for (const [i, said] of SAID.entries()) {
    const error: RedisError = await run(redis, said).then(
      () => expect.unreachable(),
      (e) => e,
    );
    expect(error).toMatchObject({ name: 'ReplyError', retryable: false });
    expect(await redis.get('n')).toBe(`${i + 1}`);
  }
});

/** What servers say before they run any code. */
const REFUSED = [
  'LOADING Redis is loading the dataset in memory',
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
  'BUSY Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.',
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN Hash slot not served',
  'CLUSTERDOWN The cluster is down',
  "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
];

describe.each(['EVAL', 'EVALSHA_RO', 'FCALL', 'FCALL_RO', 'MODULE.RUN'])('%s', (name) => {
  test('may be repeated where the whole sentence is the server’s', async () => {
    await using server = await FakeServer.start();
    const redis = client(server.port);
    for (const said of REFUSED) {
      await server.answer({ [name]: `-${said}\r\n` });
      await expect(redis.call(name, 'x', 0)).rejects.toMatchObject({ retryable: true });
    }
  });

  test('is never sent again by the client itself', async () => {
    const loading = '-LOADING Redis is loading the dataset in memory\r\n';
    await using server = await FakeServer.start({ [name]: loading, PING: '+PONG\r\n' });
    const redis = client(server.port);
    await expect(redis.call(name, 'x', 0)).rejects.toMatchObject({
      code: 'ERR_SIDELOOP_REDIS_LOADING',
    });
    await server.answer({ GET: '$1\r\nv\r\n' });
    expect(await redis.get('k')).toBe('v');
    expect(server.commands.filter(([given]) => given === name)).toHaveLength(1);
  });
});
