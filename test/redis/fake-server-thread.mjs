// The fake server itself, in a Worker: it goes on while the thread of the test is blocked.

import { createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** By upper-case name of the command; see FakeAnswer in fake-server.ts. */
let answers = workerData.answers;
const sockets = [];

const server = createServer((socket) => {
  const connection = sockets.push(socket) - 1;
  let unread = Buffer.alloc(0);
  let greeted = false;
  parentPort.postMessage({ event: 'connect', connection });
  socket.on('error', () => {});
  socket.on('close', () => parentPort.postMessage({ event: 'close', connection }));
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    for (;;) {
      const command = readCommand(unread);
      if (command === undefined) break;
      unread = unread.subarray(command.size);
      const { args } = command;
      if (!greeted && args[0] === 'PING') {
        greeted = true;
        args[0] = 'GREETING';
      }
      parentPort.postMessage({ event: 'command', connection, args });
      answer(socket, args);
    }
  });
});

server.listen(workerData.port, '127.0.0.1', () =>
  parentPort.postMessage({ event: 'listening', port: server.address().port }),
);

parentPort.on('message', ({ id, action, connection, value }) => {
  if (action === 'answer') answers = { ...answers, ...value };
  if (action === 'write') sockets[connection].write(value);
  if (action === 'drop') sockets[connection].destroy();
  parentPort.postMessage({ event: 'done', id });
});

function answer(socket, args) {
  const chosen = answers[args[0].toUpperCase()];
  if (chosen === undefined) return;
  const {
    reply,
    afterMs = 0,
    drop = false,
  } = typeof chosen === 'string' ? { reply: chosen } : chosen;
  const act = () => {
    if (reply !== undefined) socket.write(reply);
    if (drop) socket.destroySoon();
  };
  if (afterMs > 0) setTimeout(act, afterMs);
  else act();
}

/** The command at the start of the bytes, once all of it is there: an array of bulk strings. */
function readCommand(bytes) {
  let at = 0;
  const line = () => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const head = line();
  if (head === undefined) return undefined;
  const args = [];
  for (let left = Number(head.slice(1)); left > 0; left--) {
    const length = line();
    if (length === undefined) return undefined;
    const end = at + Number(length.slice(1));
    if (end + 2 > bytes.length) return undefined;
    args.push(bytes.toString('utf8', at, end));
    at = end + 2;
  }
  return { args, size: at };
}
