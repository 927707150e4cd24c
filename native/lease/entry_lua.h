// Thread: any. What the scripts about a consumer's entries share, in Lua.
//
// The history of an entry is in a field `<id>@<stream>`: entries of two levels may have the same
// id.
#pragma once

#include <string_view>

namespace sideloop::lease {

// TurnSubscription one consumer by an entry that is no job. One that is the stream's last entry
// will do: whoever has it deletes it before it looks for what there is to do.
inline constexpr std::string_view kWakeLua = R"lua(
local function wake(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if last and #last[2] == 2 and last[2][1] == 'sideloop' and last[2][2] == 'wake' then return end
  redis.call('XADD', stream, '*', 'sideloop', 'wake')
end
)lua";

// What FAIL, ACK, RECOVER and CHECK share: an entry's fields without its metadata, what the next
// entry of the same job gets, and how a part of a script fails by itself: `half` runs a command
// whose error the others can do without, and `complaint` is the first such error.
// `drop` deletes entries that are done, as `how` says: '1'; '0': not; 'auto': where the stream has
// one group, which is the only one that has a use for them; 'last:<n>': the same, but the last n
// that were acked stay, whose ids are in a list beside the history. `kept` is 1 where others have a
// use: it is kept as well where the server does not say how many groups there are, and that is a
// complaint. Of metadata, which anybody can write, only scalars that JSON can say are taken.
inline constexpr std::string_view kEntryLua = R"lua(
-- What an error says, without where in the script it was met, which says nothing to who has not
-- written it; and of which key, where that is what is wrong.
local function words_of(err, key)
  local words = type(err) == 'table' and err.err or tostring(err)
  words = string.gsub(words, ' script: %x+, on @.*$', '')
  local wrong = key and string.match(words, 'WRONGTYPE .*$')
  return wrong and wrong .. ' (of the key ' .. key .. ')' or words
end
local complaint = ''
local function complain(err, key)
  if complaint == '' then complaint = words_of(err, key) end
end
local function half(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  complain(reply, key)
  return nil
end
local function whole(n)
  if type(n) ~= 'number' or not (n >= 0 and n <= 9007199254740991) or n % 1 ~= 0 then return nil end
  return n
end
local function text(s) return type(s) == 'string' and s or nil end
local function table_of(json)
  local ok, value = pcall(cjson.decode, json or '')
  return ok and type(value) == 'table' and value or {}
end
local function lines_of(list)
  local lines = {}
  for _, l in ipairs(type(list) == 'table' and list or {}) do
    if type(l) == 'table' then
      lines[#lines + 1] = {attempt = whole(l.attempt), consumer = text(l.consumer), at = whole(l.at),
                           error = text(l.error)}
    end
  end
  return lines
end
local function split(flat)
  local fields, meta = {}, nil
  for i = 1, #flat, 2 do
    if flat[i] == 'sideloop' then meta = flat[i + 1]
    else fields[#fields + 1] = flat[i]; fields[#fields + 1] = flat[i + 1] end
  end
  local m = table_of(meta)
  return fields, {id = text(m.id), attempt = whole(m.attempt) or 0, history = lines_of(m.history)}
end
local function json_of(lines)
  while #lines > 20 do table.remove(lines, 1) end
  return cjson.encode(lines)
end
local function meta_of(id, attempt, before, lines)
  local all = {}
  for _, l in ipairs(before) do all[#all + 1] = l end
  for _, l in ipairs(lines) do all[#all + 1] = l end
  while #all > 20 do table.remove(all, 1) end
  return cjson.encode({id = id, attempt = attempt, history = all})
end
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- Lua hands over 8000 words at most.
local function fits(fields) return #fields <= 7900 end
local function add(stream, fields, meta)
  fields[#fields + 1] = 'sideloop'
  fields[#fields + 1] = meta
  return redis.call('XADD', stream, '*', unpack(fields))
end
local function put_away(dead, fields, meta)
  if not fits(fields) then fields = {'sideloop:fields', cmsgpack.pack(fields)} end
  add(dead, fields, meta)
end
local kept = 0
local function drop(key, group, how, ids, acked)
  if how == '0' then return end
  if how ~= '1' then
    local groups = redis.pcall('XINFO', 'GROUPS', key)
    if groups.err then
      complain({err = words_of(groups) .. ' (XINFO GROUPS of ' .. key ..
        ': what is done is kept. Permit it, or say deleteAcked: true or false)'})
    end
    if #groups > 1 then kept = 1 end
    if #groups ~= 1 then return end
  end
  local most = acked and string.match(how, '^last:(%d+)$')
  if most then
    local list = string.gsub(KEYS[2], 'history$', 'acked') .. '@' .. key
    local length = half('RPUSH', list, unpack(ids))
    if not length or length <= tonumber(most) then return end
    ids = half('LPOP', list, length - tonumber(most)) or {}
  end
  for i = 1, #ids, 1000 do half('XDEL', key, unpack(ids, i, math.min(i + 999, #ids))) end
end
)lua";

}  // namespace sideloop::lease
