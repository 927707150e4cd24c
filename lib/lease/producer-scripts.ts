// The scripts of a producer. Each is one step at the server: nobody sees half of it.

import { Script } from './script.js';

// What both ways to add begin with. `once` is there if there is an idempotency key; it holds the id, and the tag of the add()
// that made it, by which a repeat after a lost reply tells its own work from a duplicate.
const KNOWN = `
local tag, dedupe, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
if once then
  local value = redis.call('GET', once)
  if value then
    local id, first = string.match(value, '^(%S+) (%S+)$')
    return {id or value, first == tag and 0 or 1}
  end
end
local function remember(id)
  if once then redis.call('SET', once, id .. ' ' .. tag, 'PX', dedupe) end
  return {id, 0}
end
`;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Adds a job that is due. KEYS: stream, [once]. ARGV: tag, dedupeMs, maxBacklog or -1, minAgeMs or -1, how many words trim, these
 * words, fields and values. Returns the id and 0: added, 1: known; or the stream's length and 2: full.
 */
export const ADD = new Script(`
local stream, once = KEYS[1], KEYS[2]
${KNOWN}
local age, words = tonumber(ARGV[4]), tonumber(ARGV[5])
if most >= 0 then
  local length = redis.call('XLEN', stream)
  if length >= most then return {length, 2} end
end
local entry = {}
for i = 6, 5 + words do entry[#entry + 1] = ARGV[i] end
if age >= 0 then
  ${NOW}
  entry[#entry + 1] = string.format('%.0f', math.max(0, now - age))
end
entry[#entry + 1] = '*'
for i = 6 + words, #ARGV do entry[#entry + 1] = ARGV[i] end
return remember(redis.call('XADD', stream, unpack(entry)))
`);

/**
 * Adds a job that is due later. KEYS: the first level's stream, delayed, [once]. ARGV: tag, dedupeMs, maxBacklog or -1, delayMs or
 * '', due time or '', the stream of the job's level, fields and values. Returns as ADD does; the id is `<due>-<tag>`. Where the job
 * is the first to come due, a marker in the stream has one consumer learn of that. It goes first: if it can't, nothing was added.
 * A marker that is the stream's last entry will do: whoever has it deletes it before it looks for jobs that are due.
 */
export const ADD_DELAYED = new Script(`
local first, delayed, once = KEYS[1], KEYS[2], KEYS[3]
${KNOWN}
if most >= 0 then
  local length = redis.call('ZCARD', delayed)
  if length >= most then return {length, 2} end
end
${NOW}
local due = ARGV[4] ~= '' and now + tonumber(ARGV[4]) or tonumber(ARGV[5])
local score = string.format('%.0f', due)
local id = score .. '-' .. tag
local fields = {}
for i = 7, #ARGV do fields[#fields + 1] = ARGV[i] end
local earliest = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
if not earliest or due < tonumber(earliest) then
  local last = redis.call('XREVRANGE', first, '+', '-', 'COUNT', 1)[1]
  if not (last and #last[2] == 2 and last[2][1] == 'sideloop' and last[2][2] == 'wake') then
    redis.call('XADD', first, '*', 'sideloop', 'wake')
  end
end
redis.call('ZADD', delayed, score, cmsgpack.pack({id, ARGV[6], fields, ''}))
return remember(id)
`);

/**
 * Takes a delayed job back. KEYS: delayed. ARGV: the id, the due time in it. Returns 1, or 0 where it is not there. Jobs due in the
 * same ms are in the order of their bytes, and the first bytes are the id: it is looked for by halves.
 */
export const CANCEL = new Script(`
local delayed, due = KEYS[1], ARGV[2]
local wanted = string.char(148) .. cmsgpack.pack(ARGV[1])
local function compare(member)
  for i = 1, #wanted do
    local difference = (string.byte(member, i) or -1) - string.byte(wanted, i)
    if difference ~= 0 then return difference end
  end
  return 0
end
local low = redis.call('ZCOUNT', delayed, '-inf', '(' .. due)
local high = low + redis.call('ZCOUNT', delayed, due, due)
while low < high do
  local middle = math.floor((low + high) / 2)
  local member = redis.call('ZRANGE', delayed, middle, middle)[1]
  local order = compare(member)
  if order == 0 then return redis.call('ZREM', delayed, member) end
  if order < 0 then low = middle + 1 else high = middle end
end
return 0
`);
