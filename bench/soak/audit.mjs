// The books at the end, from the server alone: every job is in the stream once, nothing is undelivered,
// pending, delayed or dead, and every job has begun at least once.
import { explain, readCounts, readJobs, readViolations } from './ledger.mjs';

const kPage = 5000;
const kMostExecutions = 8;

async function groupOf(redis, { stream }, group) {
  const groups = await redis.call('XINFO', 'GROUPS', stream).catch(() => []);
  const fields = groups.find((one) => one[one.indexOf('name') + 1] === group) ?? [];
  const [last] = await redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1);
  return {
    pending: fields[fields.indexOf('pending') + 1],
    isAllDelivered: fields[fields.indexOf('last-delivered-id') + 1] === last?.[0],
  };
}

// What keeps the queue from being empty, in words; nothing if it is.
export async function whatIsLeft(redis, keys, group) {
  const { pending, isAllDelivered } = await groupOf(redis, keys, group);
  const delayed = keys.delayed ? await redis.call('ZCARD', keys.delayed) : 0;
  const left = [];
  if (pending > 0) left.push(`${pending} pending`);
  if (!isAllDelivered) left.push('entries that were never delivered');
  if (delayed > 0) left.push(`${delayed} delayed`);
  return left.length === 0 ? undefined : left.join(', ');
}

// The metadata of an entry that is not the first of its job, or that is no job at all.
function isFirstEntry(fields) {
  const index = fields.findIndex((name, at) => at % 2 === 0 && name === 'sideloop');
  if (index === -1) return true;
  if (fields[index + 1] === 'wake') return false;
  const { attempt } = JSON.parse(fields[index + 1]);
  return attempt === 0;
}

async function countAdded(redis, { stream }, jobs) {
  const added = new Uint8Array(jobs);
  let after = '-';
  for (;;) {
    const entries = await redis.call('XRANGE', stream, after, '+', 'COUNT', kPage);
    for (const [, fields] of entries) {
      if (!isFirstEntry(fields)) continue;
      const number = Number(fields[fields.indexOf('number') + 1]);
      if (added[number] < 255) added[number]++;
    }
    if (entries.length < kPage) return added;
    after = `(${entries.at(-1)[0]}`;
  }
}

export async function audit(redis, { keys, jobs }) {
  const violations = await readViolations(redis);
  const added = await countAdded(redis, keys, jobs);
  const executions = Array(kMostExecutions + 1).fill(0);
  let notedAcks = 0;
  const reruns = [];
  const explained = {};
  await readJobs(redis, jobs, (number, tokens, isAcked) => {
    const times = tokens.length;
    if (times > 1) reruns.push([number, tokens]);
    executions[Math.min(times, kMostExecutions)]++;
    if (isAcked) notedAcks++;
    if (times === 0) violations.push(`job ${number} was never begun`);
    if (added[number] !== 1) violations.push(`job ${number} was added ${added[number]} times`);
  });
  await explain(redis, reruns, (number, token, words) => {
    if (words !== undefined) explained[words] = (explained[words] ?? 0) + 1;
    else violations.push(`job ${number} was begun again while token ${token} held it`);
  });
  const dead = keys.dead ? await redis.call('XLEN', keys.dead) : 0;
  if (dead > 0) violations.push(`${dead} jobs are in the dead-letter stream`);
  return { violations, executions, explained, notedAcks, counts: await readCounts(redis) };
}
