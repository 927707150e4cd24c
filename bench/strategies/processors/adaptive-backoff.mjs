// Asks every source for one event and sleeps: for 1 ms after an event, for twice as long as the last
// time after none, for 100 ms at most.
import { setTimeout as sleep } from 'node:timers/promises';
import { openSource, reportTo } from './sources.mjs';

const kShortestMs = 1;
const kLongestMs = 100;

export const name = 'adaptive-backoff';
export { version } from 'node:process';

export async function startProcessor(dispatch) {
  const source = openSource();
  const sources = [source];
  (async () => {
    let sleepMs = kShortestMs;
    for (;;) {
      let hasEvents = false;
      for (const { take } of sources) {
        const event = take();
        if (event === undefined) continue;
        dispatch(event);
        hasEvents = true;
      }
      sleepMs = hasEvents ? kShortestMs : Math.min(sleepMs * 2, kLongestMs);
      await sleep(sleepMs);
    }
  })();
  return source;
}

export const startReporter = async (port) => reportTo(port);
