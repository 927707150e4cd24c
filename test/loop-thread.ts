// A loop's thread as the kernel sees it: by the name that the loop was given.

import { readdir, readFile } from 'node:fs/promises';

const TASKS = '/proc/self/task';

export interface LoopThread {
  /** Blocked in the kernel at this moment. */
  isAsleep(): Promise<boolean>;
  /** How often it went to sleep so far: with each wake-up it is one more. */
  sleeps(): Promise<number>;
  /** Its CPU time so far, in ms. */
  cpuTime(): Promise<number>;
  /** For how long it was ready to run and had no processor, in ms. */
  waitTime(): Promise<number>;
}

/** Requires Linux, and a name of 15 characters at most that no other thread of the process has. */
export async function loopThread(name: string): Promise<LoopThread> {
  for (const id of await readdir(TASKS)) {
    // Other threads come and go.
    const comm = await readFile(`${TASKS}/${id}/comm`, 'utf8').catch(() => '');
    if (comm.trim() !== name) continue;
    const status = async (field: string) => {
      const text = await readFile(`${TASKS}/${id}/status`, 'utf8');
      return new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
    };
    // Documentation/scheduler/sched-stats.rst: time on a processor, time waiting for one, in ns.
    const schedule = async (field: 0 | 1) => {
      const text = await readFile(`${TASKS}/${id}/schedstat`, 'utf8');
      return Number(text.split(' ')[field]) / 1e6;
    };
    return {
      cpuTime: () => schedule(0),
      waitTime: () => schedule(1),
      isAsleep: async () => (await status('State')) === 'S',
      sleeps: async () => Number(await status('voluntary_ctxt_switches')),
    };
  }
  throw new Error(`no thread is named ${name}`);
}
