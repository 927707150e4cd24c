// The examples in the documentation are compiled against the package's own types and run against a real server. A
// failure means that a reader who copies one is let down.

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { startRedisServer } from './redis-server.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'out', 'docs');

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));
const examples = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n(.*?)^```$/gms)].map((match, i) => ({
    name: `${page}, example ${i + 1}`,
    file: `${page.replace(/\W+/g, '-')}-${i + 1}`,
    code: match[1] as string,
  })),
);

describe('examples', () => {
  beforeAll(async () => {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    for (const { file, code } of examples) writeFileSync(join(out, `${file}.ts`), code);
    writeFileSync(
      join(out, 'tsconfig.json'),
      JSON.stringify({ extends: '../../tsconfig.base.json', include: ['*.ts'] }),
    );
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [tsc, '-p', out]).catch((error) => {
      throw new Error(`The examples do not compile:\n${error.stdout}`);
    });
  }, 60_000);

  it('exist', () => {
    expect(examples.length).toBeGreaterThan(1);
  });

  it.each(examples)('$name runs and prints something', async ({ file }) => {
    await using server = await startRedisServer();
    const { stdout, stderr } = await run(process.execPath, [join(out, `${file}.js`)], {
      env: { ...process.env, REDIS_URL: server.url },
      timeout: 20_000,
    });
    expect(stderr).toBe('');
    expect(stdout).not.toBe('');
  });
});
