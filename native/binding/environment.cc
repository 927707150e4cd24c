#include "binding/environment.h"

#include <algorithm>

#include "base/nanoseconds.h"
#include "resp/encoder.h"

namespace sideloop::binding {

namespace {

napi_ref RefTo(Napi::Object hooks, const char* name) {
  napi_ref ref = nullptr;
  napi_create_reference(hooks.Env(), hooks.Get(name), 1, &ref);
  return ref;
}

// Native code was called by Node on the environment's thread: that is what the role means.
void AssertOnJs() ASSERTS_ON_JS;
void AssertOnJs() {}

}  // namespace

Environment& Environment::Of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return *static_cast<Environment*>(data);
}

Environment::Environment(Napi::Env env) : env_(env), outbox_(std::make_shared<Outbox>(*this)) {}

Environment::~Environment() {
  AssertOnJs();
  Shutdown();
}

void Environment::Open(Napi::Object hooks) {
  settle_ = RefTo(hooks, "settle");
  fail_ = RefTo(hooks, "fail");
  event_ = RefTo(hooks, "event");
  messages_ = RefTo(hooks, "messages");
  later_ = RefTo(hooks, "later");
  decoder_hooks_ = {RefTo(hooks, "pack"), RefTo(hooks, "append"), RefTo(hooks, "nestedError")};
  decoder_ = std::make_unique<Decoder>(env_, decoder_hooks_);
  napi_value name = nullptr;
  napi_create_string_utf8(env_, "sideloop", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                  &OnRing, &bell_rope_);
  napi_unref_threadsafe_function(env_, bell_rope_);
  // Rule 2.
  napi_add_env_cleanup_hook(env_, &OnCleanup, this);
  open_ = true;
}

void Environment::OnCleanup(void* environment) {
  AssertOnJs();
  static_cast<Environment*>(environment)->Shutdown();
}

void Environment::Shutdown() {
  if (!std::exchange(open_, false)) return;
  outbox_->Close();
  // Rule 5.
  for (const auto& attachment : attachments_.Take()) attachment->PostDetach();
  // Rule 3. All are asked before the first is waited for, and one deadline is for all: a name
  // server that does not answer may hold a thread of libuv's pool, and with it a loop's thread.
  const auto loops = loops_.Take();
  for (const auto& loop : loops) loop->RequestDestroy();
  const std::uint64_t deadline = Loop::Now() + ToNs(kShutdownMs);
  for (const auto& loop : loops) {
    const std::uint64_t now = Loop::Now();
    loop->Join(now < deadline ? (deadline - now) / kNsPerMs : 0);
  }
}

// An exit listener behind ours may make a loop, or attach to one.
void Environment::AddLoop(const std::shared_ptr<EventLoop>& loop) {
  if (!open_) {
    loop->Destroy();
    return;
  }
  loops_.Add(loop);
}

void Environment::AddAttachment(const std::shared_ptr<Attachment>& attachment) {
  if (!open_) {
    attachment->PostDetach();
    return;
  }
  attachments_.Add(attachment);
}

std::uint32_t Environment::AddTarget() {
  targets_.emplace_back();
  return static_cast<std::uint32_t>(targets_.size() - 1);
}

void Environment::Hold(std::uint32_t target, std::uint32_t count) {
  targets_[target].pending += count;
  ChangePending(targets_[target].referenced, count);
}

void Environment::Settled(std::uint32_t target, std::uint32_t count) {
  targets_[target].pending -= count;
  ChangePending(targets_[target].referenced, -std::int64_t{count});
}

void Environment::SetReferenced(std::uint32_t target, bool referenced) {
  Target& t = targets_[target];
  if (t.referenced == referenced) return;
  t.referenced = referenced;
  const auto pending = static_cast<std::int64_t>(t.pending);
  ChangePending(true, referenced ? pending : -pending);
}

// Rule 6.
void Environment::ChangePending(bool referenced, std::int64_t by) {
  if (!referenced || by == 0) return;
  const bool before = referenced_pending_ > 0;
  referenced_pending_ += static_cast<std::uint64_t>(by);
  const bool after = referenced_pending_ > 0;
  if (before == after || !open_) return;
  if (after) {
    napi_ref_threadsafe_function(env_, bell_rope_);
  } else {
    napi_unref_threadsafe_function(env_, bell_rope_);
  }
}

void Environment::SetCommands(std::string_view names) {
  auto table = std::make_shared<resp::CommandTable>();
  for (std::size_t end; (end = names.find('\n')) != names.npos; names.remove_prefix(end + 1)) {
    table->push_back(resp::EncodeArgument(std::string(names.substr(0, end))));
  }
  commands_ = std::move(table);
}

