// A network that can be cut both ways without either end being told: a namespace with a veth pair where
// we may make one, which is the kernel's own network; otherwise a relay in the harness that stops
// reading in both directions, so that what was sent arrives after the cut, as with TCP.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const kServerSide = '10.231.77.1';
const kClientSide = '10.231.77.2';

function ip(...args) {
  return spawnSync('ip', args, { stdio: 'ignore' }).status === 0;
}

// The host that the server must listen on is in `hosts`; `reach(port)` tells how a process comes to the
// server: the command that it is run by, host and port.
export function openNetwork() {
  return openNamespace() ?? relay();
}

function openNamespace() {
  const name = `sideloop-${process.pid}`;
  const [outer, inner] = [`sl${process.pid}a`, `sl${process.pid}b`].map((end) => end.slice(-15));
  const close = () => {
    ip('link', 'del', outer);
    ip('netns', 'del', name);
  };
  const isUp =
    ip('netns', 'add', name) &&
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner) &&
    ip('link', 'set', inner, 'netns', name) &&
    ip('addr', 'add', `${kServerSide}/24`, 'dev', outer) &&
    ip('link', 'set', outer, 'up') &&
    ip('netns', 'exec', name, 'ip', 'addr', 'add', `${kClientSide}/24`, 'dev', inner) &&
    ip('netns', 'exec', name, 'ip', 'link', 'set', inner, 'up');
  if (!isUp) {
    close();
    return undefined;
  }
  process.once('exit', close);
  return {
    how: 'a network namespace, its link taken down',
    hosts: [kServerSide],
    reach: (port) => ({ prefix: ['ip', 'netns', 'exec', name], host: kServerSide, port }),
    cut: () => ip('link', 'set', outer, 'down'),
    heal: () => ip('link', 'set', outer, 'up'),
    close() {
      process.off('exit', close);
      close();
    },
  };
}

function relay() {
  const pairs = new Set();
  let isCut = false;
  let target;
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.on('data', (chunk) => to.write(chunk)).on('error', () => {});
      from.on('close', () => {
        pairs.delete(pair);
        to.destroy();
      });
      if (isCut) from.pause();
    }
  });
  const sockets = () => [...pairs].flat();
  return {
    how: 'a relay that stops reading both ways',
    hosts: [],
    async reach(port) {
      target = port;
      if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
      return { prefix: [], host: '127.0.0.1', port: server.address().port };
    },
    cut() {
      isCut = true;
      for (const socket of sockets()) socket.pause();
    },
    heal() {
      isCut = false;
      for (const socket of sockets()) socket.resume();
    },
    close() {
      for (const socket of sockets()) socket.destroy();
      server.close();
    },
  };
}
