// Thread: any. What a consumer asks of the server in one atomic step.
//
// An entry's lease is its place in the group's pending list: its owner and the number of its
// deliveries. Each script looks at both, and touches nothing where one of them is not ours.
#pragma once

#include <string>
#include <string_view>

#include "lease/entry_lua.h"

namespace sideloop::lease {

// KEYS: stream. ARGV: group, consumer, then for each entry: id, deliveries, idle time in ms to go
// on from. Returns for each 1 where it is ours and renewed, else 0.
inline constexpr std::string_view kRenewEntries = R"lua(
local out = {}
for i = 3, #ARGV, 3 do
  local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if p.err then
    if not string.find(p.err, 'NOGROUP', 1, true) then return p end
    p = {}
  end
  local ours = 0
  if p[1] and p[1][2] == ARGV[2] and p[1][4] == tonumber(ARGV[i + 1]) then
    local c = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[i + 2], 'JUSTID')
    if c[1] then ours = 1 end
  end
  out[#out + 1] = ours
end
return out
)lua";

// KEYS: stream, history. ARGV: group, consumer, 1 to delete the entries too, then for each: id,
// deliveries. Returns for each 1: acked; 0: another's; -1: not pending at all.
inline constexpr std::string_view kAckEntries = R"lua(
local ids, again, out = {}, {}, {}
for i = 4, #ARGV, 2 do
  local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if p.err then
    if not string.find(p.err, 'NOGROUP', 1, true) then return p end
    p = {}
  end
  local e, result = p[1], -1
  if e then
    result = 0
    if e[2] == ARGV[2] and e[4] == tonumber(ARGV[i + 1]) then
      result = 1
      ids[#ids + 1] = ARGV[i]
      if e[4] > 1 then again[#again + 1] = ARGV[i] .. '@' .. KEYS[1] end
    end
  end
  out[#out + 1] = result
end
if #ids > 0 then
  redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
  if ARGV[3] == '1' then redis.call('XDEL', KEYS[1], unpack(ids)) end
end
if #again > 0 then redis.call('HDEL', KEYS[2], unpack(again)) end
return out
)lua";

// KEYS: stream, history, dead letters, delayed jobs, most urgent stream. ARGV: group, consumer, 1
// to delete, id, deliveries, most attempts, delay in ms, words of the error, 1: no more attempts.
// Returns 1: to be tried again; 2: a dead letter; 0: another's; -1: not pending at all, or deleted.
inline constexpr std::string_view kFailEntryLua = R"lua(
local key, group, me, id = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local p = redis.pcall('XPENDING', key, group, id, id, 1)
if p.err then
  if string.find(p.err, 'NOGROUP', 1, true) then return -1 end
  return p
end
if not p[1] then return -1 end
if p[1][2] ~= me or p[1][4] ~= tonumber(ARGV[5]) then return 0 end
local entry = redis.call('XRANGE', key, id, id)[1]
-- Without its entry there is nothing left to try again.
local result = entry and 1 or -1
if entry then
  local fields, m = split(entry[2])
  local attempt = (tonumber(m.attempt) or 0) + p[1][4]
  local lines = history_of(m, redis.call('HGET', KEYS[2], id .. '@' .. key))
  lines[#lines + 1] = {attempt = attempt, consumer = me, at = now_ms(), error = ARGV[8]}
  local job = m.id or id
  local meta = meta_of(job, attempt, lines)
  if ARGV[9] == '1' or attempt >= tonumber(ARGV[6]) then
    result = 2
    fields[#fields + 1] = 'sideloop'; fields[#fields + 1] = meta
    redis.call('XADD', KEYS[3], '*', unpack(fields))
  elseif tonumber(ARGV[7]) > 0 then
    local member = cmsgpack.pack({job, key, fields, meta})
    redis.call('ZADD', KEYS[4], string.format('%.0f', now_ms() + tonumber(ARGV[7])), member)
    if redis.call('ZRANGE', KEYS[4], 0, 0)[1] == member then
      wake(KEYS[5])
    end
  else
    fields[#fields + 1] = 'sideloop'; fields[#fields + 1] = meta
    redis.call('XADD', key, '*', unpack(fields))
  end
end
redis.call('XACK', key, group, id)
if ARGV[3] == '1' then redis.call('XDEL', key, id) end
redis.call('HDEL', KEYS[2], id .. '@' .. key)
return result
)lua";

// As it is sent. No static object: threads may run on while those are destroyed.
inline std::string FailEntryScript() {
  return std::string(kWakeLua).append(kEntryLua).append(kFailEntryLua);
}

// KEYS: stream. ARGV: group, consumer, lease in ms, then for each entry: id, deliveries, deliveries
// it shall have. Others may take them over at once: one is woken to do so, or the next that comes.
// Returns how many were ours.
inline constexpr std::string_view kHandBackEntriesLua = R"lua(
local back = 0
for i = 4, #ARGV, 3 do
  local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if p.err then
    if not string.find(p.err, 'NOGROUP', 1, true) then return p end
    return 0
  end
  if p[1] and p[1][2] == ARGV[2] and p[1][4] == tonumber(ARGV[i + 1]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', ARGV[3], 'RETRYCOUNT', ARGV[i + 2], 'JUSTID')
    back = back + 1
  end
end
if back > 0 then wake(KEYS[1]) end
return back
)lua";
inline std::string HandBackEntriesScript() {
  return std::string(kWakeLua).append(kHandBackEntriesLua);
}

// KEYS: the levels. ARGV: group, consumer, how many in all, then for each level but the first how
// many of them it may have before the more urgent ones. Returns the entries of each level. An error
// at one level is for the next read to tell of, where this one has entries.
inline constexpr std::string_view kReadLevels = R"lua(
local count = tonumber(ARGV[3])
local left, out, failed = count, {}, nil
local function take(level, most)
  if most > left then most = left end
  if most <= 0 then return end
  local r = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most, 'STREAMS', KEYS[level], '>')
  if not r then return end
  if r.err then
    failed = r
    return
  end
  for _, e in ipairs(r[1][2]) do table.insert(out[level], e) end
  left = left - #r[1][2]
end
for level = 1, #KEYS do out[level] = {} end
for level = 2, #KEYS do take(level, tonumber(ARGV[level + 2])) end
for level = 1, #KEYS do take(level, left) end
if failed and left == count then return failed end
return out
)lua";

// KEYS: stream. ARGV: group, consumer. The consumer leaves the group, unless something is pending
// for it.
inline constexpr std::string_view kLeaveGroup = R"lua(
local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if p.err or p[1] then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
)lua";

// KEYS: stream. ARGV: group, consumer, idle time in ms. Others leave the group that have been idle
// for so long, and for whom nothing is pending.
inline constexpr std::string_view kCleanGroup = R"lua(
local removed = 0
for _, c in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local f = {}
  for i = 1, #c, 2 do f[c[i]] = c[i + 1] end
  if f.name ~= ARGV[2] and f.pending == 0 and f.idle > tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], f.name)
    removed = removed + 1
  end
end
return removed
)lua";

}  // namespace sideloop::lease
