// The suites in C++. They exist to tell what the loop itself costs from what Node costs: posts
// against boost::asio::post, wake-ups against a bare eventfd, commands against hiredis on libuv.
// One binary for each suite; --contestant selects who runs, and each run is a process of its own.
import { fileURLToPath } from 'node:url';
import { measureInChild } from '../child.mjs';
import { keyspace } from '../keyspace.mjs';
import { seed } from '../redis-server.mjs';

export const buildFolder = fileURLToPath(new URL('../../out/bench/native/', import.meta.url));
const kTimeoutMs = 60_000;
const placements = {
  two: 'the loop on a CPU of its own',
  one: 'all on one CPU',
  any: 'unpinned',
};

function run(binary, args) {
  return measureInChild(`${buildFolder}${binary}`, args.map(String), kTimeoutMs);
}

export const posts = {
  name: 'posts',
  about: 'C++: jobs posted from several threads to one loop, each incrementing a counter',
  needsNative: true,
  contestants: ['sideloop', 'boost-asio'],
  metrics: [
    { key: 'postsPerSecond', title: 'posts/s', better: 'higher' },
    { key: 'totalMicros', title: 'total us/post', better: 'lower' },
  ],
  cases: () =>
    ['two', 'one', 'any'].flatMap((placement) =>
      [1, 2, 4].map((producers) => ({
        id: `producers-${producers}-${placement}`,
        title: `${producers} producer${producers > 1 ? 's' : ''}, ${placements[placement]}`,
        producers,
        placement,
      })),
    ),
  measure: ({ producers, placement }, contestant, { quick }) =>
    run('bench_posts', [contestant, producers, quick ? 500_000 : 2_000_000, placement]),
};

export const wakes = {
  name: 'wakes',
  about: 'C++: from the post to an idle loop until its job runs',
  needsNative: true,
  contestants: ['sideloop', 'bare-eventfd', 'bare-uv-async', 'boost-asio', 'boost-asio-epoll'],
  metrics: [
    { key: 'p50Micros', title: 'p50 us', better: 'lower' },
    { key: 'p99Micros', title: 'p99 us', better: 'lower' },
  ],
  // Where both may share a CPU the reply preempts the loop before it sleeps: the pause lets it. The
  // binary fails a run whose pings did not find the loop asleep.
  cases: () => [
    { id: 'two-cpus', title: 'poster and loop on two CPUs', placement: 'two', pauseMicros: 0 },
    { id: 'one-cpu', title: 'poster and loop on one CPU', placement: 'one', pauseMicros: 50 },
    { id: 'any-cpu', title: 'poster and loop unpinned', placement: 'any', pauseMicros: 50 },
  ],
  measure: ({ placement, pauseMicros }, contestant, { quick }) =>
    run('bench_wakes', [contestant, quick ? 2000 : 10_000, pauseMicros, placement]),
};

export const gets = {
  name: 'gets',
  about: 'C++: GET of 16 bytes on one connection, closed loop, no JavaScript',
  needsNative: true,
  needsServer: true,
  contestants: ['sideloop', 'hiredis-libuv', 'hiredis-libuv-preformatted'],
  metrics: [
    { key: 'opsPerSecond', title: 'op/s', better: 'higher' },
    { key: 'totalMicros', title: 'total us/op', better: 'lower' },
    { key: 'p50Micros', title: 'p50 us', better: 'lower' },
    { key: 'p99Micros', title: 'p99 us', better: 'lower' },
  ],
  cases: () =>
    [1, 10, 100, 1000].map((inFlight) => ({
      id: `get-16-${inFlight}`,
      title: `GET of 16 bytes, ${inFlight} in flight`,
      inFlight,
    })),
  async measure({ inFlight }, contestant, { port, seconds }) {
    const { keys, values } = keyspace('get', 16);
    await seed(port, keys, values);
    return run('bench_gets', [contestant, port, inFlight, seconds]);
  },
};
