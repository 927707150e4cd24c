// Thread: any. The script that moves due jobs, as the server runs it.
#pragma once

namespace sideloop::lease {

// KEYS: the sorted set, the streams of all levels. ARGV: how many to look at, and how many of those
// that are due to pass over, as they could not be moved.
// A member is cmsgpack of {id, stream, {field, value, ...}, metadata or ''}. What is not gets the
// score +inf: it is never due, and stays to be looked at. Where a stream takes no entry, its job
// stays where it is, and the others are moved.
// Returns how many were moved; 0 where more are due than it looked at, or else in how many ms the
// next is due, or -1 for none; how many were set aside; and the first error or ''.
inline constexpr char kMoveScript[] = R"lua(
local delayed, limit, pass = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2] or 0)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function read(member)
  local readable, job = pcall(cmsgpack.unpack, member)
  if not readable or type(job) ~= 'table' then return nil end
  local id, stream, words, meta = job[1], job[2], job[3], job[4]
  if type(id) ~= 'string' or type(stream) ~= 'string' or type(meta) ~= 'string' then return nil end
  -- Lua hands over 8000 words at most.
  if type(words) ~= 'table' or #words % 2 ~= 0 or #words > 7900 then return nil end
  -- A map has a length of 0.
  if #words == 0 and next(words) then return nil end
  for i = 1, #words do
    if type(words[i]) ~= 'string' then return nil end
  end
  if meta == '' then meta = '{"id":' .. cjson.encode(id) .. ',"attempt":0,"history":[]}' end
  words[#words + 1] = 'sideloop'
  words[#words + 1] = meta
  return stream, words
end

local clock = string.format('%.0f', now)
local function named(err, key)
  if not string.match(err, '^WRONGTYPE ') then return err end
  return err .. ' (of the key ' .. key .. ')'
end
local due = redis.pcall('ZRANGEBYSCORE', delayed, '-inf', clock, 'LIMIT', pass, limit)
if due.err then return redis.error_reply(named(due.err, delayed)) end
local moved, aside, complaint = 0, 0, ''
for _, member in ipairs(due) do
  local stream, words = read(member)
  if not stream then
    redis.call('ZADD', delayed, '+inf', member)
    aside = aside + 1
  else
    local reply = redis.pcall('XADD', stream, '*', unpack(words))
    if type(reply) == 'table' and reply.err then
      if complaint == '' then complaint = named(reply.err, stream) end
    else
      redis.call('ZREM', delayed, member)
      moved = moved + 1
    end
  end
end

if #due == limit then
  local at = pass + limit - moved - aside
  local more = redis.call('ZRANGE', delayed, at, at, 'WITHSCORES')[2]
  if more and tonumber(more) <= now then return {moved, 0, aside, complaint} end
end
local later = redis.call('ZRANGEBYSCORE', delayed, '(' .. clock, '(+inf', 'WITHSCORES',
                         'LIMIT', 0, 1)[2]
return {moved, later and math.ceil(tonumber(later) - now) or -1, aside, complaint}
)lua";

}  // namespace sideloop::lease
