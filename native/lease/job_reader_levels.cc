// The levels of a reader, each with a group: a level that fails does so alone.
#include <algorithm>
#include <array>
#include <utility>

#include "lease/consumer_scripts.h"
#include "lease/job_reader.h"

namespace sideloop::lease {

// ---- Their groups ----

void JobReader::PrepareLevels() {
  if (stopping_ || connection_->state() != redis::Connection::State::kReady) return;
  for (std::uint32_t level = 0; level < levels_.size(); ++level) {
    if (levels_[level].is_open || std::exchange(levels_[level].is_asked, true)) continue;
    const std::array<std::string_view, 6> create = {"XGROUP",
                                                    "CREATE",
                                                    parts_.options.levels[level],
                                                    parts_.options.group,
                                                    parts_.options.start,
                                                    "MKSTREAM"};
    replies_.Send(*connection_, create, [this, level](const Answer& answer) {
      parts_.loop.AssertOnLoop();
      OnPrepared(level, answer);
    });
  }
}

void JobReader::OnPrepared(std::uint32_t level, const Answer& answer) {
  // Its coming back prepares all anew.
  if (connection_->state() != redis::Connection::State::kReady) return;
  const Error& error = answer.error;
  if (!error && levels_[level].had_group) {
    observer_.OnGroupLost(level);
    observer_.OnReadError(MadeAnew(level));
  }
  if (!error || error.message.starts_with("BUSYGROUP")) return Prepared(level, {});
  // A server that is out of memory, or forbids the command, does not look whether there is a group:
  // the acks of what is read may be what gives it memory again.
  const bool is_blind = error.message.starts_with("OOM ") || error.message.starts_with("NOPERM ");
  if (error.code == ErrorCode::kReply && is_blind) return LookForGroup(level, error);
  Prepared(level, error);
}

// Nobody knows any more what of the stream was done.
Error JobReader::MadeAnew(std::uint32_t level) const {
  const ConsumerOptions& options = parts_.options;
  return {
      ErrorCode::kGroupLost,
      "The group '" + options.group + "' of '" + options.levels[level] +
          "' was gone, by FLUSHALL or DEL perhaps, and was made anew at " + options.start +
          ": what the stream holds behind that is delivered, though it may have been done before"};
}

// It may be another consumer that makes the group anew, and then there is nothing to make here. Of
// several levels the server's words name the one that was read; where they do not, renewals tell.
void JobReader::TellLost(const Error& no_group) {
  const auto& names = parts_.options.levels;
  for (std::uint32_t level = 0; level < levels_.size(); ++level) {
    const bool is_it =
        levels_.size() == 1 || no_group.message.find("'" + names[level] + "'") != std::string::npos;
    if (is_it && levels_[level].had_group) observer_.OnGroupLost(level);
  }
}

void JobReader::LookForGroup(std::uint32_t level, const Error& refusal) {
  const std::array<std::string_view, 3> groups = {"XINFO", "GROUPS", parts_.options.levels[level]};
  replies_.Send(*connection_, groups, [this, level, refusal](const Answer& answer) {
    parts_.loop.AssertOnLoop();
    if (connection_->state() != redis::Connection::State::kReady) return;
    const auto& all = answer.reply.elements;
    const bool is_there =
        !answer.error && std::any_of(all.begin(), all.end(), [this](const resp::Reply& group) {
          return group.elements.size() > 1 && group.elements[1].text == parts_.options.group;
        });
    Prepared(level, is_there ? Error{} : refusal);
  });
}

// With nothing, its group is there.
void JobReader::Prepared(std::uint32_t level, const Error& why) {
  levels_[level].is_asked = false;
  levels_[level].is_open = !why;
  levels_[level].had_group |= !why;
  if (why && levels_.size() == 1) return OnRefused(why);
  if (why) CloseLevel(level, why);
  if (state_ == State::kPreparing) {
    const bool is_asking =
        std::any_of(levels_.begin(), levels_.end(), [](const Level& one) { return one.is_asked; });
    if (is_asking) return;
    if (!AnyOpen()) return retry_->Start(backoff_.NextDelay());
    state_ = State::kReady;
    // Where reads are refused, it takes one that is not.
    if (!refused_) health_.Up(Health::Line::kReader);
  }
  parts_.Changed();
}

void JobReader::RetryUnlessAsking() {
  if (AnyAsked() || stopping_) return;
  refused_ = true;
  health_.Down(Health::Line::kReader, levels_.front().why);
  retry_->Start(backoff_.NextDelay());
}

bool JobReader::AnyAsked() const {
  return std::any_of(levels_.begin(), levels_.end(), [](const Level& one) { return one.is_asked; });
}

bool JobReader::AnyOpen() const {
  return std::any_of(levels_.begin(), levels_.end(), [](const Level& one) { return one.is_open; });
}

void JobReader::CloseLevel(std::uint32_t level, const Error& why) {
  levels_[level].is_open = false;
  level_pause_.Begin();
  if (stopping_) return;
  levels_[level].why = why.message + " (of the key " + parts_.options.levels[level] + ")";
  parts_.faults.Refused(Task::kReadLevel, level, why, Loop::Now());
}

// ---- Reading several ----

void JobReader::ReadLevels(std::size_t count) {
  std::vector<std::size_t> owed(parts_.options.levels.size(), 0);
  for (std::uint64_t i = 0; i < count; ++i) ++owed[OwedAt(taken_ + i)];
  read_.clear();
  for (std::uint32_t level = 0; level < levels_.size(); ++level) {
    if (levels_[level].is_open) read_.push_back(level);
  }
  std::vector<std::string> command = {"EVAL", std::string(kReadLevels),
                                      std::to_string(read_.size())};
  for (const std::uint32_t level : read_) command.push_back(parts_.options.levels[level]);
  command.push_back(parts_.options.group);
  command.push_back(parts_.options.name);
  command.push_back(std::to_string(count));
  for (std::size_t i = 1; i < read_.size(); ++i) {
    command.push_back(std::to_string(owed[read_[i]]));
  }
  Ask(std::move(command), false, &JobReader::OnLevels);
}

void JobReader::WaitForLevels() {
  std::vector<std::string> command = {"XREADGROUP",
                                      "GROUP",
                                      parts_.options.group,
                                      parts_.options.name,
                                      "COUNT",
                                      "1",
                                      "BLOCK",
                                      std::to_string(WaitMs(parts_.options.lease_ms)),
                                      "STREAMS"};
  std::size_t open = 0;
  for (std::uint32_t level = 0; level < levels_.size(); ++level) {
    if (!levels_[level].is_open) continue;
    command.push_back(parts_.options.levels[level]);
    ++open;
  }
  command.insert(command.end(), open, ">");
  Ask(std::move(command), true, &JobReader::OnRead);
}

// [[[entry ...] of each level], [an error or nothing of each]]: put into the order of urgency, but
// for what is owed.
void JobReader::OnLevels(Answer& answer) {
  auto& parts = answer.reply.elements;
  const bool is_whole = parts.size() == 2 && parts[0].elements.size() == read_.size() &&
                        parts[1].elements.size() == read_.size();
  if (!is_whole) return OnRefused(answer.Unreadable("A read"));
  std::vector<std::vector<resp::Reply>> found(levels_.size());
  std::size_t left = 0;
  for (std::size_t i = 0; i < read_.size(); ++i) {
    found[read_[i]] = std::move(parts[0].elements[i].elements);
    left += found[read_[i]].size();
    OnLevelError(read_[i], parts[1].elements[i].text);
  }
  if (AnyOpen() || left > 0) OnGoodRead();
  if (left == 0 && !stopping_) {
    if (AnyOpen()) return WaitForLevels();
    state_ = State::kPreparing;
    return RetryUnlessAsking();
  }
  std::vector<std::size_t> next(levels_.size(), 0);
  const auto has = [&](std::uint32_t level) { return next[level] < found[level].size(); };
  for (; left > 0; --left) {
    std::uint32_t level = OwedAt(taken_);
    if (level >= levels_.size() || !has(level)) {
      level = 0;
      while (!has(level)) ++level;
    }
    Take(level, found[level][next[level]++], answer.sent_at);
  }
  Over();
}

// Where its group is missing it is made anew; the first time at once.
void JobReader::OnLevelError(std::uint32_t level, const std::string& words) {
  if (words.empty()) {
    levels_[level].why.clear();
    parts_.faults.Answered(Task::kReadLevel, level);
    levels_[level].was_without_group = false;
    return;
  }
  const bool has_no_group = words.find("NOGROUP") != std::string::npos;
  if (has_no_group && levels_[level].had_group) observer_.OnGroupLost(level);
  if (has_no_group && !std::exchange(levels_[level].was_without_group, true)) {
    levels_[level].is_open = false;
    return PrepareLevels();
  }
  CloseLevel(level, {ErrorCode::kReply, words});
}

}  // namespace sideloop::lease
