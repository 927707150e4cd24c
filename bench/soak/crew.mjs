// The processes of a soak: workers and the producer, which are killed, stopped and started anew. One that
// ends without having been told to is a violation of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const kKeptOutput = 2000;
const scriptOf = (name) => fileURLToPath(new URL(`./${name}.mjs`, import.meta.url));

// `onLine` gets what it prints; `onUnexpectedEnd` the words of one that ended by itself.
export function startMember(script, plan, { onLine, onUnexpectedEnd }) {
  const child = spawn(process.execPath, [scriptOf(script)], {
    env: { ...process.env, ...plan.env, SOAK_PLAN: JSON.stringify(plan) },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let complaint = '';
  let isToldToEnd = false;
  let isStopped = false;
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaint = (complaint + text).slice(-kKeptOutput);
  });
  createInterface(child.stdout).on('line', (line) => onLine?.(line));
  // It may be gone when it is told something.
  child.stdin.on('error', () => {});
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = once(child, 'close').then(([code, signal]) => {
    process.off('exit', kill);
    if (!isToldToEnd && code !== 0) {
      onUnexpectedEnd(`${plan.name} ended with ${signal ?? `code ${code}`}: ${complaint.trim()}`);
    }
  });
  return {
    name: plan.name,
    ended,
    isStopped: () => isStopped,
    complaint: () => complaint.trim(),
    isGone: () => isToldToEnd,
    tell: (order) => child.stdin.write(`${order}\n`),
    stop() {
      isStopped = true;
      child.kill('SIGSTOP');
    },
    resume() {
      isStopped = false;
      child.kill('SIGCONT');
    },
    async kill() {
      isToldToEnd = true;
      kill();
      await ended;
    },
    // With all that it has begun settled, or killed when the time is over.
    async close(deadlineMs) {
      child.stdin.write('stop\n');
      const timer = setTimeout(kill, deadlineMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
