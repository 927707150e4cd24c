// Asks every source for one event, again and again, and sleeps for 1 ms when none had any.
import { setTimeout as sleep } from 'node:timers/promises';
import { openSource, reportTo } from './sources.mjs';

export const name = 'polling-1ms';
export { version } from 'node:process';

export async function startProcessor(dispatch) {
  const source = openSource();
  const sources = [source];
  (async () => {
    for (;;) {
      let hasEvents = false;
      for (const { take } of sources) {
        const event = take();
        if (event === undefined) continue;
        dispatch(event);
        hasEvents = true;
      }
      if (!hasEvents) await sleep(1);
    }
  })();
  return source;
}

export const startReporter = async (port) => reportTo(port);
