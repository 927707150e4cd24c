// Thread: any. What runs at the server, in one step each. Keys and values of one lease:
//   lease  `<name>:<token>`, where the name is one that nobody else uses; it expires
//   fence  the last token; for ever, or for as long as is asked for from the last renewal on. Where
//          holders ask for different times the longest counts, as a token of any may be in use
//   queue  a sorted set of waiters, by the order of their coming; a waiter is `<channel>|<number>`
//   turn   `<until>|<waiter>`: whose turn it is, and until when on the server's clock, in ms
// The queue and the turn expire when nobody asks any more.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace sideloop::lease::scripts {

// The parts of a script, put together by the compiler.
template <const std::string_view&... kParts>
struct Joined {
  static constexpr auto kText = [] {
    std::array<char, (kParts.size() + ... + 0)> text{};
    std::size_t at = 0;
    ((std::copy(kParts.begin(), kParts.end(), text.begin() + at), at += kParts.size()), ...);
    return text;
  }();
  static constexpr std::string_view kScript{kText.data(), kText.size()};
};

// `tell` gives the turn to a waiter, and has the one behind it look when the turn is over. False:
// its client is gone. `whose_turn` is the waiter and the time.
inline constexpr std::string_view kTurns = R"lua(
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function publish(waiter, hint)
  local channel, number = string.match(waiter, '^(.*)|(%d+)$')
  return channel and redis.call('PUBLISH', channel, number .. hint) > 0
end
local function tell(waiter, queue, turn, now, grace)
  if not publish(waiter, '') then return false end
  redis.call('SET', turn, string.format('%.0f|%s', now + grace, waiter), 'PX', grace + 60000)
  local second = redis.call('ZRANGE', queue, 1, 1)[1]
  if second then publish(second, ':' .. grace) end
  return true
end
local function whose_turn(turn)
  local ends, waiter = string.match(redis.call('GET', turn) or '', '^(%d+)|(.*)$')
  return waiter, tonumber(ends)
end
)lua";

// `keep_fence` has the counter of tokens stay for `ms`, or for ever where that is nothing. A time
// only extends: what another holder has asked for is not cut short. `is_new`: nobody has asked yet,
// so that no expiry does not mean for ever. The comparison is here as PEXPIRE takes GT from 7.0 on.
inline constexpr std::string_view kFences = R"lua(
local function keep_fence(fence, ms, is_new)
  local left = redis.call('PTTL', fence)
  if ms == '' then
    if left >= 0 then redis.call('PERSIST', fence) end
  elseif is_new or (left >= 0 and left < tonumber(ms)) then
    redis.call('PEXPIRE', fence, ms)
  end
end
)lua";

