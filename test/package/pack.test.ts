// Why: most users never compile. The tarball must work as it is, with install scripts blocked (as
// pnpm, Bun and careful companies do), from ESM and from CommonJS. A failure here means that a
// release would be broken for everyone while every other test is green.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { gypEnvironment } from '../../scripts/toolchain.mjs';
import { startRedisServer } from '../redis-server.js';
import { type Consumer, installPackedProduct } from './consumer.js';

// What each subpath is for: proof that an import brings the thing, and not just an empty module.
const MAIN_EXPORT = {
  sideloop: 'EventLoop',
  'sideloop/bridge': 'Reporter',
  'sideloop/fs': 'readFile',
  'sideloop/lease': 'Producer',
  'sideloop/redis': 'Redis',
  'sideloop/net': 'createServer',
  'sideloop/scheduler': 'Dag',
  'sideloop/timers': 'setTimeout',
  'sideloop/timers/promises': 'setTimeout',
};

// A machine without ccache compiles the whole addon for one of these tests.
const COMPILE_TIMEOUT_MS = 600_000;

let consumer: Consumer;

beforeAll(async () => {
  consumer = await installPackedProduct();
}, COMPILE_TIMEOUT_MS);

afterAll(() => consumer?.remove());

describe('the tarball, installed without install scripts and without a compiler', () => {
  test('is installed where no compiler can be found', async () => {
    const probe =
      'for p in cc gcc g++ c++ clang clang++ make python3; do command -v $p; done; true';
    const source = `process.stdout.write(require('child_process').execFileSync('/bin/sh', ['-c', '${probe}']));`;
    expect(await consumer.node('tools.cjs', source)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(join(consumer.product, 'build'))).toBe(false);
  });

  test('exports the subpaths that are tested here, and lets npm add no build of its own', async () => {
    const manifest = JSON.parse(await readFile(join(consumer.product, 'package.json'), 'utf8'));
    const subpaths = Object.keys(manifest.exports)
      .filter((path) => path !== './package.json')
      .map((path) => path.replace('.', 'sideloop'));
    expect(subpaths.sort()).toEqual(Object.keys(MAIN_EXPORT).sort());
    expect(manifest.scripts.install).toBe('node-gyp-build');
    expect(manifest.gypfile).toBeUndefined();
    for (const { types } of Object.values<{ types?: string }>(manifest.exports)) {
      if (types) expect(existsSync(join(consumer.product, types)), types).toBe(true);
    }
  });

  // An addon that shows its copy of the standard library can end up bound to another addon's.
  test.runIf(process.platform === 'linux')('shows nothing but its entry points', async () => {
    const prebuilds = join(consumer.product, 'prebuilds');
    const binaries = (await readdir(prebuilds, { recursive: true })).filter((name) =>
      name.endsWith('.node'),
    );
    expect(binaries).not.toEqual([]);
    for (const binary of binaries) {
      const flags = ['--dynamic', '--defined-only', '--format=posix', join(prebuilds, binary)];
      const { stdout } = await promisify(execFile)('nm', flags);
      const symbols = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]);
      expect(symbols.sort()).toEqual([
        'napi_register_module_v1',
        'node_api_module_get_api_version_v1',
      ]);
    }
  });

  test.each(Object.entries(MAIN_EXPORT))('imports %s from ESM', async (subpath, name) => {
    const source = `import { ${name} } from '${subpath}'; console.log(typeof ${name});`;
    expect(await consumer.node('import.mjs', source)).toMatchObject({
      code: 0,
      stdout: 'function\n',
    });
  });

  test.each(Object.entries(MAIN_EXPORT))('requires %s from CommonJS', async (subpath, name) => {
    const source = `const { ${name} } = require('${subpath}'); console.log(typeof ${name});`;
    expect(await consumer.node('require.cjs', source)).toMatchObject({
      code: 0,
      stdout: 'function\n',
    });
  });

  test('talks to Redis and lets the process end by itself', async () => {
    await using server = await startRedisServer();
    const source = `
      import { Redis } from 'sideloop/redis';
      const redis = new Redis(process.argv[2]);
      await redis.set('greeting', 'grüß Gott');
      console.log(await redis.get('greeting'));
      await redis.quit();
    `;
    const run = await consumer.node('talk.mjs', source, server.url);
    expect(run).toEqual({ code: 0, stdout: 'grüß Gott\n', stderr: '' });
    expect(await server.cli('GET', 'greeting')).toBe('grüß Gott');
  });
});

describe('on a platform without a prebuilt binary', () => {
  const withCompiler = { ...gypEnvironment(), PATH: process.env.PATH };

  test(
    'builds from source where there is a compiler',
    async () => {
      const user = await withoutPrebuilds();
      const build = await user.npm(['rebuild', 'sideloop'], withCompiler);
      expect(build.code, build.stderr).toBe(0);
      expect(existsSync(join(user.product, 'build', 'Release', 'sideloop.node'))).toBe(true);
      const source = `import { EventLoop } from 'sideloop'; console.log(typeof EventLoop);`;
      expect(await user.node('import.mjs', source)).toMatchObject({
        code: 0,
        stdout: 'function\n',
      });
    },
    COMPILE_TIMEOUT_MS,
  );

  test(
    'says in one error what is missing when the compiler fails',
    async () => {
      const user = await withoutPrebuilds();
      const broken = { ...withCompiler, CC: 'false', CXX: 'false' };
      expect((await user.npm(['rebuild', 'sideloop'], broken)).code).not.toBe(0);

      const source = `
      const error = await import('sideloop').catch((reason) => reason);
      console.log(JSON.stringify({ code: error.code, message: error.message, cause: !!error.cause }));
    `;
      const { stdout } = await user.node('missing.mjs', source);
      const error = JSON.parse(stdout);
      expect(error).toMatchObject({ code: 'ERR_SIDELOOP_BINDING_MISSING', cause: true });
      expect(error.message).toContain(`${process.platform}-${process.arch}`);
      expect(error.message).toContain('npm rebuild sideloop');
      for (const tool of ['Python 3', 'make', 'C++20 compiler']) {
        expect(error.message).toContain(tool);
      }
    },
    COMPILE_TIMEOUT_MS,
  );

  async function withoutPrebuilds(): Promise<Consumer> {
    const user = await consumer.copy();
    onTestFinished(() => user.remove());
    await rm(join(user.product, 'prebuilds'), { recursive: true });
    return user;
  }
});
