// What handlers did, written down at the server by scripts of the harness, so that the order is the
// server's. A hundred jobs share one small hash; a job's line is `tokens begun;token acked`.
//
// A violation is what no correct consumer can bring about: an ack accepted although a later token has
// begun, a token that begins after an accepted ack, two accepted acks, one token begun twice. In which
// order the two notes of such a pair arrive makes no difference.
import { connectBare } from '../bare-redis.mjs';

const kJobsInHash = 100;
const kViolations = 'ledger:violations';
const kCounts = 'ledger:counts';

const kBegun = `
local line = redis.call('HGET', KEYS[1], ARGV[1]) or ';'
local begun, acked = string.match(line, '^(.*);(.*)$')
local token = ARGV[2]
local wrong
if acked ~= '' then wrong = 'begun after an ack with token ' .. acked .. ' was accepted' end
for earlier in string.gmatch(begun, '%d+') do
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
if acked ~= '' then wrong = 'a second ack was accepted, the first had token ' .. acked end
for other in string.gmatch(begun, '%d+') do
  if tonumber(other) > tonumber(token) then
    wrong = 'a stale ack was accepted, token ' .. other .. ' has begun'
  end
end
redis.call('HSET', KEYS[1], ARGV[1], begun .. ';' .. token)
if wrong then redis.call('RPUSH', KEYS[2], 'job ' .. ARGV[3] .. ', token ' .. token .. ': ' .. wrong) end
return wrong and 1 or 0`;

const hashOf = (number) => `ledger:jobs:${Math.floor(number / kJobsInHash)}`;

// `path` is that of the server's Unix socket: what comes over it is left alone by the faults.
export async function openLedger(path) {
  const redis = await connectBare(path);
  const note = (script, number, token) => {
    const line = number % kJobsInHash;
    return redis.call('EVAL', script, 2, hashOf(number), kViolations, line, token, number);
  };
  return {
    begun: (number, token) => note(kBegun, number, token),
    acked: (number, token) => note(kAcked, number, token),
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

// Calls back with (number, executions, whether an ack was noted) for each job up to `jobs`.
export async function readJobs(redis, jobs, onJob) {
  for (let first = 0; first < jobs; first += kJobsInHash) {
    const flat = await redis.call('HGETALL', hashOf(first));
    const lines = new Map();
    for (let index = 0; index < flat.length; index += 2) {
      lines.set(Number(flat[index]), flat[index + 1]);
    }
    for (let line = 0; line < Math.min(kJobsInHash, jobs - first); line++) {
      const [begun, acked] = (lines.get(line) ?? ';').split(';');
      onJob(first + line, begun === '' ? 0 : begun.split(',').length, acked !== '');
    }
  }
}
