// Runs a program of test/lifecycle/children to its end, many times: what goes wrong at the end of
// a process goes wrong in some of the runs only.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How a child process ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const RUNS = 20;
const AT_A_TIME = 4;
// No child takes a second by itself. The bound is for a machine that is busy with other things, and
// a hang still ends as a SIGKILL that no test expects.
const HANGS_AFTER_MS = 30_000;

/** Runs `children/<program>.mjs <args>` twenty times, four at a time. */
export async function endingsOf(program: string, ...args: string[]): Promise<Ending[]> {
  const endings: Ending[] = [];
  let started = 0;
  const lane = async () => {
    while (started++ < RUNS) endings.push(await endingOf(program, args));
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  return endings;
}

/** What every one of the runs is expected to be. */
export function everyRun(ending: Partial<Ending>): Ending[] {
  return new Array(RUNS).fill({ code: 0, signal: null, stdout: '', stderr: '', ...ending });
}

function endingOf(program: string, args: string[]): Promise<Ending> {
  const path = fileURLToPath(new URL(`children/${program}.mjs`, import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: HANGS_AFTER_MS,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, ...output }));
  });
}
