// Thread: the test's thread, but for what says otherwise. A server that answers renewals, and terms
// under which a test sees many of them.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "lease/lease_renewer.h"
#include "stress/fake_server.h"

namespace sideloop::test {

using lease::Slot;
using lease::Terms;

// `RENEW slot ttl ...`, as it arrived.
struct Asked {
  std::uint64_t at;
  std::vector<Slot> slots;
  std::vector<std::uint64_t> ttls;
};

// A server that answers renewals as `answer` says: one reply for each command, from its number
// (from 1) and what it asks.
class Granting {
 public:
  using Answer = std::function<std::string(int number, const Asked& asked)>;

  explicit Granting(Answer answer = AllOf("1"))
      : answer_(std::move(answer)), server_([this](Peer& peer) { Serve(peer); }) {}

  // One and the same answer for each lease.
  static Answer AllOf(const std::string& value) {
    return [value](int, const Asked& asked) {
      std::string reply = "*" + std::to_string(asked.slots.size()) + "\r\n";
      for (std::size_t i = 0; i < asked.slots.size(); ++i) reply += ":" + value + "\r\n";
      return reply;
    };
  }

  redis::Options options() const { return server_.options(); }
  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  int commands() {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(asked_.size());
  }

 private:
  void Serve(Peer& peer) {
    if (!peer.Greet()) return;
    while (const auto command = peer.Read()) {
      Asked asked{Loop::Now(), {}, {}};
      for (std::size_t i = 1; i + 1 < command->size(); i += 2) {
        asked.slots.push_back(static_cast<Slot>(std::stoul((*command)[i])));
        asked.ttls.push_back(std::stoull((*command)[i + 1]));
      }
      int number = 0;
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(asked);
        number = static_cast<int>(asked_.size());
      }
      const std::string reply = answer_(number, asked);
      if (reply == "hang up") return;
      peer.Write(reply);
    }
  }

  const Answer answer_;
  std::mutex mutex_;
  std::vector<Asked> asked_;
  FakeServer server_;
};

// Renewed so often that a test sees several, and so long that a busy machine closes no window.
inline const Terms kPatient = {.ttl_ms = 20'000, .renew_every_ms = 10, .renew_timeout_ms = 20'000};

}  // namespace sideloop::test
