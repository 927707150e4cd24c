// Thread: the client's loop thread, all of it. A fixed number of GETs in flight on one connection:
// each reply is checked, counted, and sends the next one. The clients provide Send(slot, index) and
// call OnReply; that both ends run the same code is what makes them comparable.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "measurement.h"

namespace sideloop::bench {

// The keys and values of bench/keyspace.mjs for GET and 16 bytes.
struct Keyspace {
  std::vector<std::string> keys;
  std::vector<std::string> values;

  explicit Keyspace(std::size_t count = 1000) {
    for (std::size_t index = 0; index < count; ++index) {
      char key[32];
      std::snprintf(key, sizeof(key), "get:%06zu", index);
      keys.emplace_back(key);
      std::string value = std::to_string(index) + "-";
      value.resize(16, static_cast<char>('a' + index % 26));
      values.push_back(std::move(value));
    }
  }
};

template <typename Client>
class ClosedLoop {
 public:
  struct Slot {
    std::size_t index = 0;
    double sent_at = 0;
    bool timed = false;
  };

  ClosedLoop(Client& client, std::size_t in_flight, double seconds)
      : client_(client), slots_(in_flight), micros_(seconds * 1e6) {
    latencies_.reserve(1 << 20);
  }
  ClosedLoop(const ClosedLoop&) = delete;
  ClosedLoop& operator=(const ClosedLoop&) = delete;

  const Keyspace& keyspace() const { return keyspace_; }

  void Start() {
    phase_ends_at_ = NowMicros() + micros_ / 2;
    outstanding_ = slots_.size();
    for (std::size_t number = 0; number < slots_.size(); ++number) {
      Slot& slot = slots_[number];
      slot.index = number % keyspace_.keys.size();
      slot.timed = number % kTimedSlotEvery == 0;
      Send(slot);
    }
  }

  // True when this was the last reply of the run.
  bool OnReply(Slot& slot, std::string_view value) {
    if (value != keyspace_.values[slot.index]) Fail("A reply belongs to another key.");
    if (slot.timed && phase_ == Phase::kMeasure && latencies_.size() < latencies_.capacity()) {
      latencies_.push_back(NowMicros() - slot.sent_at);
    }
    if (++operations_ % kClockEvery == 0) CheckClock();
    if (phase_ == Phase::kDrain) return --outstanding_ == 0;
    slot.index = slot.index + 1 == keyspace_.keys.size() ? 0 : slot.index + 1;
    Send(slot);
    return false;
  }

  void Print() {
    PrintMeasurement({{"operations", measured_},
                      {"samples", static_cast<double>(latencies_.size())},
                      {"opsPerSecond", measured_ * 1e6 / elapsed_},
                      {"totalMicros", cpu_ / measured_},
                      {"p50Micros", Percentile(latencies_, 0.5)},
                      {"p99Micros", Percentile(latencies_, 0.99)}});
  }

 private:
  enum class Phase { kWarmUp, kMeasure, kDrain };

  // As in the JavaScript harness: one of 16 is timed, at least one.
  static constexpr std::size_t kTimedSlotEvery = 16;
  static constexpr std::uint64_t kClockEvery = 64;

  void Send(Slot& slot) {
    if (slot.timed) slot.sent_at = NowMicros();
    client_.Send(slot, slot.index);
  }

  void CheckClock() {
    const double now = NowMicros();
    if (now < phase_ends_at_ || phase_ == Phase::kDrain) return;
    if (phase_ == Phase::kWarmUp) {
      phase_ = Phase::kMeasure;
      phase_ends_at_ = now + micros_;
      begun_at_ = now;
      cpu_ = -ProcessCpuMicros();
      measured_ = -static_cast<double>(operations_);
    } else {
      phase_ = Phase::kDrain;
      elapsed_ = now - begun_at_;
      cpu_ += ProcessCpuMicros();
      measured_ += static_cast<double>(operations_);
    }
  }

  Client& client_;
  Keyspace keyspace_;
  std::vector<Slot> slots_;
  const double micros_;
  Phase phase_ = Phase::kWarmUp;
  double phase_ends_at_ = 0;
  double begun_at_ = 0;
  double elapsed_ = 0;
  double cpu_ = 0;
  double measured_ = 0;
  std::uint64_t operations_ = 0;
  std::size_t outstanding_ = 0;
  std::vector<double> latencies_;
};

}  // namespace sideloop::bench
