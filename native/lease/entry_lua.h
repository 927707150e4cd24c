// Thread: any. What the scripts about a consumer's entries share, in Lua.
//
// The history of an entry is in a field `<id>@<stream>`: entries of two levels may have the same
// id.
#pragma once

#include <string_view>

namespace sideloop::lease {

// Wakes one consumer by an entry that is no job. One that is the stream's last entry will do:
// whoever has it deletes it before it looks for what there is to do.
inline constexpr std::string_view kWakeLua = R"lua(
local function wake(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  if last and #last[2] == 2 and last[2][1] == 'sideloop' and last[2][2] == 'wake' then return end
  redis.call('XADD', stream, '*', 'sideloop', 'wake')
end
)lua";

// What FAIL, RECOVER and SIFT share: an entry's fields without its metadata, and what the next
// entry of the same job gets.
inline constexpr std::string_view kEntryLua = R"lua(
local function split(flat)
  local fields, meta = {}, nil
  for i = 1, #flat, 2 do
    if flat[i] == 'sideloop' then meta = flat[i + 1]
    else fields[#fields + 1] = flat[i]; fields[#fields + 1] = flat[i + 1] end
  end
  local ok, m = pcall(cjson.decode, meta or '')
  if not ok or type(m) ~= 'table' then m = {} end
  return fields, m
end
local function lines_of(text)
  local ok, lines = pcall(cjson.decode, text or '')
  return ok and type(lines) == 'table' and lines or {}
end
local function history_of(m, text)
  local lines = {}
  for _, l in ipairs(type(m.history) == 'table' and m.history or {}) do lines[#lines + 1] = l end
  for _, l in ipairs(lines_of(text)) do lines[#lines + 1] = l end
  return lines
end
local function meta_of(id, attempt, lines)
  while #lines > 20 do table.remove(lines, 1) end
  return cjson.encode({id = id, attempt = attempt, history = lines})
end
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
)lua";

}  // namespace sideloop::lease
