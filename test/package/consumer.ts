import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What a program printed, and how it ended. */
export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** A user's folder outside of the repository, with the packed product installed into it. */
export interface Consumer {
  readonly folder: string;
  /** The installed product, `node_modules/sideloop` of the folder. */
  readonly product: string;
  /** A PATH with node, npm and a shell, and with no compiler, make or Python. */
  readonly barePath: string;
  /** Writes a file into the folder and runs it by node with the bare PATH. */
  node(file: string, source: string, ...args: string[]): Promise<Run>;
  /** Runs npm in the folder, with the bare PATH unless `env` has another one. */
  npm(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run>;
  /** Another folder with the same packages in it, without asking the registry again. */
  copy(): Promise<Consumer>;
  remove(): Promise<void>;
}

/** Packs the repository as a release would and installs the tarball with no install script run. */
export async function installPackedProduct(): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), 'sideloop-consumer-'));
  const packed = await run('npm', ['pack', '--pack-destination', folder], repository, {});
  if (packed.code !== 0) throw new Error(`npm pack failed:\n${packed.stdout}\n${packed.stderr}`);
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  if (!tarball) throw new Error('npm pack left no tarball');

  await writeFile(join(folder, 'package.json'), '{ "name": "consumer", "private": true }\n');
  const consumer = await consumerIn(folder);
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  const installed = await consumer.npm(['install', ...flags, `./${tarball}`]);
  if (installed.code !== 0) throw new Error(`npm install failed:\n${installed.stderr}`);
  return consumer;
}

async function consumerIn(folder: string): Promise<Consumer> {
  const barePath = join(folder, 'bin');
  await linkPrograms(barePath);
  const bareEnv = { PATH: barePath };
  return {
    folder,
    product: join(folder, 'node_modules', 'sideloop'),
    barePath,
    async node(file, source, ...args) {
      await writeFile(join(folder, file), source);
      return run(process.execPath, [file, ...args], folder, bareEnv);
    },
    npm: (args, env = {}) => run('npm', args, folder, { ...bareEnv, ...env }),
    async copy() {
      const other = await mkdtemp(join(tmpdir(), 'sideloop-consumer-'));
      for (const name of ['package.json', 'node_modules']) {
        await cp(join(folder, name), join(other, name), {
          recursive: true,
          verbatimSymlinks: true,
        });
      }
      return consumerIn(other);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function linkPrograms(barePath: string): Promise<void> {
  await mkdir(barePath);
  await symlink(process.execPath, join(barePath, 'node'));
  await symlink('/bin/sh', join(barePath, 'sh'));
  const { stdout } = await run('/bin/sh', ['-c', 'command -v npm'], repository, {});
  await symlink(await realpath(stdout.trim()), join(barePath, 'npm'));
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Run> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr: error === null ? stderr : `${stderr}${error.message}` });
    });
  });
}
