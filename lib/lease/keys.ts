// The names of all Redis keys of leases and queues, derived in one place: producers, consumers and leases must agree on
// them. Keys that one script touches share a hash tag, so that they are in one slot of a cluster.

import { SideloopTypeError } from '../errors.js';

/** The keys of one queue: of a stream, or of one partition of it. */
export interface QueueKeys {
  /** The streams, most urgent first: one without priorities, one for each level with them. */
  readonly streams: readonly string[];
  /** Sorted set of the delayed jobs; score: the due time in ms on the server's clock. */
  readonly delayed: string;
  /** The default stream of dead letters. */
  readonly dead: string;
  /** What remembers the job that was added with an idempotency key. */
  once(idempotencyKey: string): string;
  /** Hash of what became of deliveries that nobody settled, by entry id. */
  history(group: string): string;
  /** Whether a key is one of the queue's own, of whatever group, other than that of dead letters. */
  owns(key: string): boolean;
}

/** The keys beside a lease's own. */
export interface LeaseKeys {
  /** Counter of the fencing tokens. */
  readonly fence: string;
  /** Those who wait for the lease. */
  readonly queue: string;
  /** Whose turn it is among them. */
  readonly turn: string;
}

/**
 * The keys of a queue.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a name that can't be one.
 */
export function queueKeys(stream: string, priorities?: readonly string[]): QueueKeys {
  const tag = tagOf(stream, 'stream');
  checkLevels(priorities);
  const streams = priorities?.map((level) => `${tag}:${level}`) ?? [stream];
  const delayed = `${tag}:delayed`;
  return {
    streams,
    delayed,
    dead: `${tag}:dead`,
    once: (idempotencyKey) => `${tag}:once:${idempotencyKey}`,
    history: (group) => {
      checkGroup(group);
      return `${tag}:${group}:history`;
    },
    owns(key) {
      if (key === delayed || streams.includes(key)) return true;
      if (!key.startsWith(`${tag}:`)) return false;
      const rest = key.slice(tag.length + 1);
      return rest.startsWith('once:') || rest.endsWith(':history') || rest.includes(':acked@');
    },
  };
}

/**
 * The stream of one partition, to be passed to {@link queueKeys}.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a name that can't be one.
 */
export function partitionStream(stream: string, partition: string): string {
  checkName(stream, 'stream');
  // With a tag of its own all partitions would be in that tag's slot.
  if (/[{}]/.test(stream)) {
    throw wrong(
      'stream',
      `${quote(stream)} must hold no brace, as it has partitions: they become its hash tags`,
    );
  }
  checkName(partition, 'partitions');
  if (/[{}]/.test(partition)) {
    throw wrong('partitions', `${quote(partition)} must hold no brace, as it becomes a hash tag`);
  }
  return `${stream}:{${partition}}`;
}

/**
 * The keys that go with a lease on `key`.
 *
 * @throws SideloopTypeError `ERR_SIDELOOP_ARGUMENT` for a name that can't be one.
 */
export function leaseKeys(key: string): LeaseKeys {
  const tag = tagOf(key, 'key');
  return { fence: `${tag}:fence`, queue: `${tag}:queue`, turn: `${tag}:turn` };
}

/** The prefix that puts further keys into the slot of `name`. */
function tagOf(name: string, what: string): string {
  checkName(name, what);
  if (hasHashTag(name)) return name;
  // Within braces of ours, its own would end the tag early, and the keys would be in different slots.
  if (name.includes('}')) {
    throw wrong(
      what,
      `${quote(name)} holds a '}' without a hash tag; leave it out, or give the name a hash tag, such as {jobs}`,
    );
  }
  return `{${name}}`;
}

/** Redis Cluster hashes what is between the first opening brace and the first closing one behind it, unless that is empty. */
function hasHashTag(name: string): boolean {
  const open = name.indexOf('{');
  return open !== -1 && name.indexOf('}', open) > open + 1;
}

// A level's stream is named `<tag>:<level>`, as other keys are.
const TAKEN_LEVELS = new Set(['delayed', 'dead']);

function checkLevels(priorities: readonly string[] | undefined): void {
  if (priorities === undefined) return;
  if (!Array.isArray(priorities) || priorities.length === 0) {
    throw wrong('priorities', 'must be an array of one name or more, the most urgent first');
  }
  for (const level of priorities) {
    checkName(level, 'priorities');
    if (TAKEN_LEVELS.has(level) || level.includes(':')) {
      throw wrong('priorities', `${quote(level)} is taken: use no colon, 'delayed' or 'dead'`);
    }
  }
  if (new Set(priorities).size < priorities.length) {
    throw wrong('priorities', 'must name each level once');
  }
}

function checkGroup(group: string): void {
  checkName(group, 'group');
  if (/^once(:|$)/.test(group)) {
    throw wrong(
      'group',
      `${quote(group)} is taken: let it neither be 'once' nor begin with 'once:'`,
    );
  }
}

function checkName(name: string, what: string): void {
  if (typeof name !== 'string' || name === '') {
    throw wrong(what, `takes names that are strings, and not empty ones; ${quote(name)} is none`);
  }
}

function quote(name: unknown): string {
  return typeof name === 'string' ? `'${name}'` : String(name);
}

function wrong(what: string, rule: string): SideloopTypeError {
  return new SideloopTypeError('ERR_SIDELOOP_ARGUMENT', `${what}: ${rule}.`);
}
