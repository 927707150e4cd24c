// Who takes part. A lock is held by one process while a rival wants it; a queue gives its job to one of
// two processes. `adapter` is the module in locks/ or queues/.
export const contestants = [
  { id: 'sideloop-lease', title: 'sideloop Lease', kind: 'lock', adapter: 'sideloop' },
  { id: 'ioredis', title: 'ioredis + setInterval', kind: 'lock', adapter: 'ioredis' },
  { id: 'valkey-glide', title: 'GLIDE + setInterval', kind: 'lock', adapter: 'valkey-glide' },
  { id: 'redlock', title: 'redlock using()', kind: 'lock', adapter: 'redlock' },
  { id: 'sideloop-consumer', title: 'sideloop Consumer', kind: 'queue', adapter: 'sideloop' },
  { id: 'bullmq', title: 'BullMQ Worker', kind: 'queue', adapter: 'bullmq' },
  {
    id: 'bullmq-sandboxed',
    title: 'BullMQ, sandboxed',
    kind: 'queue',
    adapter: 'bullmq-sandboxed',
  },
  { id: 'ioredis-streams', title: 'streams by hand', kind: 'queue', adapter: 'ioredis-streams' },
  // A lock without renewal, to try the harness with.
  { id: 'naive', title: 'no renewal', kind: 'lock', adapter: 'naive', isHidden: true },
];

export function chosen(names) {
  for (const name of names ?? []) {
    if (!contestants.some(({ id }) => id === name)) {
      const known = contestants.map(({ id }) => id).join(', ');
      throw new Error(`No contestant '${name}'. Known: ${known}.`);
    }
  }
  return contestants.filter(({ id, isHidden }) => (names ? names.includes(id) : !isHidden));
}
