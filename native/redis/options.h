// Thread: any. What a connection is to be. Times are in ms; an absent one means: no limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "resp/parser.h"

namespace sideloop::redis {

struct Options {
  std::string host = "127.0.0.1";
  int port = 6379;
  int family = 0;    // of the host's addresses: 4, 6, or 0 for both
  std::string path;  // of a Unix socket; used instead of host and port where it is not empty
  std::string username;
  std::string password;
  int db = 0;
  std::string client_name;
  int protocol = 3;  // 3: HELLO 3, and RESP2 where the server does not know it. 2: RESP2.

  // Until it is connected, and for each answer to its greeting.
  std::optional<std::uint64_t> connect_timeout_ms = 10'000;
  // Whether a server that loads its data, or has lost its master, is waited for; and the longest
  // pause before it is asked again.
  bool ready_check = true;
  std::uint64_t ready_check_max_ms = 10'000;
  std::optional<std::uint64_t> silence_timeout_ms =
      30'000;  // with commands in flight and nothing arriving
  std::optional<std::uint64_t> command_timeout_ms;
  std::optional<std::uint64_t> keep_alive_ms =
      60'000;  // idle time before the kernel probes the peer

  bool reconnect = true;
  std::uint64_t backoff_min_ms = 50;
  std::uint64_t backoff_max_ms = 2'000;
  // Attempts that may fail before waiting commands do, with the reason of the last.
  std::uint32_t attempts_per_command = 10;

  resp::ParserLimits limits;
};

}  // namespace sideloop::redis
