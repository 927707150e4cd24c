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

// KEYS: stream, history. ARGV: group, consumer, how to drop the entries, then for each: id,
// deliveries. Returns for each 1: acked; 0: another's; -1: not pending at all; an error; and 1
// where entries were kept for other groups.
inline constexpr std::string_view kAckEntriesLua = R"lua(
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
  drop(KEYS[1], ARGV[1], ARGV[3], ids, true)
end
if #again > 0 then half('HDEL', KEYS[2], unpack(again)) end
return {out, complaint, kept}
)lua";

// KEYS: stream, history, dead letters, delayed jobs, most urgent stream. ARGV: group, consumer, how
// to drop, id, deliveries, most attempts, delay in ms, words of the error, 1: no more attempts,
// lease in ms. What can't be added anew is tried again in place: it stays pending, and is idle for
// as much of a lease as the delay leaves. Returns 1: added, to be tried again; 2: a dead letter; 3:
// to be tried again in place; 0: another's; -1: not pending at all, or deleted; and an error.
inline constexpr std::string_view kFailEntryLua = R"lua(
local key, group, me, id = KEYS[1], ARGV[1], ARGV[2], ARGV[4]
local delay = tonumber(ARGV[7])
local p = redis.pcall('XPENDING', key, group, id, id, 1)
if p.err then
  if string.find(p.err, 'NOGROUP', 1, true) then return {-1, ''} end
  return p
end
if not p[1] then return {-1, ''} end
if p[1][2] ~= me or p[1][4] ~= tonumber(ARGV[5]) then return {0, ''} end
local place = id .. '@' .. key

local function try_again(fields, job, meta)
  if not fits(fields) then return false end
  if delay == 0 then
    add(key, fields, meta)
    return true
  end
  local member = cmsgpack.pack({job, key, fields, meta})
  redis.call('ZADD', KEYS[4], string.format('%.0f', now_ms() + delay), member)
  if redis.call('ZRANGE', KEYS[4], 0, 0)[1] == member then
    local woken, err = pcall(wake, KEYS[5])
    if not woken then complain(err, KEYS[5]) end
  end
  return true
end

local function try_in_place(lines)
  half('HSET', KEYS[2], place, json_of(lines))
  -- Of what is to be tried at once nobody shall think that the clock was put forward.
  local idle = delay > 0 and math.max(0, tonumber(ARGV[10]) - delay) or 31536000000
  redis.call('XCLAIM', key, group, me, 0, id, 'IDLE', string.format('%.0f', idle), 'RETRYCOUNT', p[1][4], 'JUSTID')
  if delay > 0 then return end
  local woken, err = pcall(wake, key)
  if not woken then complain(err, key) end
end

local entry = redis.call('XRANGE', key, id, id)[1]
-- Without its entry there is nothing left to try again.
local result = entry and 1 or -1
if entry then
  local fields, m = split(entry[2])
  local attempt = m.attempt + p[1][4]
  local lines = lines_of(table_of(half('HGET', KEYS[2], place)))
  lines[#lines + 1] = {attempt = attempt, consumer = me, at = now_ms(), error = ARGV[8]}
  local job = m.id or id
  local meta = meta_of(job, attempt, m.history, lines)
  if ARGV[9] == '1' or attempt >= tonumber(ARGV[6]) then
    result = 2
    local put, err = pcall(put_away, KEYS[3], fields, meta)
    if not put then return redis.error_reply(words_of(err, KEYS[3])) end
  else
    local ran, added = pcall(try_again, fields, job, meta)
    if not ran then
      local err = type(added) == 'table' and added.err or tostring(added)
      -- What concerns any write is said: nothing has been done.
      for _, word in ipairs({'OOM ', 'READONLY ', 'MISCONF ', 'NOREPLICAS '}) do
        if string.find(err, word, 1, true) then return redis.error_reply(err) end
      end
      complain(err, delay == 0 and key or KEYS[4])
    end
    if not (ran and added) then
      try_in_place(lines)
      return {3, complaint}
    end
  end
end
redis.call('XACK', key, group, id)
drop(key, group, ARGV[3], {id}, false)
half('HDEL', KEYS[2], place)
return {result, complaint}
)lua";

// They as they are sent. No static objects: threads may run on while those are destroyed.
inline std::string AckEntriesScript() { return std::string(kEntryLua).append(kAckEntriesLua); }
inline std::string FailEntryScript() {
  return std::string(kWakeLua).append(kEntryLua).append(kFailEntryLua);
}

// KEYS: stream. ARGV: group, consumer, lease in ms, then for each entry: id, deliveries, deliveries
// it shall have. Others may take them over at once: one is woken to do so, or the next that comes.
// They are idle for a year more than a lease, lest anybody take it for a step of the clock.
// Returns how many were ours.
inline constexpr std::string_view kHandBackEntriesLua = R"lua(
local back = 0
local idle = string.format('%.0f', tonumber(ARGV[3]) + 31536000000)
for i = 4, #ARGV, 3 do
  local p = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  if p.err then
    if not string.find(p.err, 'NOGROUP', 1, true) then return p end
    return 0
  end
  if p[1] and p[1][2] == ARGV[2] and p[1][4] == tonumber(ARGV[i + 1]) then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'IDLE', idle, 'RETRYCOUNT', ARGV[i + 2], 'JUSTID')
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
// many of them it may have before the more urgent ones. Returns the entries of each level, and for
// each an error or nothing.
inline constexpr std::string_view kReadLevels = R"lua(
local left, out, errors = tonumber(ARGV[3]), {}, {}
local function take(level, most)
  if most > left then most = left end
  if most <= 0 or errors[level] ~= '' then return end
  local r = redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', most, 'STREAMS', KEYS[level], '>')
  if not r then return end
  if r.err then
    errors[level] = r.err
    return
  end
  for _, e in ipairs(r[1][2]) do table.insert(out[level], e) end
  left = left - #r[1][2]
end
for level = 1, #KEYS do
  out[level] = {}
  errors[level] = ''
end
for level = 2, #KEYS do take(level, tonumber(ARGV[level + 2])) end
for level = 1, #KEYS do take(level, left) end
return {out, errors}
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
