#include "lease/job_reader.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

#include "lease/consumer_scripts.h"
#include "resp/stage.h"

namespace sideloop::lease {

namespace {

// 0 where there is no number.
std::uint32_t NumberAt(std::string_view text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Of what the server says of itself: XREADGROUP has CLAIM since Redis 8.4. Others that speak of a
// version of Redis mean an older one.
bool HasClaim(std::string_view info) {
  constexpr std::string_view kVersion = "redis_version:";
  const std::size_t at = info.find(kVersion);
  if (at == std::string_view::npos || info.find("valkey_version:") != std::string_view::npos) {
    return false;
  }
  const std::string_view version = info.substr(at + kVersion.size());
  const std::string_view minor = version.substr(std::min(version.find('.'), version.size()));
  const std::uint32_t major = NumberAt(version);
  return major > 8 || (major == 8 && minor.size() > 1 && NumberAt(minor.substr(1)) >= 4);
}

}  // namespace

std::uint64_t JobReader::WaitMs(std::uint64_t lease_ms) {
  return std::clamp<std::uint64_t>(lease_ms / 3, 100, 10'000);
}

JobReader::JobReader(const ConsumerParts& parts, Health& health, JobReaderObserver& observer)
    : parts_(parts),
      health_(health),
      observer_(observer),
      levels_(parts.options.levels.size()),
      retry_(std::make_unique<Timer>(parts.loop,
                                     [this] {
                                       parts_.loop.AssertOnLoop();
                                       Prepare();
                                     })),
      level_pause_(parts.loop, parts.options.lease_ms,
                   [this] {
                     parts_.loop.AssertOnLoop();
                     if (state_ == State::kReady) PrepareLevels();
                   }),
      reads_(parts.loop),
      replies_(parts.loop) {
  redis::ConnectionObserver& self = *this;
  connection_ = std::make_unique<redis::Connection>(parts.loop, parts.options.redis, self, stats_);
}

void JobReader::Open() {
  health_.Down(Health::Line::kReader, "No connection for reading yet");
  if (!ended()) connection_->Open();
}

// ---- The group ----

void JobReader::OnReady(int) {
  claim_refused_ = false;
  Prepare();
}

void JobReader::Prepare() {
  if (stopping_ || reading_ || connection_->state() != redis::Connection::State::kReady) return;
  state_ = State::kPreparing;
  replies_.Forget();
  interrupting_ = false;
  const std::array<std::string_view, 2> whoami = {"CLIENT", "ID"};
  replies_.Send(*connection_, whoami, [this](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    client_id_ = answer.reply.integer;
  });
  AskServer();
  for (Level& level : levels_) level.is_open = level.is_asked = false;
  PrepareLevels();
}

// Its answer comes before those that make this ready.
void JobReader::AskServer() {
  can_claim_ = false;
  // Several levels are read by a script, so that the urgent ones go first.
  if (parts_.options.levels.size() > 1 || claim_refused_) return;
  const std::array<std::string_view, 2> info = {"INFO", "server"};
  replies_.Send(*connection_, info, [this](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    can_claim_ = !answer.error && HasClaim(answer.reply.text);
  });
}

// ---- Reading ----

void JobReader::Read(std::size_t count, bool claims) {
  assert(ready() && count > 0 && (can_claim_ || !claims));
  claims_ = claims;
  ++parts_.stats.reads;
  count = std::min(count, kMostRead);
  if (parts_.options.levels.size() == 1) {
    ReadOne(count);
  } else {
    ReadLevels(count);
  }
}

void JobReader::ReadOne(std::size_t count) {
  std::vector<std::string> command = {"XREADGROUP",        "GROUP", parts_.options.group,
                                      parts_.options.name, "COUNT", std::to_string(count)};
  // Where the last one was refused, it is to be known at once whether this one is.
  const bool waits = !refused_;
  if (waits) {
    command.emplace_back("BLOCK");
    command.push_back(std::to_string(WaitMs(parts_.options.lease_ms)));
  }
  if (claims_) {
    command.emplace_back("CLAIM");
    command.push_back(std::to_string(parts_.options.lease_ms));
  }
  command.emplace_back("STREAMS");
  command.push_back(parts_.options.levels.front());
  command.emplace_back(">");
  Ask(std::move(command), waits, &JobReader::OnRead);
}

// The places of a round at its end are the lower levels', one each; the others go by urgency.
std::uint32_t JobReader::OwedAt(std::uint64_t place) const {
  const auto lower = static_cast<std::uint32_t>(parts_.options.levels.size()) - 1;
  const auto in_round = static_cast<std::uint32_t>(place % kRound);
  return in_round + lower < kRound ? 0 : in_round + lower - kRound + 1;
}

void JobReader::Ask(std::vector<std::string> command, bool waits,
                    void (JobReader::*took)(Answer& answer)) {
  reading_ = true;
  waiting_ = waits;
  health_.Asked(waits ? WaitMs(parts_.options.lease_ms) : 0);
  reads_.Send(
      *connection_, command,
      [this, took](Answer& answer) {
        parts_.loop.AssertOnLoop();
        reading_ = false;
        waiting_ = false;
        health_.Answered();
        using Kind = resp::Reply::Kind;
        const Kind kind = answer.reply.kind;
        if (answer.error && IsRefusedClaim(answer.error)) {
          Over();
        } else if (answer.error) {
          OnFailed(answer.error, answer.has_no_group());
        } else if (kind != Kind::kArray && kind != Kind::kNull) {
          OnRefused(answer.Unreadable("A read"));
        } else {
          (this->*took)(answer);
        }
      },
      waits ? resp::Stage::kBlocking : 0);
}

// The server does not know the word after all. What else it may mean by such an error, it says to
// the read without it.
bool JobReader::IsRefusedClaim(const Error& error) {
  const bool is_refused =
      claims_ && error.code == ErrorCode::kReply && error.message.starts_with("ERR ");
  if (is_refused) {
    can_claim_ = false;
    claim_refused_ = true;
  }
  return is_refused;
}

void JobReader::OnGoodRead() {
  backoff_.Reset();
  was_without_group_ = false;
  parts_.faults.Answered(Task::kRead, 0);
  if (std::exchange(refused_, false)) health_.Up(Health::Line::kReader);
}

// [[stream, [entry ...]] ...], or null where the time was up.
void JobReader::OnRead(Answer& answer) {
  OnGoodRead();
  for (resp::Reply& stream : answer.reply.elements) {
    if (stream.elements.size() != 2) continue;
    const auto& levels = parts_.options.levels;
    const auto found = std::find(levels.begin(), levels.end(), stream.elements[0].text);
    const auto level = static_cast<std::uint32_t>(found - levels.begin());
    for (resp::Reply& entry : stream.elements[1].elements) Take(level, entry, answer.sent_at);
  }
  Over();
}

void JobReader::Take(std::uint32_t level, resp::Reply& entry, std::uint64_t sent_at) {
  // With CLAIM: [id, fields, ms since it was delivered last, deliveries before this one].
  const std::size_t size = entry.elements.size();
  if (level >= parts_.options.levels.size() || (size != 2 && size != 4)) return;
  // One without fields is pending, but not in the stream any more.
  const bool is_gone = entry.elements[1].is_null();
  std::optional<std::vector<std::string>> fields = TakeFields(entry.elements[1]);
  if (!fields) return;
  ++taken_;
  const std::int64_t before = size == 4 ? entry.elements[3].integer : 0;
  observer_.OnTaken({.level = level,
                     .deliveries = static_cast<std::uint32_t>(before) + 1,
                     .id = std::move(entry.elements[0].text),
                     .fields = *std::move(fields),
                     .sent_at = sent_at,
                     .claimed = before > 0 || is_gone});
}

void JobReader::Over() {
  parts_.Changed();
  // The last thing: it may be the end of all.
  if (stopping_) connection_->Close({ErrorCode::kClosed, "The consumer was closed"});
}

void JobReader::OnFailed(const Error& error, bool has_no_group) {
  // Where the connection was lost, OnClosed tells of it, and its coming back prepares all anew.
  const bool is_lost = error.code != ErrorCode::kReply && error.code != ErrorCode::kCommandTimeout;
  if (is_lost && !stopping_) return;
  if (has_no_group) TellLost(error);
  // Once: where it is missing again at once, making it does not help.
  const bool is_made = has_no_group && !std::exchange(was_without_group_, true);
  if (!is_made || stopping_) return OnRefused(error);
  state_ = State::kPreparing;
  Prepare();
}

// What was asked is asked again after a while.
void JobReader::OnRefused(const Error& error) {
  if (stopping_) return Over();
  if (connection_->state() != redis::Connection::State::kReady) return;
  state_ = State::kPreparing;
  for (Level& level : levels_) level.is_asked = false;
  refused_ = true;
  health_.Down(Health::Line::kReader, error.message);
  parts_.faults.Refused(Task::kRead, 0, error, Loop::Now());
  retry_->Start(backoff_.NextDelay());
}

void JobReader::OnNotNow(const Error& why) {
  if (stopping_) return;
  health_.Down(Health::Line::kReader, why.message);
  parts_.faults.Refused(Task::kRead, 0, why, Loop::Now());
}

void JobReader::OnClosed(const Error& why) {
  state_ = State::kClosed;
  can_claim_ = false;
  refused_ = false;
  retry_->Stop();
  level_pause_.Stop();
  health_.Down(Health::Line::kReader, why.message);
  if (!stopping_) observer_.OnReadError(why);
}

// ---- Stopping ----

void JobReader::Interrupt() {
  if (!waiting_ || interrupting_ || client_id_ == 0 || !parts_.CanWork()) return;
  interrupting_ = true;
  const std::array<std::string, 3> unblock = {"CLIENT", "UNBLOCK", std::to_string(client_id_)};
  replies_.Send(parts_.work, std::span<const std::string>(unblock), [this](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    interrupting_ = false;
    // 0: the read has not got there yet, or its answer is on the way.
    if (!answer.error && answer.reply.integer == 0 && stopping_ && reading_) {
      retry_ = std::make_unique<Timer>(parts_.loop, [this] {
        parts_.loop.AssertOnLoop();
        Interrupt();
      });
      retry_->Start(5);
    }
  });
}

void JobReader::Stop() {
  if (std::exchange(stopping_, true) || ended()) return;
  retry_->Stop();
  level_pause_.Stop();
  if (!reading_) return Over();
  // Without anybody to interrupt it, it is cut off: what it may have brought is left to be
  // recovered.
  if (waiting_ && !parts_.CanWork()) return Over();
  Interrupt();
}

void JobReader::Close(const Error& why) {
  stopping_ = true;
  retry_->Stop();
  level_pause_.Stop();
  connection_->Close(why);
}

}  // namespace sideloop::lease
