// What the kernel itself counted for the threads of this process. Node 20 has no
// process.threadCpuUsage(), and process.cpuUsage() counts all threads.
import { readFileSync, readlinkSync } from 'node:fs';

const kTasks = '/proc/self/task';

function cpuMicros(schedstat) {
  return Number(readFileSync(schedstat, 'utf8').split(' ', 1)[0]) / 1000;
}

const cell = new Int32Array(new SharedArrayBuffer(4));

// CPU time of the main thread, in microseconds, for itself to ask. The kernel brings a thread's
// account up to date when it stops running, else only each tick: without the short sleep a figure
// of a few ms would be wrong by as many.
export function mainThreadCpuMicros() {
  Atomics.wait(cell, 0, 0, 0.05);
  return threadCpuMicros(process.pid);
}

// The kernel's number of the thread that asks, a Worker's say, by which others can ask about it.
export function ownThread() {
  return readlinkSync('/proc/thread-self').split('/').at(-1);
}

// CPU time of one thread, in microseconds.
export function threadCpuMicros(thread) {
  return cpuMicros(`${kTasks}/${thread}/schedstat`);
}

// Of all threads but one: how often a thread went to sleep and was woken again, and the CPU time in
// microseconds.
export function accountWithout(thread) {
  const { userCPUTime, systemCPUTime, voluntaryContextSwitches } = process.resourceUsage();
  const status = readFileSync(`${kTasks}/${thread}/status`, 'utf8');
  const own = Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)[1]);
  return {
    wakeups: voluntaryContextSwitches - own,
    cpuMicros: userCPUTime + systemCPUTime - threadCpuMicros(thread),
  };
}

// Resident memory in bytes. smaps_rollup walks the pages; the counter behind
// process.memoryUsage.rss() may lag by megabytes.
export function residentBytes() {
  const kibibytes = /^Rss:\s+(\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'));
  return Number(kibibytes[1]) * 1024;
}
