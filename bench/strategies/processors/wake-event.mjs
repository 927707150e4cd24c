// The reporter sets a flag and wakes the processor, which empties every source. The wait has a timeout
// of 100 ms, in case a wake-up is lost.
import { openSource, reportTo } from './sources.mjs';

const kLongestMs = 100;

export const name = 'wake-event';
export { version } from 'node:process';

export async function startProcessor(dispatch) {
  const source = openSource();
  const sources = [source];
  const flag = new Int32Array(new SharedArrayBuffer(4));
  (async () => {
    for (;;) {
      await Atomics.waitAsync(flag, 0, 0, kLongestMs).value;
      Atomics.store(flag, 0, 0);
      for (const { take } of sources) {
        for (let event = take(); event !== undefined; event = take()) dispatch(event);
      }
    }
  })();
  return { data: { port: source.data, flag }, transferList: source.transferList };
}

export async function startReporter({ port, flag }) {
  const put = reportTo(port);
  return (event) => {
    put(event);
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
}
