// A resolver of the caller's, which may answer whenever and whatever it likes. A failure is an error that comes before anybody
// can listen, which ends the process, or a connection that neither comes nor fails.

import * as dns from 'node:dns';
import { once } from 'node:events';
import { type ClientRequest, get } from 'node:http';
import type { LookupFunction } from 'node:net';
import { describe, expect, test } from 'vitest';
import { connect } from '../../lib/net/index.js';
import { canDecideNames, Names } from '../names.js';
import { echo, freePort, listening, modules, type Net, readAll } from './modules.js';

const [[, control], [, net]] = modules as [[string, Net], [string, Net]];
const failure = Object.assign(new Error('no answer'), { code: 'ENOANSWER' });
const one = [{ address: '127.0.0.1', family: 4 }];
type Answer = (error: unknown, found?: unknown, family?: unknown) => void;
type AnyLookup = (host: string, options: object, answer: Answer) => void;

/** Whatever a lookup does wrong. */
const failing: [name: string, lookup: AnyLookup, code: string][] = [
  ['fails at once', (_h, _o, answer) => answer(failure), 'ENOANSWER'],
  ['fails in a tick', (_h, _o, answer) => process.nextTick(answer, failure), 'ENOANSWER'],
  ['fails in a microtask', (_h, _o, answer) => queueMicrotask(() => answer(failure)), 'ENOANSWER'],
  ['fails in a later turn', (_h, _o, answer) => void setImmediate(answer, failure), 'ENOANSWER'],
  [
    'throws',
    () => {
      throw failure;
    },
    'ENOANSWER',
  ],
  ['finds no address', (_h, _o, answer) => answer(null, 'nonsense', 4), 'ERR_INVALID_IP_ADDRESS'],
  [
    'finds no address in a list',
    (_h, _o, answer) => answer(null, [{ address: 'nonsense', family: 4 }]),
    'ERR_INVALID_IP_ADDRESS',
  ],
  ['finds an empty list', (_h, _o, answer) => answer(null, []), 'ERR_INVALID_IP_ADDRESS'],
  ['finds nothing', (_h, _o, answer) => answer(null), 'ERR_INVALID_IP_ADDRESS'],
  ['finds null', (_h, _o, answer) => answer(null, [null]), 'ERR_INVALID_IP_ADDRESS'],
  [
    'finds a name with a comma',
    (_h, _o, answer) => answer(null, '127.0.0.1,127.0.0.1', 4),
    'ERR_INVALID_IP_ADDRESS',
  ],
];

describe('a lookup that', () => {
  test.each(failing)('%s is an error that http hears of', async (_name, lookup, code) => {
    const request: ClientRequest = get({
      path: '/',
      createConnection: () =>
        connect({ port: 1, host: 'a.test', lookup: lookup as unknown as LookupFunction }),
    });
    const [error] = await once(request, 'error');
    expect(error.code).toBe(code);
  });

  test.each(failing)('%s is an error of a later turn', async (_name, lookup, code) => {
    const socket = connect({
      port: 1,
      host: 'a.test',
      lookup: lookup as unknown as LookupFunction,
    });
    let turnIsOver = false;
    const heard = new Promise<[string, boolean]>((resolve) => {
      socket.on('error', (error: Error & { code: string }) => resolve([error.code, turnIsOver]));
    });
    turnIsOver = true;
    expect(await heard).toEqual([code, true]);
    expect(socket.destroyed).toBe(true);
  });

  const answering: [name: string, lookup: AnyLookup][] = [
    ['answers at once', (_h, _o, answer) => answer(null, one)],
    ['answers with one address', (_h, _o, answer) => answer(null, '127.0.0.1', 4)],
    ['answers without a family', (_h, _o, answer) => answer(null, '127.0.0.1')],
    [
      'names the family',
      (_h, _o, answer) => answer(null, [{ address: '127.0.0.1', family: 'IPv4' }]),
    ],
    ['names another family', (_h, _o, answer) => answer(null, '127.0.0.1', 6)],
    [
      'has a name among its addresses',
      (_h, _o, answer) => answer(null, [{ address: 'x', family: 4 }, ...one]),
    ],
    [
      'answers twice',
      (_h, _o, answer) => {
        answer(null, one);
        answer(failure);
      },
    ],
  ];
  test.each(answering)('%s leads to a connection', async (_name, lookup) => {
    await using server = await echo(control);
    const socket = connect({
      port: server.port,
      host: 'a.test',
      lookup: lookup as unknown as LookupFunction,
    });
    let listens = false;
    socket.on('lookup', () => expect(listens).toBe(true));
    listens = true;
    socket.end('found');
    expect(await readAll(socket)).toBe('found');
  });
});