// KEYS: lease, fence, queue, turn. ARGV: name, ttl, waiter or nothing, the most that may wait, ms
// of a turn, the most ms until a waiter asks again, ms that the fence stays or nothing. Returns {1,
// token}: granted; {0, ms}: held for so long, or without an expiry where that is negative; {2,
// place, ms}: waiting, ask again then; {3, waiters}: the queue is full. A turn that ends later than
// any can has seen the clock go back. A token is a number of Lua and of JS, which would be the same
// twice beyond 2^53 - 1: none is given. In a queue that is full some of the waiters are looked at,
// others each time, as the server stands still meanwhile.
inline constexpr std::string_view kAcquireBody = R"lua(
local lease, fence, queue, turn = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local name, ttl, waiter = ARGV[1], ARGV[2], ARGV[3]
local most, grace, longest = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local fence_ms = ARGV[7]
local held = redis.call('GET', lease)
if held and string.sub(held, 1, #name + 1) == name .. ':' then
  redis.call('PEXPIRE', lease, ttl)
  keep_fence(fence, fence_ms, false)
  if waiter ~= '' then redis.call('ZREM', queue, waiter) end
  return {1, tonumber(string.sub(held, #name + 2))}
end
local left
local ahead = 0
if held then
  left = redis.call('PTTL', lease)
  if left < 0 then
    if waiter == '' then return {0, left} end
    left = longest
  end
end
while not left do
  local first = redis.call('ZRANGE', queue, 0, 0)[1]
  if not first or first == waiter then
    local token = redis.call('INCR', fence)
    if token > 9007199254740991 then
      redis.call('DECR', fence)
      return redis.error_reply('ERR the key of the fencing tokens counts beyond 2^53 - 1: set it lower')
    end
    keep_fence(fence, fence_ms, token == 1)
    redis.call('SET', lease, name .. ':' .. string.format('%.0f', token), 'PX', ttl)
    if first then redis.call('ZREM', queue, first) end
    redis.call('DEL', turn)
    return {1, token}
  end
  local now = now_ms()
  local owner, ends = whose_turn(turn)
  ahead = 1
  if owner ~= first then
    if tell(first, queue, turn, now, grace) then
      left = grace
    else
      redis.call('ZREM', queue, first)
    end
  elseif ends > now and ends <= now + grace then
    left = ends - now
  else
    redis.call('ZREM', queue, first)
  end
end
if waiter == '' then return {0, left} end
local place = redis.call('ZRANK', queue, waiter)
if not place then
  place = redis.call('ZCARD', queue)
  if place >= most then
    local there = {}
    local from = redis.call('TIME')[2] % math.max(place - 63, 1)
    for _, other in ipairs(redis.call('ZRANGE', queue, from, from + 63)) do
      local channel = string.match(other, '^(.*)|%d+$') or ''
      if there[channel] == nil then
        there[channel] = redis.call('PUBSUB', 'NUMSUB', channel)[2] > 0
      end
      if not there[channel] then redis.call('ZREM', queue, other) end
    end
    place = redis.call('ZCARD', queue)
  end
  if place >= most then return {3, place} end
  local last = redis.call('ZRANGE', queue, -1, -1, 'WITHSCORES')[2] or 0
  redis.call('ZADD', queue, last + 1, waiter)
end
redis.call('PEXPIRE', queue, longest * 3)
local behind = math.min(math.max(place - ahead, 0), 4)
return {2, place, math.min(longest, left + behind * math.floor(grace / 4))}
)lua";

// KEYS: lease, queue, turn. ARGV: name, waiter or nothing, ms of a turn.
// Ends what an acquire began, however far it came. Returns 1 where the lease was the name's.
inline constexpr std::string_view kLeaveBody = R"lua(
local lease, queue, turn = KEYS[1], KEYS[2], KEYS[3]
local name, waiter, grace = ARGV[1], ARGV[2], tonumber(ARGV[3])
local ours = 0
local held = redis.pcall('GET', lease)
if type(held) == 'string' and string.sub(held, 1, #name + 1) == name .. ':' then
  redis.call('DEL', lease)
  held = false
  ours = 1
end
if waiter ~= '' then redis.call('ZREM', queue, waiter) end
if held or (ours == 0 and whose_turn(turn) ~= waiter) then return ours end
while true do
  local first = redis.call('ZRANGE', queue, 0, 0)[1]
  if not first then
    redis.call('DEL', turn)
    return ours
  end
  if tell(first, queue, turn, now_ms(), grace) then return ours end
  redis.call('ZREM', queue, first)
end
)lua";

inline constexpr std::string_view kAcquire = Joined<kTurns, kFences, kAcquireBody>::kScript;
inline constexpr std::string_view kLeave = Joined<kTurns, kLeaveBody>::kScript;

// KEYS: leases, then the fence of each. ARGV: for each its value, its ttl, and for how long its
// fence stays or nothing. Returns 1 for each that was renewed, 0 for each that is not ours. A
// server that refuses to keep a fence has renewed the lease all the same.
inline constexpr std::string_view kRenewBody = R"lua(
local renewed = {}
for i = 1, #KEYS / 2 do
  local lease, fence_ms = KEYS[i], ARGV[3 * i]
  renewed[i] = 0
  if redis.pcall('GET', lease) == ARGV[3 * i - 2] then
    renewed[i] = redis.call('PEXPIRE', lease, ARGV[3 * i - 1])
    pcall(keep_fence, KEYS[#KEYS / 2 + i], fence_ms, false)
  end
end
return renewed
)lua";

inline constexpr std::string_view kRenew = Joined<kFences, kRenewBody>::kScript;

}  // namespace sideloop::lease::scripts
