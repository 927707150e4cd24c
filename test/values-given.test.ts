// Bytes, dates and URLs of another realm (a vm context, a test runner), and bytes whose memory is gone. A failure means that
// what one part of the package takes the next one refuses, or an error without a code from the middle of something.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { copyOf } from '../lib/bridge/copy.js';
import { isUsable } from '../lib/bytes.js';
import * as fs from '../lib/fs/index.js';
import { Producer } from '../lib/lease/index.js';
import * as net from '../lib/net/index.js';
import { Dag } from '../lib/scheduler/index.js';
import { labOfFile } from './support/lab.js';

const lab = labOfFile();
const folder = mkdtempSync(join(tmpdir(), 'sideloop-values-'));
afterAll(() => rmSync(folder, { recursive: true }));

const realm = vm.createContext({});
const foreign = <T>(code: string): T => vm.runInContext(code, realm);
const foreignBytes = (bytes: Iterable<number>) =>
  foreign<Uint8Array>(`new Uint8Array([${[...bytes].join()}])`);

describe('of another realm', () => {
  it('bytes are the value of a field of a job', async () => {
    const redis = lab.client();
    await redis.flushall();
    await new Producer(redis, { stream: 'jobs' }).add({ n: foreignBytes([1, 2, 255]) });
    const [entry] = (await redis.callBuffer('XRANGE', 'jobs', '-', '+')) as [[Buffer, Buffer[]]];
    expect(entry[1]).toContainEqual(Buffer.from([1, 2, 255]));
  });

  it('a Date says when a job is due', async () => {
    const redis = lab.client();
    await redis.flushall();
    const at = foreign<Date>('new Date(4e12)');
    await new Producer(redis, { stream: 'jobs' }).add({ n: 1 }, { at });
    expect(await redis.call('ZRANGE', '{jobs}:delayed', 0, -1, 'WITHSCORES')).toContain(
      '4000000000000',
    );
  });

  it('a Date that is none is refused as one of this realm is', async () => {
    const producer = new Producer(lab.client(), { stream: 'jobs' });
    for (const at of [foreign<Date>('new Date(NaN)'), new Date(Number.NaN)]) {
      await expect(producer.add({ n: 1 }, { at })).rejects.toMatchObject({
        code: 'ERR_SIDELOOP_ARGUMENT',
        message: expect.stringContaining('at must be a valid Date'),
      });
    }
  });

  it('bytes are a path', async () => {
    const path = join(folder, 'of-bytes');
    await fs.writeFile(foreignBytes(Buffer.from(path)) as Buffer, foreignBytes([7, 8]));
    expect([...readFileSync(path)]).toEqual([7, 8]);
    expect([...(await fs.readFile(foreignBytes(Buffer.from(path)) as Buffer))]).toEqual([7, 8]);
  });

  it('bytes are a chunk', async () => {
    const path = join(folder, 'of-chunks');
    await fs.writeFile(path, [foreignBytes([1]), foreignBytes([2, 3])]);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });

  it('a URL is a path, and a module', async () => {
    const path = join(folder, 'of-a-url');
    writeFileSync(path, 'x');
    // What a test runner that plays a browser has for URL.
    const { href, protocol } = pathToFileURL(path);
    const url = { href, protocol } as URL;
    expect(await fs.readFile(url, 'utf8')).toBe('x');
    expect(() => new Dag().cpu('a', { module: url })).not.toThrow();
  });

  it('bytes are copied into a message', () => {
    const bytes = foreignBytes([1, 2]);
    const copy = copyOf(bytes) as Uint8Array;
    bytes.fill(0);
    expect(copy).toEqual(Uint8Array.of(1, 2));
  });
});

/** Its memory is transferred away. */
function gone<View extends NodeJS.ArrayBufferView>(view: View): View {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

function shrunk(): Uint8Array {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void };
  const buffer = new Resizable(8, { maxByteLength: 8 });
  const view = new Uint8Array(buffer, 4, 4);
  buffer.resize(2);
  return view;
}

const GONE: [what: string, view: () => NodeJS.ArrayBufferView][] = [
  ['a Uint8Array', () => gone(new Uint8Array(4))],
  ['a Buffer', () => gone(Buffer.from(new ArrayBuffer(4)))],
  ['a part of one', () => gone(new Uint8Array(new ArrayBuffer(8), 4, 2))],
  ['a large one', () => gone(new Uint8Array(1 << 20))],
  ['one of another realm', () => gone(foreignBytes([1]))],
  ['one whose memory has shrunk', shrunk],
];
const ALSO_GONE: typeof GONE = [
  ...GONE,
  ['a DataView', () => gone(new DataView(new ArrayBuffer(4)))],
  ['a Float64Array', () => gone(new Float64Array(4))],
  ['a BigInt64Array', () => gone(new BigInt64Array(4))],
];

const refusal = expect.objectContaining({
  name: 'SideloopTypeError',
  code: 'ERR_SIDELOOP_ARGUMENT',
  message: expect.stringContaining('memory is gone'),
});

describe.each(GONE)('%s whose memory is gone is refused', (_, view) => {
  it('as the value of a field of a job', async () => {
    const redis = lab.client();
    await redis.flushall();
    const adding = new Producer(redis, { stream: 'jobs' }).add({ n: view() as Uint8Array });
    await expect(adding).rejects.toEqual(refusal);
    expect(await redis.dbsize()).toBe(0);
  });

  it('as a path', async () => {
    await expect(fs.readFile(view() as Buffer)).rejects.toEqual(refusal);
    expect(() => fs.createReadStream(view() as Buffer)).toThrow(refusal);
  });

  it('as a message, as structuredClone() does', () => {
    expect(() => copyOf(view())).toThrow(expect.objectContaining({ name: 'DataCloneError' }));
  });
});

describe.each(ALSO_GONE)('%s whose memory is gone is refused', (_, view) => {
  it('as what a file is to hold, and the file is left as it is', async () => {
    const path = join(folder, 'kept');
    writeFileSync(path, 'as it is');
    await expect(fs.writeFile(path, view())).rejects.toEqual(refusal);
    expect(readFileSync(path, 'utf8')).toBe('as it is');
  });

  it('as a piece', async () => {
    await expect(fs.writeFile(join(folder, 'pieces'), [view()])).rejects.toEqual(refusal);
  });

  it('as a chunk, and the stream goes on', async () => {
    const path = join(folder, 'goes-on');
    const stream = fs.createWriteStream(path);
    const closed = new Promise((resolve, reject) =>
      stream.on('error', reject).on('close', resolve),
    );
    expect(() => stream.write(view())).toThrow(refusal);
    stream.cork();
    expect(() => stream.write(view())).toThrow(refusal);
    stream.uncork();
    expect(() => stream.end(view())).toThrow(refusal);
    stream.end('the end');
    await closed;
    expect(readFileSync(path, 'utf8')).toBe('the end');
  });

  it('as a chunk of a socket', () => {
    const socket = new net.Socket();
    expect(() => socket.write(view() as Uint8Array)).toThrow(refusal);
    expect(() => socket.end(view() as Uint8Array)).toThrow(refusal);
    socket.destroy();
  });
});

it.each([
  new Uint8Array(0),
  Buffer.alloc(0),
  new DataView(new ArrayBuffer(0)),
  new Float32Array(0),
])('what is empty has its memory', (view) => expect(isUsable(view)).toBe(true));

it('a file of nothing can be written', async () => {
  const path = join(folder, 'nothing');
  await fs.writeFile(path, new Uint8Array(0));
  expect(existsSync(path)).toBe(true);
});
