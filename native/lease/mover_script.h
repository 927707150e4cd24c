// Thread: any. The script that moves due jobs, as the server runs it.
#pragma once

namespace sideloop::lease {

// KEYS: the sorted set, the streams of all levels. ARGV: how many to move at most.
// A member is cmsgpack of {id, stream, {field, value, ...}, metadata or ''}. What is not gets the
// score +inf: it is never due, and stays to be looked at. Where a stream takes no entry, its job
// stays where it is, and the others are moved.
// Returns how many were moved, in how many ms the next is due (0: now; -1: there is none), how many
// were set aside, and the first error or ''.
inline constexpr char kMoveScript[] = R"lua(
local delayed = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function read(member)
  local readable, job = pcall(cmsgpack.unpack, member)
  if not readable or type(job) ~= 'table' then return nil end
  local id, stream, words, meta = job[1], job[2], job[3], job[4]
  if type(id) ~= 'string' or type(stream) ~= 'string' or type(meta) ~= 'string' then return nil end
  -- Lua hands over 8000 words at most.
  if type(words) ~= 'table' or #words % 2 ~= 0 or #words > 7900 then return nil end
  for i = 1, #words do
    if type(words[i]) ~= 'string' then return nil end
  end
  if meta == '' then meta = '{"id":' .. cjson.encode(id) .. ',"attempt":0,"history":[]}' end
  words[#words + 1] = 'sideloop'
  words[#words + 1] = meta
  return stream, words
end

local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', string.format('%.0f', now),
                       'LIMIT', 0, ARGV[1])
local moved, aside, complaint = 0, 0, ''
for _, member in ipairs(due) do
  local stream, words = read(member)
  if not stream then
    redis.call('ZADD', delayed, '+inf', member)
    aside = aside + 1
  else
    local reply = redis.pcall('XADD', stream, '*', unpack(words))
    if type(reply) == 'table' and reply.err then
      if complaint == '' then complaint = reply.err end
    else
      redis.call('ZREM', delayed, member)
      moved = moved + 1
    end
  end
end

local first = redis.call('ZRANGEBYSCORE', delayed, '-inf', '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
return {moved, wait, aside, complaint}
)lua";

}  // namespace sideloop::lease
