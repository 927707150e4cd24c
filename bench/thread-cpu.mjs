// CPU time of this process's main thread, in microseconds, as the kernel accounts it. Node 20 has
// no process.threadCpuUsage(), and process.cpuUsage() counts all threads.
import { readFileSync } from 'node:fs';

const schedstat = `/proc/self/task/${process.pid}/schedstat`;

export function mainThreadCpuMicros() {
  return Number(readFileSync(schedstat, 'utf8').split(' ', 1)[0]) / 1000;
}
