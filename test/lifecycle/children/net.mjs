// The ways in which a process or a Worker ends that has sockets, by name: `node net.mjs <name>`. The
// same file is the Worker.

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { EventLoop } from 'sideloop';
import { connect, createServer, Socket } from 'sideloop/net';

const name = isMainThread ? process.argv[2] : workerData.name;
const print = (value) => console.log(JSON.stringify(value));

/** A server that echoes, on a port of its own. */
async function listening(options = {}) {
  const server = createServer(options, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(data));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Sockets that send and hear without end; resolves when all of them have heard something. */
async function traffic(server, options = {}, count = 20) {
  const { port } = server.address();
  const sockets = Array.from({ length: count }, () =>
    connect({ port, host: '127.0.0.1', ...options }),
  );
  await Promise.all(
    sockets.map(async (socket, i) => {
      socket.on('error', () => {});
      socket.on('data', (data) => socket.write(data));
      socket.write(Buffer.alloc(i % 4 === 0 ? 200_000 : 100));
      await once(socket, 'data');
    }),
  );
  return sockets;
}

const onMain = {
  async idleServerHoldsTheProcess() {
    const server = await listening();
    // The timer holds nothing: it fires only because the server does.
    setTimeout(() => server.close(() => print('closed')), 50).unref();
  },

  async idleSocketHoldsTheProcess() {
    const server = (await listening()).unref();
    server.on('connection', (socket) => socket.unref());
    const socket = connect(server.address().port, '127.0.0.1');
    await once(socket, 'connect');
    setTimeout(() => {
      socket.destroy();
      print('destroyed');
    }, 50).unref();
  },

  async unreferencedOnesDoNot() {
    const server = (await listening()).unref();
    server.on('connection', (socket) => socket.unref());
    const socket = connect(server.address().port, '127.0.0.1').unref();
    const holds = setInterval(() => {}, 1000);
    await once(socket, 'connect');
    clearInterval(holds);
    print('connected');
  },

  async unreferencedLoopDoesNot() {
    const loop = new EventLoop();
    const server = await listening({ loop });
    await traffic(server, { loop }, 2);
    loop.unref();
    print('heard');
  },

  async endsByItself() {
    const server = await listening();
    const socket = connect(server.address().port, '127.0.0.1');
    socket.end('last words');
    socket.on('data', (data) => print(data.toString()));
    socket.on('close', () => server.close());
  },

  neverConnected() {
    new Socket().setTimeout(10_000);
    print('done');
  },

  async exitsInTraffic() {
    await traffic(await listening());
    setImmediate(() => process.exit(3));
  },

  async exitsInListener() {
    const [socket] = await traffic(await listening());
    socket.on('data', () => process.exit(4));
  },

  exitsWhileConnecting() {
    for (let i = 0; i < 8; i++) connect(1, i % 2 ? 'localhost' : '127.0.0.1').on('error', () => {});
    process.exit(5);
  },

  async flushesAtExit() {
    const [server, loop] = [await listening(), new EventLoop()];
    const socket = connect({ port: server.address().port, host: '127.0.0.1', loop });
    await once(socket, 'connect');
    // Staged in the last turn: the exit event hands it over, and the loop runs what it took.
    socket.write('x');
    print(loop.stats().postsAccepted);
    process.on('exit', () => print(loop.stats().postsAccepted));
    process.exit(6);
  },

  async throwsInListener() {
    process.on('uncaughtException', (error) => {
      print(error.message);
      process.exit(7);
    });
    const [socket] = await traffic(await listening());
    socket.on('data', () => {
      throw new Error('thrown on purpose');
    });
  },

  async stopsInTraffic() {
    const loop = new EventLoop();
    const server = await listening({ loop });
    const sockets = await traffic(server, { loop });
    const closed = Promise.all(
      sockets.map((socket) => new Promise((done) => socket.on('close', done))),
    );
    await loop.stop({ deadlineMs: 20 });
    await closed;
    print(sockets.length);
  },

  async destroysInListener() {
    const loop = new EventLoop();
    const sockets = await traffic(await listening({ loop }), { loop });
    const closed = Promise.all(
      sockets.map((socket) => new Promise((done) => socket.on('close', done))),
    );
    sockets[0].on('data', () => loop.destroy());
    await closed;
    print(sockets.length);
  },

  async collectsSockets() {
    const server = await listening();
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    await (async () => {
      const sockets = await traffic(server);
      for (const socket of sockets) registry.register(socket);
      for (const socket of sockets) socket.destroy();
      await Promise.all(sockets.map((socket) => once(socket, 'close')));
    })();
    // The last of them may still be on some stack.
    while (collected < 19) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    server.close(() => print('collected'));
  },

  async smallPiecesDoNotKeepTheirPass() {
    const server = createServer((socket) => socket.end('kept'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect(server.address().port, '127.0.0.1');
    const [data] = await once(socket, 'data');
    server.close();
    print([data.toString(), data.buffer.byteLength <= 16384]);
  },

  // Out of descriptors: the loop must not spin, and goes on when there are some again.
  async runsOutOfDescriptors() {
    const server = await listening();
    const { port } = server.address();
    const sockets = [];
    let failure;
    while (failure === undefined) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect').catch((error) => {
        failure = error.code;
      });
      // One of them is turned away where the connection is made and can't be accepted.
      socket
        .on('end', () => (failure ??= 'turned away'))
        .on('error', () => (failure ??= 'turned away'));
      await new Promise(setImmediate);
    }
    const before = EventLoop.shared().stats().iterations;
    // The measured window, not a wait for an event.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const passes = EventLoop.shared().stats().iterations - before;
    const open = sockets.filter((socket) => !socket.closed);
    const closed = open.map((socket) => new Promise((resolve) => socket.on('close', resolve)));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    const connections = () => new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
    while ((await connections()) > 0) await new Promise(setImmediate);
    const late = connect(port, '127.0.0.1');
    late.end('served again');
    const [data] = await once(late, 'data');
    server.close();
    late.destroy();
    print([['EMFILE', 'turned away'].includes(failure), passes < 100, data.toString()]);
    process.exit();
  },

  async workerReturns() {
    print(await start().done);
  },
  // The uncaught exceptions leave the socket as it is.
  async readsOnAfterThrows() {
    process.on('uncaughtException', () => {});
    const size = 4 << 20;
    let read = 0;
    const server = createServer((socket) => {
      socket.on('data', (data) => {
        read += data.length;
        if (read === size) {
          print('read all');
          socket.destroy();
          server.close();
        }
        throw new Error('thrown on purpose');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect(server.address().port, '127.0.0.1');
    socket.on('error', () => {});
    socket.end(Buffer.alloc(size));
  },
  // Nobody listens to the first one's.
  async tellsEachOfItsError() {
    const loop = new EventLoop();
    await loop.stop();
    const told = [];
    process.on('uncaughtException', () => told.push('uncaught'));
    createServer({ loop }).listen(0);
    const server = createServer({ loop }).listen(0);
    server.on('error', () => told.push('server'));
    const socket = connect({ loop, port: 1 });
    socket.on('error', () => told.push('socket'));
    await new Promise((resolve) => socket.on('close', resolve));
    print(told.sort());
  },
  async attachedWorkersAreTerminated() {
    const isLinux = process.platform === 'linux';
    const descriptors = () => (isLinux ? readdirSync('/proc/self/fd').length : 0);
    const loop = new EventLoop();
    const server = await listening({ loop });
    const mine = await traffic(server, { loop });
    const lost = [];
    for (const socket of mine) socket.on('close', () => lost.push(socket));
    const before = descriptors();
    for (let i = 0; i < 3; i++) {
      const workers = [0, 1].map(() => start({ handle: loop.handle, port: server.address().port }));
      const ports = await Promise.all(workers.map(async ({ said }) => (await said)[0]));
      // Connections to a Worker's server end with it.
      const theirs = await Promise.all(
        ports.map(async (port) => await traffic({ address: () => ({ port }) }, { loop }, 4)),
      );
      const ends = theirs
        .flat()
        .map((socket) => new Promise((resolve) => socket.on('close', resolve)));
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
      await Promise.all(ends);
    }
    // The Workers' ends of connections to the server here, as the server hears of them.
    const connections = () => new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
    while ((await connections()) > mine.length)
      await new Promise((resolve) => setTimeout(resolve, 5));
    while (descriptors() > before + 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all(mine.map((socket) => once(socket, 'data')));
    print(['mine go on', lost.length === 0]);
    await loop.stop();
  },
  async exitsWithAttachedWorkers() {
    const loop = new EventLoop();
    const server = await listening({ loop });
    const workers = [0, 1, 2].map(() =>
      start({ handle: loop.handle, port: server.address().port }),
    );
    await Promise.all(workers.map(({ said }) => said));
    process.exit(9);
  },
  async theOwnerIsTerminated() {
    const { worker, said } = start();
    const [handle] = await said;
    const loop = EventLoop.attach(handle);
    const server = await listening({ loop });
    const serverClosed = once(server, 'close');
    const sockets = await traffic(server, { loop });
    const closed = sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve)));
    await worker.terminate();
    await Promise.all([...closed, serverClosed]);
    print('closed');
  },
  async workerIsTerminated() {
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    for (let i = 0; i < 3; i++) {
      const { worker, done, said } = start();
      await said;
      await worker.terminate();
      await done;
    }
    // Those of the Worker's own loop close with it, a moment after its end at most.
    while (descriptors() > before + 2) await new Promise((resolve) => setTimeout(resolve, 5));
    print('closed');
  },
  async workersAreBusyAtExit() {
    const workers = Array.from({ length: 4 }, start);
    await Promise.all(workers.map(({ said }) => said));
    process.exit(8);
  },
};

function start(data = {}) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { name, ...data } });
  const said = once(worker, 'message');
  const done = new Promise((resolve) => worker.on('exit', resolve));
  worker.on('error', () => {});
  return { worker, done, said };
}

const inWorker = {
  async workerReturns() {
    const server = await listening();
    const sockets = await traffic(server, {}, 4);
    for (const socket of sockets) socket.destroy();
    server.close();
    parentPort.postMessage('heard');
  },
  async workerIsTerminated() {
    await traffic(await listening());
    parentPort.postMessage('heard');
  },
  async attachedWorkersAreTerminated() {
    const loop = EventLoop.attach(workerData.handle);
    const server = await listening({ loop });
    await traffic(server, { loop }, 4);
    await traffic({ address: () => ({ port: workerData.port }) }, { loop }, 4);
    parentPort.postMessage(server.address().port);
  },
  async theOwnerIsTerminated() {
    const loop = new EventLoop();
    await traffic(await listening({ loop }), { loop }, 4);
    parentPort.postMessage(loop.handle);
  },
};
inWorker.workersAreBusyAtExit = inWorker.workerIsTerminated;
inWorker.exitsWithAttachedWorkers = inWorker.attachedWorkersAreTerminated;

await (isMainThread ? onMain : inWorker)[name]();