describe('autoSelectFamily: false', () => {
  test.each([
    ['a list', [{ address: '127.0.0.3', family: 4 }, ...one]],
    ['one address', '127.0.0.3'],
  ])('tries the first address only, of %s', async (_name, found) => {
    await using server = await listening(control, {}, () => {});
    const lookup = ((_host, _options, callback) =>
      callback(null, found as never, 4)) as LookupFunction;
    const socket = connect({ port: server.port, host: 'a.test', lookup, autoSelectFamily: false });
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNREFUSED', address: '127.0.0.3' });
  });

  test.skipIf(!canDecideNames)("tries the system's first address only", async () => {
    using names = await Names.make();
    await using server = await listening(control, {}, () => {});
    const program = `
      import { connect } from 'DISTnet/index.js';
      for (const autoSelectFamily of [false, true]) {
        const socket = connect({ port: ${server.port}, host: 'two.test', autoSelectFamily });
        const end = await new Promise((resolve) => {
          socket.on('connect', () => resolve('connected to ' + socket.remoteAddress));
          socket.on('error', (error) => resolve(error.code + ' ' + error.address));
        });
        console.log(end);
        socket.destroy();
      }`;
    const said = await names.run(program, ['127.0.0.3', '127.0.0.1']);
    expect(said).toBe('ECONNREFUSED 127.0.0.3\nconnected to 127.0.0.1\n');
  });
});

describe('what a lookup is asked', () => {
  const questions: [options: object, string][] = [
    [{}, 'by default'],
    [{ family: 6, autoSelectFamily: false }, 'with a family'],
    [{ autoSelectFamily: false }, 'for one address'],
    [{ hints: dns.ADDRCONFIG }, 'with a hint'],
    [{ hints: dns.V4MAPPED | dns.ALL, autoSelectFamily: true }, 'with hints, for all'],
    [{ family: 4, hints: 0, autoSelectFamily: false }, 'with all of them'],
  ];
  test.each(questions)('%j is what node:net asks', async (options) => {
    const port = await freePort();
    const asked = async (module: Net) => {
      let question: { family?: unknown; hints?: number; all?: boolean } = {};
      const socket = module.connect({
        port,
        host: 'a.test',
        lookup: (_host, given, callback) => {
          question = given;
          setImmediate(callback, failure, '');
        },
        ...options,
      });
      await once(socket, 'error');
      return {
        family: question.family || 0,
        hints: question.hints ?? 0,
        all: question.all ?? false,
      };
    };
    expect(await asked(net)).toEqual(await asked(control));
  });
});

test("hints to the system's resolver are refused, and matter to no address", async () => {
  const hints = dns.ADDRCONFIG;
  expect(() => connect({ port: 1, host: 'localhost', hints })).toThrow(
    expect.objectContaining({
      code: 'ERR_SIDELOOP_ARGUMENT',
      message: expect.stringMatching(/hints.*lookup/),
    }),
  );
  await using server = await echo(control);
  const socket = connect({ port: server.port, host: '127.0.0.1', hints });
  socket.end('by address');
  expect(await readAll(socket)).toBe('by address');
});
