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
  out_of_turn_ = RefTo(hooks, "failOutOfTurn");
  messages_ = RefTo(hooks, "messages");
  later_ = RefTo(hooks, "later");
  decoder_hooks_ = {RefTo(hooks, "pack"), RefTo(hooks, "append"), RefTo(hooks, "nestedError"),
                    RefTo(hooks, "bigInt")};
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
  // Rule 3. All are asked before the first is waited for, and one deadline is for all: a file
  // system that does not answer may hold a thread of libuv's pool, and with it a loop's thread.
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
    if (!is_reading_) Begin(delivery);
    budget -= std::min(budget, ReadFrom(delivery, budget));
    if (!open_ || !reader_.done()) continue;
    is_reading_ = false;
    if (delivery.purpose == Delivery::Purpose::kReplies) FailUnread(delivery);
    Settled(delivery.target, delivery.settled);
    outbox_->Recycle(std::move(draining_[next_delivery_++]));
  }
  // The budget is used up. Whether more has come is seen then: a ring that was ignored because a
  // later turn had been asked for must not be the last.
  later_asked_ = open_;
  return later_asked_;
}

void Environment::Begin(Delivery& delivery) {
  is_reading_ = true;
  reader_ = DeliveryReader(delivery);
  settled_here_ = 0;
}

// Reads on in the delivery that reader_ stands in. Returns how much of the budget that took.
std::uint32_t Environment::ReadFrom(const Delivery& delivery, std::uint32_t budget) {
  switch (delivery.purpose) {
    case Delivery::Purpose::kReplies:
      return SettleFrom(delivery, budget);
    case Delivery::Purpose::kEvent:
      TellOf(delivery);
      return 0;
    case Delivery::Purpose::kOutOfTurn:
      return FailOutOfTurn(delivery);
    case Delivery::Purpose::kMessages:
      return PassFrom(delivery, budget);
  }
  return 0;
}

// Settles up to `budget` commands. Returns how many.
std::uint32_t Environment::SettleFrom(const Delivery& delivery, std::uint32_t budget) {
  const std::uint32_t before = settled_here_;
  ValueKind kind{};
  while (settled_here_ - before < budget && reader_.Peek(kind)) {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    arguments_.assign(1, NumberOf(delivery.target));
    if (kind == ValueKind::kError) {
      Value error;
      if (reader_.Next(error) && CountSettled(delivery, Delivery::FailedBy(error.text))) {
        CallFail(fail_, error.text);
      }
    } else {
      while (arguments_.size() <= Decoder::kChunk && settled_here_ - before < budget &&
             reader_.Peek(kind) && kind != ValueKind::kError) {
        napi_value value = nullptr;
        if (!decoder_->Read(reader_, value) || !CountSettled(delivery, 1)) break;
        arguments_.push_back(value);
      }
      if (arguments_.size() > 1) CallSettle(settle_);
    }
    napi_close_handle_scope(env_, scope);
  }
  return settled_here_ - before;
}

// Promises are settled in order, so one too many would take the next delivery's.
bool Environment::CountSettled(const Delivery& delivery, std::uint32_t commands) {
  if (commands > delivery.settled - settled_here_) {
    return reader_.Break("it settles more commands than it says");
  }
  settled_here_ += commands;
  return true;
}

// What can't be read fails by name, so that the next delivery meets its own commands.
void Environment::FailUnread(const Delivery& delivery) {
  const std::uint32_t left = delivery.settled - settled_here_;
  if (left == 0) return;
  reader_.Break("it settles fewer commands than it says");
  napi_handle_scope scope;
  napi_open_handle_scope(env_, &scope);
  arguments_.assign(1, NumberOf(delivery.target));
  CallFail(fail_, Delivery::TextOf(left, {ErrorCode::kDelivery, Unreadable(), true}));
  napi_close_handle_scope(env_, scope);
}

// Returns how many commands fail.
std::uint32_t Environment::FailOutOfTurn(const Delivery& delivery) {
  Value ahead;
  Value error;
  napi_handle_scope scope;
  napi_open_handle_scope(env_, &scope);
  const bool whole = reader_.Next(ahead) && ahead.kind == ValueKind::kInteger &&
                     reader_.Next(error) && error.kind == ValueKind::kError && reader_.done();
  if (whole) {
    napi_value place = nullptr;
    napi_create_int64(env_, ahead.number, &place);
    arguments_.assign({NumberOf(delivery.target), place});
    CallFail(out_of_turn_, error.text);
  } else {
    ThrowUnreadable();
  }
  napi_close_handle_scope(env_, scope);
  return Delivery::FailedBy(error.text);
}

// An event: a name, and an array of its arguments.
void Environment::TellOf(const Delivery& delivery) {
  napi_handle_scope scope;
  napi_open_handle_scope(env_, &scope);
  arguments_.assign(1, NumberOf(delivery.target));
  for (int i = 0; i < 2; ++i) {
    napi_value value = nullptr;
    if (decoder_->Read(reader_, value)) arguments_.push_back(value);
  }
  if (arguments_.size() == 3 && reader_.done()) {
    CallSettle(event_);
  } else {
    ThrowUnreadable();
  }
  napi_close_handle_scope(env_, scope);
}

// Hands on messages, up to `budget` of them. Returns how many.
std::uint32_t Environment::PassFrom(const Delivery& delivery, std::uint32_t budget) {
  std::uint32_t passed = 0;
  while (!reader_.done() && passed < budget) {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    arguments_.assign(1, NumberOf(delivery.target));
    while (!reader_.done() && arguments_.size() <= Decoder::kChunk) {
      napi_value value = nullptr;
      if (!decoder_->Read(reader_, value)) break;
      arguments_.push_back(value);
      ++passed;
    }
    if (arguments_.size() > 1) CallSettle(messages_);
    if (reader_.broken_because() != nullptr) ThrowUnreadable();
    napi_close_handle_scope(env_, scope);
  }
  return passed;
}

void Environment::CallFail(napi_ref function, std::string_view text) {
  napi_value message = nullptr;
  napi_create_string_utf8(env_, text.data(), text.size(), &message);
  arguments_.push_back(message);
  CallSettle(function);
}

std::string Environment::Unreadable() const {
  const char* because = reader_.broken_because();
  return std::string("What came back from the loop thread could not be read (") +
         (because != nullptr ? because : "it ends too soon") +
         "). This is a defect of sideloop: report it";
}

// Of what settles nothing: nobody waits for it who could be told, so all are.
void Environment::ThrowUnreadable() {
  const std::string text = Unreadable();
  napi_value code = nullptr;
  napi_value message = nullptr;
  napi_value error = nullptr;
  napi_create_string_utf8(env_, "ERR_SIDELOOP_DELIVERY", NAPI_AUTO_LENGTH, &code);
  napi_create_string_utf8(env_, text.data(), text.size(), &message);
  reader_.Break("it ends too soon");
  if (napi_create_error(env_, code, message, &error) == napi_ok) napi_fatal_exception(env_, error);
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
