#include "lease/faults.h"

#include <algorithm>
#include <utility>

#include "resp/refusal.h"

namespace sideloop::lease {

namespace {

// They have a line of their own in what health looks at, and need no script where there is one
// level.
bool IsRead(Task task) { return task == Task::kRead || task == Task::kReadLevel; }

// Since Redis 7 an error of a script ends with where in the script it was met, which differs from
// script to script, and says nothing to who has not written it.
std::string_view WithoutPlace(std::string_view words) {
  const std::size_t at = words.rfind(" script: ");
  const bool is_place = at != std::string_view::npos && words.find(", on @", at) != words.npos;
  return is_place ? words.substr(0, at) : words;
}

// What a script says of a command in it that its user may not call: of Redis 6 and 7.0, and later.
bool IsForbidden(std::string_view words) {
  return resp::RefusalOf(words) == resp::Refusal::kNotPermitted ||
         words.find("The user executing the script can't") != words.npos ||
         words.find("ACL failure in script") != words.npos;
}

// No script whatever may be run.
bool ForbidsScripts(std::string_view words) {
  return words.starts_with("NOPERM ") && words.find("'eval' command") != words.npos;
}

}  // namespace

void Faults::Refused(Task task, std::uint32_t level, const Error& why, std::uint64_t now) {
  Error told = why;
  told.message = WithoutPlace(why.message);
  const bool is_of_key = why.code == ErrorCode::kReply && task != Task::kMove &&
                         resp::RefusalOf(told.message) == resp::Refusal::kNo &&
                         !IsForbidden(told.message);
  if (is_of_key) told.message += " (of the key " + keys_[level] + ")";
  const bool is_news = !Holds(told.message) &&
                       std::none_of(heard_.begin(), heard_.end(),
                                    [&](const Heard& one) { return one.words == told.message; });
  Remember(task, level, told.message, now);
  if (is_news) observer_.OnFault(told);
}

bool Faults::RefusedJob(Task task, std::uint32_t level, const Error& why, std::uint64_t now) {
  const std::string words(WithoutPlace(why.message));
  const bool is_news = IsHeardAnew(words, now);
  if (IsForbidden(words)) Remember(task, level, words, now);
  return is_news;
}

void Faults::Complained(std::string_view words, std::uint64_t now) {
  words = WithoutPlace(words);
  if (!words.empty() && IsHeardAnew(words, now)) {
    observer_.OnFault({ErrorCode::kReply, std::string(words)});
  }
}

void Faults::Remember(Task task, std::uint32_t level, const std::string& words, std::uint64_t now) {
  const bool is_forbidden = !IsRead(task) && IsForbidden(words);
  const auto known = std::find_if(refused_.begin(), refused_.end(), [&](const Refusal& one) {
    return one.task == task && one.level == level;
  });
  if (known == refused_.end()) {
    refused_.push_back({task, level, words, is_forbidden, now});
  } else {
    known->words = words;
    known->is_forbidden = is_forbidden;
    known->at = now;
  }
  TellForbidden();
}

void Faults::Forget(Task task, std::uint32_t level) {
  std::erase_if(refused_, [&](const Refusal& one) {
    const bool is_its_own = one.task == task && one.level == level;
    const bool holds_no_more = is_its_own || (!IsRead(task) && ForbidsScripts(one.words));
    if (holds_no_more) {
      std::erase_if(heard_, [&](const Heard& heard) { return heard.words == one.words; });
    }
    return holds_no_more;
  });
  if (told_forbidden_) TellForbidden();
}

void Faults::Lapse(std::uint64_t now) {
  std::erase_if(refused_, [&](const Refusal& one) {
    // Those are asked all the time.
    const bool lasts = IsRead(one.task) || one.task == Task::kMove;
    return !lasts && now >= one.at + lapse_ns_;
  });
  if (told_forbidden_) TellForbidden();
}

bool Faults::Holds(std::string_view words) const {
  return std::any_of(refused_.begin(), refused_.end(),
                     [&](const Refusal& one) { return one.words == words; });
}

bool Faults::IsHeardAnew(std::string_view words, std::uint64_t now) {
  bool is_new = !Holds(words);
  const auto known = std::find_if(heard_.begin(), heard_.end(),
                                  [&](const Heard& one) { return one.words == words; });
  if (known != heard_.end()) {
    is_new &= now >= known->at + kQuietNs;
    heard_.erase(known);
  } else if (heard_.size() == kMostHeard) {
    heard_.erase(heard_.begin());
  }
  heard_.push_back({std::string(words), now});
  return is_new;
}

// The first that holds: where several things are forbidden, the reason stays the same meanwhile.
void Faults::TellForbidden() {
  const auto first = std::find_if(refused_.begin(), refused_.end(),
                                  [](const Refusal& one) { return one.is_forbidden; });
  if (first != refused_.end()) {
    told_forbidden_ = true;
    observer_.OnForbidden(first->words);
  } else if (std::exchange(told_forbidden_, false)) {
    observer_.OnForbidden({});
  }
}

}  // namespace sideloop::lease
