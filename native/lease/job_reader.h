// Thread: loop. How a consumer gets entries: by reads that wait at the server, one at a time, on a
// connection of their own.
// Owns: that connection. A read under way is owned by the connection.
// Ends: Stop, or Close. It then tells its observer, once and last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/backoff.h"
#include "lease/health.h"
#include "lease/held_entries.h"
#include "lease/pending_replies.h"
#include "lease/retry_pause.h"
#include "loop/timer.h"
#include "redis/connection.h"
#include "redis/connection_stats.h"

namespace sideloop::lease {

// None of these may destroy the reader.
class JobReaderObserver : public TakenObserver {
 public:
  ON_LOOP virtual void OnReadError(const Error& error) = 0;
  ON_LOOP virtual void OnReaderEnded() = 0;

 protected:
  ~JobReaderObserver() = default;
};

//             Open               the groups are there
//   kClosed --------> kPreparing -------------------> kReady  <---> a read is under way
//                        ^                              |
//                        +--- lost, or without a group -+
class JobReader final : private redis::ConnectionObserver {
 public:
  // Of this many entries taken in a row, each level gets one at least, if it has any.
  static constexpr std::uint32_t kRound = 16;
  // Entries that one read may bring: the server does nothing else meanwhile.
  static constexpr std::size_t kMostRead = 1024;

  ON_LOOP JobReader(const ConsumerParts& parts, Health& health, JobReaderObserver& observer);

  ON_LOOP void Open();
  // Whether a read may be sent.
  ON_LOOP bool ready() const { return state_ == State::kReady && !reading_ && !stopping_; }
  // Whether a read can also take over what others have let run out.
  ON_LOOP bool can_claim() const { return can_claim_; }
  // Whether the one that is under way does.
  ON_LOOP bool claims() const { return reading_ && claims_; }
  // Asks for up to `count` entries, and waits at the server while there are none.
  // Requires: ready(), and can_claim() where it claims.
  ON_LOOP void Read(std::size_t count, bool claims);
  // Has a read that waits at the server return now: by way of `work`, which is ready.
  ON_LOOP void Interrupt();
  // The group may be gone: makes it anew, where it is.
  ON_LOOP void Prepare();
  // No read is sent any more. What one under way brings is still told.
  ON_LOOP void Stop();
  ON_LOOP void Close(const Error& why);
  ON_LOOP void Break(const Error& why) { connection_->Break(why); }

  ON_LOOP bool ended() const { return connection_->state() == redis::Connection::State::kEnded; }

  // How long a read waits at the server.
  static std::uint64_t WaitMs(std::uint64_t lease_ms);

 private:
  enum class State : std::uint8_t { kClosed, kPreparing, kReady };

  // redis::ConnectionObserver.
  ON_LOOP void OnReady(int) override;
  ON_LOOP void OnNotNow(const Error& why) override;
  ON_LOOP void OnClosed(const Error& why) override;
  ON_LOOP void OnEnded() override { observer_.OnReaderEnded(); }

  ON_LOOP void AskServer();
  ON_LOOP void PrepareLevels();
  ON_LOOP void OnPrepared(std::uint32_t level, const Answer& answer);
  ON_LOOP void LookForGroup(std::uint32_t level, const Error& refusal);
  ON_LOOP void Prepared(std::uint32_t level, const Error& why);
  ON_LOOP void OnLevelError(std::uint32_t level, const std::string& words);
  ON_LOOP void CloseLevel(std::uint32_t level, const Error& why);
  ON_LOOP Error MadeAnew(std::uint32_t level) const;
  ON_LOOP void TellLost(const Error& no_group);
  ON_LOOP void OnGoodRead();
  ON_LOOP void ReadOne(std::size_t count);
  ON_LOOP void ReadLevels(std::size_t count);
  ON_LOOP void WaitForLevels();
  ON_LOOP void Ask(std::vector<std::string> command, bool waits,
                   void (JobReader::*took)(Answer& answer));
  ON_LOOP bool IsRefusedClaim(const Error& error);
  ON_LOOP void OnRead(Answer& answer);
  ON_LOOP void OnLevels(Answer& answer);
  ON_LOOP void OnRefused(const Error& error);
  ON_LOOP void OnFailed(const Error& error, bool has_no_group);
  ON_LOOP void Take(std::uint32_t level, resp::Reply& entry, std::uint64_t sent_at);
  ON_LOOP void Over();
  // The level whose turn it is at a place of the order of taking; 0: that of the most urgent.
  ON_LOOP std::uint32_t OwedAt(std::uint64_t place) const;

  // A level that can't be read keeps nobody from the others: it is looked at again after a pause.
  struct Level {
    bool is_open = false;
    bool is_asked = false;           // whether its group is there
    bool had_group = false;          // once
    bool was_without_group = false;  // since it was last read
    std::string why;                 // it is closed
  };
  ON_LOOP bool AnyOpen() const;
  ON_LOOP bool AnyAsked() const;
  ON_LOOP void RetryUnlessAsking();

  const ConsumerParts& parts_;
  Health& health_;
  JobReaderObserver& observer_;
  redis::ConnectionStats stats_;
  State state_ = State::kClosed;
  bool reading_ = false;
  bool waiting_ = false;  // the read may wait at the server
  bool stopping_ = false;
  bool interrupting_ = false;
  bool was_without_group_ = false;  // since the last read that was answered
  bool refused_ = false;            // the last read, or what prepares it
  bool can_claim_ = false;
  bool claims_ = false;         // the last read
  bool claim_refused_ = false;  // on this connection
  std::int64_t client_id_ = 0;
  std::vector<Level> levels_;
  std::vector<std::uint32_t> read_;  // the levels that the last read was about
  std::uint64_t taken_ = 0;          // entries: the place in the order of taking
  Backoff backoff_{100, 5'000, RetryPause::SeedOf(this)};
  std::unique_ptr<Timer> retry_;
  RetryPause level_pause_;  // of those that are closed
  std::unique_ptr<redis::Connection> connection_;
  PendingReplies reads_;
  PendingReplies replies_;  // on either connection
};

}  // namespace sideloop::lease
