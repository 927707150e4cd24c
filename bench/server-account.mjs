// CPU time of a whole process, a server's say, in microseconds: of all its threads together.
import { readdirSync, readFileSync } from 'node:fs';

export function processCpuMicros(pid) {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).reduce((sum, task) => {
    const [nanos] = readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ', 1);
    return sum + Number(nanos) / 1000;
  }, 0);
}
