// What happened, in one place and in order: a named pipe into which every process of a trial writes
// one line for each event, with a plain synchronous write. So a process that is about to block, to be
// stopped or to be killed has said what it did before, and no contestant's code is in the way.
import { execFileSync } from 'node:child_process';
import { constants, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';

// Wall clock time in ms with decimals, the same for all processes and for the server's MONITOR.
export function now() {
  return performance.timeOrigin + performance.now();
}

// For a writer. Lines are shorter than PIPE_BUF, so they never mix.
export function ledgerWriter(path, who) {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_APPEND);
  return function note(event, more = {}) {
    writeSync(descriptor, `${JSON.stringify({ at: now(), who, event, ...more })}\n`);
  };
}

export function openLedger(path) {
  execFileSync('mkfifo', [path]);
  // With a writer of our own it has no end before we close it.
  const descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  const events = [];
  const watchers = new Set();
  createInterface(socket).on('line', (line) => {
    events.push(JSON.parse(line));
    for (const watcher of watchers) watcher();
  });

  // Resolves with true as soon as `holds(events)`, with false when the time is over.
  function until(holds, deadlineMs) {
    if (holds(events)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (value) => {
        clearTimeout(timer);
        watchers.delete(watcher);
        resolve(value);
      };
      const timer = setTimeout(settle, deadlineMs, false);
      const watcher = () => {
        if (holds(events)) settle(true);
      };
      watchers.add(watcher);
    });
  }

  // Resolves when nothing has been written for so long.
  async function untilQuiet(quietMs) {
    for (let seen = events.length; ; seen = events.length) {
      const count = seen;
      if (!(await until(({ length }) => length > count, quietMs))) return;
    }
  }

  return { path, events, until, untilQuiet, close: () => socket.destroy() };
}
