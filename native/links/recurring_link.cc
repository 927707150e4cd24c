#include "links/recurring_link.h"

#include <array>
#include <cassert>
#include <string_view>
#include <utility>

namespace sideloop {

namespace {

// The reason's name in JS.
std::string_view NameOf(redis::RecurringEnd why) {
  switch (why) {
    case redis::RecurringEnd::kCount:
      return "count";
    case redis::RecurringEnd::kTime:
      return "time";
    case redis::RecurringEnd::kObserver:
      return "error";
    case redis::RecurringEnd::kStopped:
      return "stopped";
    case redis::RecurringEnd::kConnection:
      return "connection";
    case redis::RecurringEnd::kLoop:
      return "loop";
  }
  return "stopped";
}

}  // namespace

RecurringLink::RecurringLink(std::shared_ptr<RedisLink> client, std::int64_t id,
                             std::vector<std::string> command, Options options)
    : client_(std::move(client)),
      id_(id),
      command_(std::move(command)),
      options_(std::move(options)) {}

// Invariant: the command is over, as it holds a share of the link until then.
RecurringLink::~RecurringLink() { assert(self_ == nullptr); }

bool RecurringLink::PostStart() {
  return client_->loop().PostControl([self = shared_from_this()] {
    self->client_->loop().loop().AssertOnLoop();
    self->Start();
  });
}

void RecurringLink::PostStop() {
  const bool accepted = client_->loop().PostControl([self = shared_from_this()] {
    self->client_->loop().loop().AssertOnLoop();
    self->stopped_ = true;
    if (self->recurring_ != nullptr) self->recurring_->Stop();
  });
  (void)accepted;  // else the loop's own end ends the command
}

void RecurringLink::Start() {
  if (stopped_) return Tell(NameOf(redis::RecurringEnd::kStopped));
  redis::Connection* connection = client_->TryUse();
  if (connection == nullptr) return Tell(NameOf(redis::RecurringEnd::kConnection));
  self_ = shared_from_this();
  const std::vector<std::string_view> arguments(command_.begin(), command_.end());
  redis::RecurringObserver& observer = *this;
  recurring_ =
      std::make_unique<redis::Recurring>(client_->loop().loop(), client_->Alarms(), *connection,
                                         arguments, options_.recurring, observer, stats_);
  recurring_->Start();
}

bool RecurringLink::OnRun(const redis::RecurringRun& run) {
  const bool refused =
      run.outcome == redis::RecurringRun::Outcome::kFailed && run.error.code == ErrorCode::kReply;
  if (!refused || !options_.end_on_error) return true;
  error_ = run.error;
  return false;
}

void RecurringLink::OnRecurringEnd(redis::RecurringEnd why) {
  Tell(NameOf(why));
  // The command is on the stack: it may go when this callback is over.
  client_->loop().loop().ReleaseLater(std::move(self_));
}

void RecurringLink::Tell(std::string_view reason) {
  const std::string_view code = error_ ? sideloop::NameOf(error_.code) : std::string_view();
  const std::array<ReplyWriter::Argument, 4> arguments = {id_, reason, code,
                                                          std::string_view(error_.message)};
  client_->OnEvent("recurring", arguments);
}

}  // namespace sideloop
