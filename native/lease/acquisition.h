// Thread: loop. What one acquire() asked for, from the asking to the end of its lease.
// Owns: its timer, a share of its figures.
// Ends: its service erases it, when JS has been told of its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/nanoseconds.h"
#include "lease/lease_renewer.h"
#include "lease/lease_stats.h"
#include "loop/timer.h"

namespace sideloop::lease {

// Its Redis keys; see lease_scripts.h.
struct LeaseKeys {
  std::string lease;
  std::string fence;
  std::string queue;
  std::string turn;
};

// What is asked for. Times are in ms; an absent one means: no bound.
struct AcquireRequest {
  std::int64_t id = 0;  // never used before by this client
  LeaseKeys keys;
  Terms terms = {};
  bool waits = false;  // where somebody else holds it
  std::optional<std::uint64_t> for_ms = std::nullopt;
  std::uint32_t most_waiters = 1000;                         // of the key, at the server
  std::optional<std::uint64_t> fence_ttl_ms = std::nullopt;  // from the last renewal on
};

// For how long the counter of tokens stays, as the scripts take it.
inline std::string FenceMsOf(const AcquireRequest& request) {
  return request.fence_ttl_ms ? std::to_string(*request.fence_ttl_ms) : std::string();
}

//                granted
//   kAsking ------------------> kHeld ---> kLeaving ---> (erased)
//     |  ^   held by another      released
//     |  +------------------+
//     | and this one waits  | subscribed, woken, or time to look
//     +-> kListening, kWaiting
//
struct Acquisition {
  enum class State : std::uint8_t {
    kAsking,     // the server's answer is under way
    kListening,  // until this client hears of turns, it must not be told of at the server
    kWaiting,    // it is in the queue at the server
    kHeld,
    kLeaving,  // a release is under way
  };
  class Command;

  Acquisition(AcquireRequest request, std::shared_ptr<LeaseCell> cell)
      : request(std::move(request)), cell(std::move(cell)) {}

  std::int64_t id() const { return request.id; }

  const AcquireRequest request;
  const std::shared_ptr<LeaseCell> cell;
  std::string name;    // nobody else's at the server
  std::string waiter;  // in the queue
  State state = State::kAsking;
  Command* command = nullptr;         // under way
  bool listed = false;                // the server may have it in the queue
  bool asks_for_place = false;        // the command under way does: in the queue
  bool ask_again = false;             // what the answer under way says may be out of date
  std::uint32_t lost = 0;             // answers that went down with their connection, in a row
  std::uint32_t late = 0;             // grants that came when their window was over, in a row
  std::uint64_t give_up_at = kNever;  // ns
  std::uint64_t ask_at = kNever;      // ns
  std::unique_ptr<Timer> timer;       // of those two; only where it waits
  std::string token;
  Slot slot = 0;  // of kHeld and kLeaving
};

}  // namespace sideloop::lease
