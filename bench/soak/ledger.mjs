// What handlers did, written down at the server by scripts of the harness, so that the order is the
// server's. A hundred jobs share one small hash; a job's line is `tokens begun;token acked`.
//
// A violation is what no correct consumer can bring about: an ack accepted although a later token has
// begun, a token that begins after an accepted ack, two accepted acks, one token begun twice. In which
// order the two notes of such a pair arrive makes no difference. A note that found no server is late: that an earlier token
// has begun says nothing then of when it has.
//
// An execution above one is explained by how the one before it ended: the handler failed it, its ack was refused or its answer
// lost, or its worker was killed. One that nothing explains ran while the job was held, and is a violation too.
import { lastingConnection } from './lasting.mjs';

const kJobsInHash = 100;
const kViolations = 'ledger:violations';
const kKilled = 'ledger:killed';
const kCounts = 'ledger:counts';

const kBegun = `
local line = redis.call('HGET', KEYS[1], ARGV[1]) or ';'
local begun, acked = string.match(line, '^(.*);(.*)$')
local token = ARGV[2]
local wrong
redis.call('HSET', KEYS[3], ARGV[1] .. ':' .. token, ARGV[5])
local is_late = ARGV[6] == '1' and acked ~= '' and tonumber(token) < tonumber(acked)
if acked ~= '' and not is_late then wrong = 'begun after an ack with token ' .. acked .. ' was accepted' end
for earlier in string.gmatch(begun, '%d+') do
  if earlier == token and ARGV[4] == '1' then return 0 end
  if earlier == token then wrong = 'this token has begun before' end
end
redis.call('HSET', KEYS[1], ARGV[1], (begun == '' and token or begun .. ',' .. token) .. ';' .. acked)
if wrong then redis.call('RPUSH', KEYS[2], 'job ' .. ARGV[3] .. ', token ' .. token .. ': ' .. wrong) end
return wrong and 1 or 0`;

const kAcked = `
local line = redis.call('HGET', KEYS[1], ARGV[1]) or ';'
local begun, acked = string.match(line, '^(.*);(.*)$')
local token = ARGV[2]
local wrong
if acked == token and ARGV[4] == '1' then return 0 end
if acked ~= '' then wrong = 'a second ack was accepted, the first had token ' .. acked end
for other in string.gmatch(begun, '%d+') do
  if tonumber(other) > tonumber(token) then
    wrong = 'a stale ack was accepted, token ' .. other .. ' has begun'
  end
end
redis.call('HSET', KEYS[1], ARGV[1], begun .. ';' .. token)
if wrong then redis.call('RPUSH', KEYS[2], 'job ' .. ARGV[3] .. ', token ' .. token .. ': ' .. wrong) end
return wrong and 1 or 0`;

const hashOf = (number, what = 'jobs') => `ledger:${what}:${Math.floor(number / kJobsInHash)}`;

// Of the worker of that name. The answer to a note may be lost with the server: then it is noted again, and says so.
export function openLedger(path, worker) {
  const redis = lastingConnection(path);
  const note = (script, number, token) => {
    const line = number % kJobsInHash;
    const keys = [hashOf(number), kViolations, hashOf(number, 'holders')];
    return redis.ask((isAgain, isLate) => [
      ...['EVAL', script, keys.length, ...keys, line, token, number],
      ...[isAgain ? 1 : 0, worker, isLate ? 1 : 0],
    ]);
  };
  return {
    begun: (number, token) => note(kBegun, number, token),
    acked: (number, token) => note(kAcked, number, token),
    // How the execution ended where no ack of it was accepted.
    ended: (number, token, how) =>
      redis.call('HSET', hashOf(number, 'ends'), `${number % kJobsInHash}:${token}`, how),
    count: (what) => redis.call('HINCRBY', kCounts, what, 1),
    violation: (what) => redis.call('RPUSH', kViolations, what),
    close: redis.close,
  };
}

export async function readViolations(redis) {
  return redis.call('LRANGE', kViolations, 0, -1);
}

export async function readCounts(redis) {
  const flat = await redis.call('HGETALL', kCounts);
  const pairs = [];
  for (let index = 0; index < flat.length; index += 2) {
    pairs.push([flat[index], Number(flat[index + 1])]);
  }
  return Object.fromEntries(pairs);
}

export const noteKill = (redis, worker) => redis.call('SADD', kKilled, worker);

const mapOf = (flat) => {
  const map = new Map();
  for (let index = 0; index < flat.length; index += 2) map.set(flat[index], flat[index + 1]);
  return map;
};

// How each execution but the last ended, for those of the jobs in `reruns`, which are [number, tokens]. Calls back with
// (number, token, words), without words where nothing explains it.
export async function explain(redis, reruns, onEnd) {
  const killed = new Set(await redis.call('SMEMBERS', kKilled));
  const books = new Map();
  const bookOf = async (key) => {
    if (!books.has(key)) books.set(key, mapOf(await redis.call('HGETALL', key)));
    return books.get(key);
  };
  for (const [number, tokens] of reruns) {
    const ends = await bookOf(hashOf(number, 'ends'));
    const holders = await bookOf(hashOf(number, 'holders'));
    const inOrder = tokens.map(Number).sort((a, b) => a - b);
    for (const token of inOrder.slice(0, -1)) {
      const line = `${number % kJobsInHash}:${token}`;
      const wasKilled = killed.has(holders.get(line)) ? 'its worker was killed' : undefined;
      onEnd(number, token, ends.get(line) ?? wasKilled);
    }
  }
}

// Calls back with (number, tokens begun, whether an ack was noted) for each job up to `jobs`.
export async function readJobs(redis, jobs, onJob) {
  for (let first = 0; first < jobs; first += kJobsInHash) {
    const flat = await redis.call('HGETALL', hashOf(first));
    const lines = new Map();
    for (let index = 0; index < flat.length; index += 2) {
      lines.set(Number(flat[index]), flat[index + 1]);
    }
    for (let line = 0; line < Math.min(kJobsInHash, jobs - first); line++) {
      const [begun, acked] = (lines.get(line) ?? ';').split(';');
      onJob(first + line, begun === '' ? [] : begun.split(','), acked !== '');
    }
  }
}
