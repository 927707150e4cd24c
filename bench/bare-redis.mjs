// The harness's own connection to a server: nothing that a contestant is checked against, or that a
// ledger says, was written or read by a contestant. RESP2, one reply for each command, in order.
import { once } from 'node:events';
import { connect } from 'node:net';

const kCarriageReturn = 13;

function bulkCommand(parts) {
  return parts.reduce((text, part) => {
    const value = String(part);
    return `${text}$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  }, `*${parts.length}\r\n`);
}

// Reads one reply at `position`. Nothing, if not all of it has arrived.
function readReply(bytes, position) {
  const end = bytes.indexOf(kCarriageReturn, position);
  if (end === -1 || end + 1 >= bytes.length) return undefined;
  const kind = String.fromCharCode(bytes[position]);
  const text = bytes.toString('utf8', position + 1, end);
  const next = end + 2;
  if (kind === '+') return { value: text, next };
  if (kind === '-') return { value: new Error(text), next };
  if (kind === ':') return { value: Number(text), next };
  const length = Number(text);
  if (length === -1) return { value: null, next };
  return kind === '$' ? readBulk(bytes, next, length) : readArray(bytes, next, length);
}

function readBulk(bytes, position, length) {
  const next = position + length + 2;
  if (next > bytes.length) return undefined;
  return { value: bytes.toString('utf8', position, position + length), next };
}

function readArray(bytes, position, length) {
  const value = [];
  let next = position;
  for (let index = 0; index < length; index++) {
    const element = readReply(bytes, next);
    if (element === undefined) return undefined;
    value.push(element.value);
    next = element.next;
  }
  return { value, next };
}

// `call` rejects with what the server says, and with the connection's end. `onLine` gets the replies
// that nobody has asked for: those of MONITOR.
// `at` is a port, or the path of a Unix socket.
export async function connectBare(at, { host = '127.0.0.1', onLine } = {}) {
  const socket = typeof at === 'number' ? connect(at, host).setNoDelay(true) : connect(at);
  await once(socket, 'connect');
  const pending = [];
  let bytes = Buffer.alloc(0);
  let ended;

  socket.on('data', (chunk) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    let position = 0;
    for (let reply = readReply(bytes, 0); reply; reply = readReply(bytes, position)) {
      position = reply.next;
      const waiting = pending.shift();
      if (waiting === undefined) onLine?.(reply.value);
      else if (reply.value instanceof Error) waiting.reject(reply.value);
      else waiting.resolve(reply.value);
    }
    bytes = bytes.subarray(position);
  });
  const end = (error) => {
    ended ??= error ?? new Error('The connection of the harness has ended.');
    for (const { reject } of pending.splice(0)) reject(ended);
  };
  socket.on('error', end).on('close', () => end());

  function call(...parts) {
    if (ended) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      pending.push({ resolve, reject });
      socket.write(bulkCommand(parts));
    });
  }
  return {
    call,
    id: () => call('CLIENT', 'ID'),
    close: () => socket.destroy(),
  };
}
