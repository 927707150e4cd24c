// Who takes part. A lock is held by one process while a rival wants it; a queue gives its job to one of
// two processes. `adapter` is the module in locks/ or queues/.
export const contestants = [
  { id: 'sideloop-lease', kind: 'lock', adapter: 'sideloop' },
  { id: 'ioredis', kind: 'lock', adapter: 'ioredis' },
  { id: 'valkey-glide', kind: 'lock', adapter: 'valkey-glide' },
  { id: 'redlock', kind: 'lock', adapter: 'redlock' },
  { id: 'sideloop-consumer', kind: 'queue', adapter: 'sideloop' },
  { id: 'bullmq', kind: 'queue', adapter: 'bullmq' },
  { id: 'bullmq-sandboxed', kind: 'queue', adapter: 'bullmq-sandboxed' },
  { id: 'ioredis-streams', kind: 'queue', adapter: 'ioredis-streams' },
  // A lock without renewal, to try the harness with.
  { id: 'naive', kind: 'lock', adapter: 'naive', isHidden: true },
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
