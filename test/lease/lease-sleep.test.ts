// A machine that sleeps: its clock that counts waking time stands still, the server's time goes on. A failure here means that
// a laptop goes on, when it is opened, with leases that others have had for an hour. The clocks that are read are moved, the
// kernel's timers are not: that a timer fires at the moment of waking is more than this shows.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { ClockOffset, canMoveClocks } from '../clock-offset.js';
import { ConsumerSide } from './consumer-side.js';

const side = new ConsumerSide();
const PROGRAM = fileURLToPath(new URL('children/sleeper.mjs', import.meta.url));

test.runIf(canMoveClocks).each([
  ['half an hour', 1_800_000],
  ['a moment longer than a lease', 10_000],
])('on waking, windows are closed that closed in sleep: %s', async (_, ms) => {
  using clock = await ClockOffset.make();
  await side.add(3);
  const child = spawn(process.execPath, [PROGRAM, `${side.server.port}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...clock.env },
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const said: unknown[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(JSON.parse(line)));
  await expect.poll(() => said, { timeout: 15_000 }).toContain('ready');
  child.stdin.write('\n');
  await expect.poll(() => said.length, { timeout: 15_000 }).toBe(2);
  const { valid } = said[1] as { valid: [number, number] };
  expect(Math.min(...valid)).toBeGreaterThan(0);

  clock.sleep(ms);
  // Whichever it hears of first: neither is valid any more, and both end by their own clock.
  child.stdin.write('\n');
  await expect.poll(() => said.length, { timeout: 15_000 }).toBe(5);
  const after = said.slice(2);
  expect(after).toContainEqual({ lease: 'expired' });
  expect(after).toContainEqual({ job: 'expired' });
  const last = after.find((line) => Object.hasOwn(line as object, 'valid'));
  expect(Math.max(...(last as { valid: [number, number] }).valid)).toBeLessThanOrEqual(0);
});
