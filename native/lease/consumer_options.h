// Thread: any. What a consumer of one partition is to be. Times are in ms; an absent one means: no
// bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "redis/options.h"

namespace sideloop::lease {

struct ConsumerOptions {
  std::vector<std::string> levels;  // the streams, most urgent first
  std::string group;
  std::string name;
  std::string start;  // where a new group begins
  std::string delayed;
  std::string history;
  std::string dead;

  std::uint64_t lease_ms = 30'000;
  std::uint64_t renew_every_ms = 10'000;  // less than lease_ms
  std::optional<std::uint64_t> max_lease_ms = std::nullopt;
  std::optional<std::uint64_t> max_block_ms = std::nullopt;
  std::uint64_t recover_every_ms = 15'000;
  std::uint32_t max_attempts = 5;
  std::uint32_t room = 2;  // entries held at a time
  std::string drop = "0";  // how entries are dropped that are done: see entry_lua.h

  redis::Options redis;  // of both connections

  // A read of several levels that waits may bring one entry of each.
  std::size_t most_held() const { return room + levels.size(); }
};

}  // namespace sideloop::lease
