// Thread: any. How entries are taken over from those that have let go of them, in one step at the
// server each.
#pragma once

#include <string>
#include <string_view>

#include "lease/entry_lua.h"

namespace sideloop::lease {

// What RECOVER and CHECK share: what becomes of an entry that is ours since the last of its
// deliveries, of which there were `count`. `owner` is who had it before, if that is known. Returns
// 1: to be tried; 2: a dead letter; 0: neither, and there is a complaint.
// Asked twice about the same delivery it says the same, and writes the same.
inline constexpr std::string_view kTakenOverLua = R"lua(
local function check(key, group, id, words, count, owner, how, most)
  if #words == 2 and words[1] == 'sideloop' and words[2] == 'wake' then return 1 end
  local fields, m = split(words)
  local before = m.attempt + count - 1
  local place = id .. '@' .. key
  local lines = {}
  if count > 1 then
    lines = lines_of(table_of(half('HGET', KEYS[2], place)))
    local last = lines[#lines]
    if not last or last.attempt ~= before then
      lines[#lines + 1] = {attempt = before, consumer = owner, at = now_ms(),
        error = 'its lease ran out'}
    end
  end
  if before + 1 > tonumber(most) then
    -- One that can't be put away stays pending, and keeps nobody from the others.
    local ok, err = pcall(put_away, KEYS[3], fields, meta_of(m.id or id, before, m.history, lines))
    if not ok then
      complain(err, KEYS[3])
      return 0
    end
    redis.call('XACK', key, group, id)
    drop(key, group, how, {id}, false)
    half('HDEL', KEYS[2], place)
    return 2
  end
  if #lines > 0 then half('HSET', KEYS[2], place, json_of(lines)) end
  return 1
end
local function forget(key, group, id)
  redis.call('XACK', key, group, id)
  half('HDEL', KEYS[2], id .. '@' .. key)
end
)lua";

// KEYS: stream, history, dead letters. ARGV: group, consumer, how to drop, lease in ms, how many to
// look at, most attempts, how many to take, where the server's clock should stand in ms or nothing,
// where to begin or nothing, then for each entry of this consumer's own that it does not hold: id,
// deliveries. Takes over what has been idle for a lease; by how much the clock stands ahead of
// where it should, the entries are less idle than it seems. What is this consumer's own is not
// touched unless it is named. Returns the entries taken, each [id, deliveries, fields]; the same of
// those that became dead letters; an error; those of its own that seem idle, each with its
// deliveries; and the last that was looked at where there may be more, or nothing.
inline constexpr std::string_view kRecoverEntriesLua = R"lua(
local key, group, me, most = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[7])
local taken, dead, own, last = {}, {}, {}, '0-0'
local function try_take(id, owner, count)
  local entry = redis.call('XCLAIM', key, group, me, 0, id)[1]
  if not entry then
    -- It is not in the stream any more.
    return forget(key, group, id)
  end
  local result = check(key, group, id, entry[2], count + 1, owner, ARGV[3], ARGV[6])
  if result == 1 then taken[#taken + 1] = {id, count + 1, entry[2]} end
  if result == 2 then dead[#dead + 1] = {id, count, entry[2]} end
end
local function take(...)
  local ok, err = pcall(try_take, ...)
  if not ok then complain(err, key) end
end
for i = 10, #ARGV, 2 do
  local id, count = ARGV[i], tonumber(ARGV[i + 1])
  local p = redis.call('XPENDING', key, group, id, id, 1)[1]
  if p and p[2] == me and p[4] == count and #taken < most then take(id, me, count) end
end
local full = false
if ARGV[9] ~= '' then
  local ahead = 0
  if ARGV[8] ~= '' then ahead = math.max(0, now_ms() - tonumber(ARGV[8])) end
  local idle = string.format('%.0f', tonumber(ARGV[4]) + ahead)
  local pending = redis.call('XPENDING', key, group, 'IDLE', idle, ARGV[9], '+', ARGV[5])
  full = #pending == tonumber(ARGV[5])
  for _, e in ipairs(pending) do
    if e[2] == me then
      own[#own + 1] = e[1]
      own[#own + 1] = e[4]
    elseif #taken >= most then
      full = true
      break
    else
      take(e[1], e[2], e[4])
    end
    last = e[1]
  end
end
return {taken, dead, complaint, own, full and last or ''}
)lua";

// KEYS: stream, history, dead letters. ARGV: group, consumer, how to drop, most attempts, then for
// each entry that a read has taken over: id, deliveries. Returns for each 1: ours, renewed, and to
// be tried; 2: a dead letter; 0: another's, or gone, or not to be put away; and an error.
inline constexpr std::string_view kCheckEntriesLua = R"lua(
local key, group, me = KEYS[1], ARGV[1], ARGV[2]
local out = {}
for i = 5, #ARGV, 2 do
  local id, count = ARGV[i], tonumber(ARGV[i + 1])
  local p = redis.pcall('XPENDING', key, group, id, id, 1)
  if p.err then
    if not string.find(p.err, 'NOGROUP', 1, true) then return p end
    p = {}
  end
  local result = 0
  if p[1] and p[1][2] == me and p[1][4] == count then
    local ok, err = pcall(function()
      redis.call('XCLAIM', key, group, me, 0, id, 'IDLE', 0, 'JUSTID')
      local entry = redis.call('XRANGE', key, id, id)[1]
      if not entry then return forget(key, group, id) end
      result = check(key, group, id, entry[2], count, nil, ARGV[3], ARGV[4])
    end)
    if not ok then complain(err, key) end
  end
  out[#out + 1] = result
end
return {out, complaint}
)lua";

// KEYS: stream. ARGV: group, where to begin, how many to look at. An entry that was delivered
// before the clock was put back seems not to be idle at all until the clock is there again: it is
// as if it were delivered now, to its owner. For one that is delivered in this millisecond that is
// so. Returns the last that was looked at where there may be more, or nothing.
inline constexpr std::string_view kRestampEntries = R"lua(
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], '+', ARGV[3])
for _, e in ipairs(pending) do
  if e[3] <= 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], e[2], 0, e[1], 'IDLE', 0, 'RETRYCOUNT', e[4], 'JUSTID')
  end
end
return #pending == tonumber(ARGV[3]) and pending[#pending][1] or ''
)lua";

// As they are sent. No static objects: threads may run on while those are destroyed.
inline std::string RecoverEntriesScript() {
  return std::string(kEntryLua).append(kTakenOverLua).append(kRecoverEntriesLua);
}
inline std::string CheckEntriesScript() {
  return std::string(kEntryLua).append(kTakenOverLua).append(kCheckEntriesLua);
}

}  // namespace sideloop::lease
