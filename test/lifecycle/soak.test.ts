// A producer and consumers in several processes while processes are killed and stopped, connections cut and the server
// paused; a ledger at the server has every job added once, acked at least once, and by no stale token. `npm run soak` is the
// long one. A failure here prints its seed.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SIZE = ['--minutes', '0.2', '--jobs', '3000', '--lease', '500'];

function soak(...options: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['bench/soak/run.mjs', ...SIZE, ...options], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

test('a short soak has no violation', { timeout: 300_000 }, async () => {
  const { code, output } = await soak();
  expect(output).toMatch(/violations: 0\b/);
  expect(code, output).toBe(0);
});

test('its ledger finds out a consumer that acks whatever it has', {
  timeout: 300_000,
}, async () => {
  const { code, output } = await soak('--client', 'naive', '--seed', '5');
  expect(output).toMatch(/violations: [1-9]/);
  expect(code, output).toBe(1);
});