void Environment::Ring() {
  napi_call_threadsafe_function(bell_rope_, nullptr, napi_tsfn_nonblocking);
}

void Environment::OnRing(napi_env env, napi_value, void* context, void*) {
  AssertOnJs();
  auto* self = static_cast<Environment*>(context);
  if (env == nullptr || !self->open_) return;
  // A later turn has been asked for already: it takes this too, and keeps the order.
  if (self->later_asked_ || !self->Drain()) return;
  self->later_asked_ = true;
  self->arguments_.clear();
  self->CallSettle(self->later_);
}

bool Environment::Drain() {
  later_asked_ = false;
  outbox_->ShowLife();
  std::uint32_t budget = kSettledPerTurn;
  while (open_ && budget > 0) {
    if (next_delivery_ == draining_.size()) {
      draining_ = outbox_->Take();
      next_delivery_ = 0;
      if (draining_.empty()) return false;
    }
    Delivery& delivery = *draining_[next_delivery_];
    budget -= std::min(
        budget, delivery.is_messages ? PassFrom(delivery, budget) : SettleFrom(delivery, budget));
    if (!open_ || next_token_ < delivery.tokens.size()) continue;
    next_token_ = 0;
    Settled(delivery.target, delivery.settled);
    outbox_->Recycle(std::move(draining_[next_delivery_++]));
  }
  // The budget is used up. Whether more has come is seen then: a ring that was ignored because a
  // later turn had been asked for must not be the last.
  later_asked_ = open_;
  return later_asked_;
}

// Settles up to `budget` commands of the delivery, from next_token_ on, which it moves. Returns how
// many.
std::uint32_t Environment::SettleFrom(Delivery& delivery, std::uint32_t budget) {
  std::uint32_t settled = 0;
  while (next_token_ < delivery.tokens.size() && settled < budget) {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    arguments_.assign(1, NumberOf(delivery.target));
    const Delivery::Token& first = delivery.tokens[next_token_];
    if (first.kind == Delivery::Kind::kError) {
      ++next_token_;
      CallFail(delivery, first);
      settled += Delivery::FailedBy(delivery.TextOf(first));
    } else if (first.kind == Delivery::Kind::kEvent) {
      arguments_.push_back(decoder_->Read(delivery, next_token_));
      arguments_.push_back(decoder_->Read(delivery, next_token_));
      CallSettle(event_);
    } else {
      while (next_token_ < delivery.tokens.size() && arguments_.size() <= Decoder::kChunk &&
             settled < budget) {
        const Delivery::Kind kind = delivery.tokens[next_token_].kind;
        if (kind == Delivery::Kind::kError || kind == Delivery::Kind::kEvent) break;
        arguments_.push_back(decoder_->Read(delivery, next_token_));
        ++settled;
      }
      CallSettle(settle_);
    }
    napi_close_handle_scope(env_, scope);
  }
  return settled;
}

// Hands on messages, up to `budget` of them, from next_token_ on. Returns how many.
std::uint32_t Environment::PassFrom(Delivery& delivery, std::uint32_t budget) {
  std::uint32_t passed = 0;
  while (next_token_ < delivery.tokens.size() && passed < budget) {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    arguments_.assign(1, NumberOf(delivery.target));
    while (next_token_ < delivery.tokens.size() && arguments_.size() <= Decoder::kChunk) {
      arguments_.push_back(decoder_->Read(delivery, next_token_));
      ++passed;
    }
    CallSettle(messages_);
    napi_close_handle_scope(env_, scope);
  }
  return passed;
}

void Environment::CallFail(const Delivery& delivery, const Delivery::Token& token) {
  const std::string_view text = delivery.TextOf(token);
  napi_value message = nullptr;
  napi_create_string_utf8(env_, text.data(), text.size(), &message);
  arguments_.push_back(message);
  CallSettle(fail_);
}

// Calls one of the functions of lib/binding.ts. They only settle promises and hand events to
// microtasks: no user code runs inside, and an exception from one is a defect that must be seen.
void Environment::CallSettle(napi_ref function) {
  napi_value callee = nullptr;
  napi_value undefined = nullptr;
  napi_get_reference_value(env_, function, &callee);
  napi_get_undefined(env_, &undefined);
  if (napi_call_function(env_, undefined, callee, arguments_.size(), arguments_.data(), nullptr) !=
      napi_pending_exception) {
    return;
  }
  napi_value exception = nullptr;
  if (napi_get_and_clear_last_exception(env_, &exception) == napi_ok) {
    napi_fatal_exception(env_, exception);
  }
}

napi_value Environment::NumberOf(std::uint32_t n) {
  napi_value value = nullptr;
  napi_create_uint32(env_, n, &value);
  return value;
}

}  // namespace sideloop::binding
