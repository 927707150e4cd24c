// Renewals as the server saw them, with its own clock. A connection of the harness runs MONITOR: with the
// some hundred short commands a second that a trial makes it costs the server nothing that shows, the
// stamp is taken in the server and not in a process that may have to wait for a CPU, and a script's
// commands are told only where they are really executed, so a refused renewal is none.
import { connectBare } from '../bare-redis.mjs';

// A PEXPIRE says nothing about whose key it is.
export const whoeverHolds = 'whoever holds it';

const kLine = /^(\d+\.\d+) \[\d+ ([^\]]+)\] (.*)$/s;

function wordsOf(text) {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word]) => word);
}

// Who holds the lease after this command, or nothing where it touches none. Only scripts renew and
// grant, but for plain SET NX PX and the XCLAIM of a stream's consumer.
function holderAfter(words, source) {
  const [name, key, ...rest] = words;
  if (name === undefined || rest.includes('rival')) return undefined;
  switch (name.toUpperCase()) {
    case 'PEXPIRE':
      return source === 'lua' ? { key, holder: whoeverHolds } : undefined;
    case 'SET':
      return rest.some((word) => word.toUpperCase() === 'PX') && source === 'lua'
        ? { key, holder: rest[0] }
        : undefined;
    case 'XCLAIM':
      return rest.includes('RETRYCOUNT') ? undefined : { key, holder: rest[1] };
    default:
      return undefined;
  }
}

// `touches` are { at, key, holder }, `at` in ms of the wall clock.
export async function watchServer(port) {
  const touches = [];
  const connection = await connectBare(port, {
    onLine(line) {
      const [, seconds, source, command] = kLine.exec(line) ?? [];
      if (command === undefined) return;
      const touch = holderAfter(wordsOf(command), source);
      if (touch) touches.push({ at: Number(seconds) * 1000, ...touch });
    },
  });
  await connection.call('MONITOR');
  return { touches, close: connection.close };
}
