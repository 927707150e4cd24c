// What most tests of clients begin with: a server of the file's own, a loop, clients of both.

import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { EventLoop } from '../../lib/index.js';
import { Redis, type RedisOptions } from '../../lib/redis/index.js';
import { type RedisServer, startRedisServer } from '../redis-server.js';

export interface Lab {
  readonly server: RedisServer;
  readonly loop: EventLoop;
  /** A client of the server, on the loop. It goes with the loop. */
  client(options?: RedisOptions): Redis;
}

class OpenLab implements Lab {
  server!: RedisServer;
  loop!: EventLoop;

  client(options: RedisOptions = {}): Redis {
    return new Redis({ port: this.server.port, loop: this.loop, ...options });
  }
}

/** Opens a lab for all tests of the file, and closes it behind them. Called once, outside of all tests. */
export function labOfFile(): Lab {
  const lab = new OpenLab();
  beforeAll(async () => {
    lab.server = await startRedisServer();
    lab.loop = new EventLoop();
  });
  afterAll(() => {
    lab.loop.destroy();
    return lab.server.stop();
  });
  return lab;
}

/** The same, with a loop for each test. */
export function labOfTests(): Lab {
  const lab = new OpenLab();
  beforeAll(async () => {
    lab.server = await startRedisServer();
  });
  afterAll(() => lab.server.stop());
  beforeEach(() => {
    lab.loop = new EventLoop();
  });
  afterEach(() => lab.loop.destroy());
  return lab;
}
