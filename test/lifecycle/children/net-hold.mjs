// What holds a process that has sockets or servers: `node net-hold.mjs <module> <name> <ports>`, where `module` is node:net or
// sideloop/net. The peers are in the process of the test, so that nothing of them holds this one.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const [, , moduleName, name, portsText] = process.argv;
const net = await import(moduleName);
const ports = JSON.parse(portsText);
const print = (text) => console.log(text);

async function connected(kind, options = {}) {
  const socket = net.connect({ port: ports[kind], host: '127.0.0.1', ...options });
  await once(socket, 'connect');
  return socket;
}

async function listening(options = {}) {
  const server = net.createServer(options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A client in a process of its own, which holds its end open until it is killed; and so it is when this process ends. */
function client(port, first) {
  const code = `const s = require('node:net').connect(${port}, '127.0.0.1'); s.on('error', () => {}); ${first}
    process.stdin.on('end', () => process.exit()).resume();`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.unref();
  child.stdin.unref();
}

const cases = {
  async pausedBeforeItConnects() {
    const socket = net.connect(ports.silent, '127.0.0.1');
    socket.pause();
    await once(socket, 'connect');
    print('connected');
  },
  async pausedByItsListener() {
    const socket = await connected('sendsMuch');
    // As in node:net, reading stops when the stream's buffer is full.
    socket.on('data', () => {
      if (!socket.isPaused()) print('paused');
      socket.pause();
    });
  },
  async unreadMuch() {
    await connected('sendsMuch');
    print('connected');
  },
  async unreadBeforeTheEnd() {
    await connected('sendsOneAndEnds');
    print('connected');
  },
  async unreadMuchBeforeTheEnd() {
    await connected('sendsMuchAndEnds');
    print('connected');
  },
  async pausedConnectionOfAServer() {
    const server = await listening({ pauseOnConnect: true });
    client(server.address().port, '');
    await once(server, 'connection');
    server.close();
    print('accepted');
  },
  async unreadConnectionOfAServer() {
    const server = await listening();
    client(server.address().port, "s.end('x');");
    await once(server, 'connection');
    server.close();
    print('accepted');
  },
  async unreferencedServerBeforeItListens() {
    net
      .createServer()
      .listen(0, '127.0.0.1', () => print('listening'))
      .unref();
  },
  async unreferencedServerByName() {
    net
      .createServer()
      .listen(0, 'localhost', () => print('listening'))
      .unref();
  },
  async serverUnreferencedBeforeListen() {
    net
      .createServer()
      .unref()
      .listen(0, '127.0.0.1', () => print('listening'));
  },
  async unreferencedServerThatFails() {
    const server = net.createServer().unref();
    server.on('error', (error) => print(error.code));
    server.listen(1, '192.0.2.1');
  },
  async unreferencedServerThatCloses() {
    const server = net.createServer();
    server.listen(0, '127.0.0.1', () => server.unref().close(() => print('closed')));
  },
  async unreferencedWhileItConnects() {
    net
      .connect(ports.silent, '127.0.0.1')
      .unref()
      .on('connect', () => print('connected'));
  },
  async unreferencedWhileItFails() {
    net
      .connect(ports.refused, '127.0.0.1')
      .unref()
      .on('error', (error) => print(error.code));
  },
  async unreferencedWithBytesToSend() {
    const socket = (await connected('readsLate')).unref();
    socket.write(Buffer.alloc(20_000_000), () => print('written'));
  },
  async pausedWithBytesToSend() {
    const socket = net.connect(ports.readsLate, '127.0.0.1');
    socket.pause();
    await once(socket, 'connect');
    socket.write(Buffer.alloc(20_000_000), () => print('written'));
  },
  async heldByReading() {
    const socket = await connected('sendsLater');
    socket.once('data', () => {
      print('heard');
      socket.destroy();
    });
  },
  async heldByBeingUnread() {
    const socket = await connected('closesLater');
    socket.on('close', () => print('closed'));
  },
  async heldAgainByResume() {
    const socket = await connected('sendsLater');
    socket.pause();
    await new Promise(setImmediate);
    socket.on('data', () => {
      print('heard');
      socket.destroy();
    });
    socket.resume();
  },
};

await cases[name]();
