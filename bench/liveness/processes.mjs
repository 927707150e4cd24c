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

// Groups that are still there. A contestant may have children, and one that spins is ended by nothing
// but SIGKILL: each process has a group of its own, and none outlives the harness.
const groups = new Set();
process.once('exit', () => {
  for (const group of groups) killGroup(group);
});

function killGroup(group) {
  try {
    process.kill(-group, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
  groups.delete(group);
}

// `prefix` is a command that runs another one, such as `ip netns exec <name>`.
export function startProcess(role, plan, prefix = []) {
  const [command, ...args] = [...prefix, process.execPath, scripts[role]];
  const child = spawn(command, args, {
    detached: true,
    env: { ...process.env, LIVENESS_PLAN: JSON.stringify(plan) },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  groups.add(child.pid);
  const ended = once(child, 'exit');
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
    // Also of one that is stopped, or in an endless loop, with all that it has started.
    async end() {
      killGroup(child.pid);
      await ended;
    },
  };
}
