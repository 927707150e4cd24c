// The processes of one trial: each is told its plan in the environment, and what to do on its standard
// input, which is also how it notices that the harness is gone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const scripts = {
  contestant: fileURLToPath(new URL('./contestant.mjs', import.meta.url)),
  rival: fileURLToPath(new URL('./rival.mjs', import.meta.url)),
};
const kKeptOutput = 1000;

// `prefix` is a command that runs another one, such as `ip netns exec <name>`.
export function startProcess(role, plan, prefix = []) {
  const [command, ...args] = [...prefix, process.execPath, scripts[role]];
  const child = spawn(command, args, {
    env: { ...process.env, LIVENESS_PLAN: JSON.stringify(plan) },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint = (complaint + text).slice(-kKeptOutput);
  });
  // It may be gone when it is told something.
  child.stdin.on('error', () => {});
  return {
    pid: child.pid,
    name: plan.name,
    complaint: () => complaint.trim(),
    tell: (order) => child.stdin.write(`${order}\n`),
    signal: (name) => child.kill(name),
    // Also of one that is stopped, or in an endless loop.
    async end() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
