#include "lease/turn_subscription.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "redis/one_reply.h"
#include "resp/refusal.h"

namespace sideloop::lease {

namespace {

// Pauses are as those of a lease of so long.
constexpr std::uint64_t kPauseLeaseMs = 8'000;

redis::Options OptionsOf(const redis::Options& client) {
  // Of the answer to SUBSCRIBE. Those who wait have bounds of their own.
  constexpr std::uint64_t kSilenceMs = 30'000;
  redis::Options options = DedicatedOptions(client, kSilenceMs);
  // Under RESP2 the answer to SUBSCRIBE is the reply of that command.
  options.protocol = 2;
  if (!options.client_name.empty()) options.client_name += ":wakes";
  // Nothing is sent on it, so that only the kernel can find out that the other side is gone.
  constexpr std::uint64_t kKeepAliveMs = 15'000;
  options.keep_alive_ms = std::min(options.keep_alive_ms.value_or(kKeepAliveMs), kKeepAliveMs);
  return options;
}

}  // namespace

class TurnSubscription::Subscribing final : public redis::OneReply {
 public:
  explicit Subscribing(TurnSubscription& turns) : turns_(&turns) {}
  void Orphan() { turns_ = nullptr; }

 private:
  void OnReply(resp::Reply reply) override {
    if (turns_ == nullptr) return;
    turns_->loop_.AssertOnLoop();
    turns_->subscribing_ = nullptr;
    if (reply.is_error()) return turns_->OnRefused(std::move(reply.text));
    turns_->pause_.Reset();
    turns_->subscribed_ = true;
    turns_->listener_.OnSubscribed();
  }
  // It is sent again when the connection is back.
  void OnFailure(const Error&) override {
    if (turns_ != nullptr) turns_->subscribing_ = nullptr;
  }

  TurnSubscription* turns_;
};

TurnSubscription::TurnSubscription(Loop& loop, const redis::Options& options, std::string channel,
                                   TurnListener& listener)
    : loop_(loop),
      most_attempts_(options.attempts_per_command),
      channel_(std::move(channel)),
      listener_(listener),
      pause_(loop, kPauseLeaseMs, [this] {
        loop_.AssertOnLoop();
        if (subscribing_ == nullptr && connection_ != nullptr && connection_->is_ready()) {
          Subscribe();
        }
      }) {
  DedicatedConnection::Owner& owner = *this;
  connection_ = DedicatedConnection::Open(loop_, OptionsOf(options),
                                          DedicatedConnection::Use::kSubscription, owner);
}

TurnSubscription::~TurnSubscription() {
  if (subscribing_ != nullptr) subscribing_->Orphan();
  if (connection_ != nullptr) connection_->Close();
}

void TurnSubscription::OnReady() { Subscribe(); }

void TurnSubscription::Subscribe() {
  const std::string_view subscribe[] = {"SUBSCRIBE", channel_};
  subscribing_ = new Subscribing(*this);
  connection_->get().Send(subscribe, *subscribing_);
}

// Where it hangs up then, it is sent on the next connection.
void TurnSubscription::OnRefused(std::string words) {
  if (resp::RefusalOf(words) == resp::Refusal::kNotNow) return pause_.Begin();
  listener_.OnTurnsFailed({ErrorCode::kReply, std::move(words)});
}

void TurnSubscription::OnDown(const Error& why, std::uint32_t attempts) {
  subscribed_ = false;
  if (resp::RefusalOf(why.message) == resp::Refusal::kNotNow) return;
  // A refused password is not a matter of waiting.
  if (why.code == ErrorCode::kAuth || why.code == ErrorCode::kHandshake ||
      attempts > most_attempts_) {
    listener_.OnTurnsFailed(why);
  }
}

// `message`, the channel, and `<waiter>` or `<waiter>:<ms>`.
void TurnSubscription::OnPush(const resp::Reply& message) {
  if (message.elements.size() != 3 || message.elements[0].text != "message") return;
  const std::string& text = message.elements[2].text;
  const char* const end = text.data() + text.size();
  std::int64_t waiter = 0;
  std::uint64_t ms = 0;
  const auto number = std::from_chars(text.data(), end, waiter);
  if (number.ec != std::errc()) return;
  if (number.ptr == end) {
    listener_.OnTurn(waiter);
  } else if (std::from_chars(number.ptr + 1, end, ms).ec == std::errc()) {
    listener_.OnTurnAhead(waiter, ms);
  }
}

void TurnSubscription::OnEnded(const Error&) {
  subscribed_ = false;
  connection_.reset();
}

}  // namespace sideloop::lease
