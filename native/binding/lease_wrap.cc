#include "binding/lease_wrap.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "binding/elements.h"
#include "binding/environment.h"
#include "binding/figures.h"
#include "binding/redis_wrap.h"
#include "loop/loop.h"

namespace sideloop::binding {

namespace {

// lib/lease/acquire-options.ts has checked every one, and fills them in this order.
enum Option : std::size_t {
  kTtl,
  kRenewEvery,
  kRenewTimeout,
  kMaxLease,
  kMaxBlock,
  kWaits,
  kFor,
  kMostWaiters,
  kFenceTtl,
  kOptions
};

lease::AcquireRequest RequestOf(std::int64_t id, lease::LeaseKeys keys,
                                std::span<const double> values) {
  return {
      .id = id,
      .keys = std::move(keys),
      .terms = {.ttl_ms = static_cast<std::uint64_t>(values[kTtl]),
                .renew_every_ms = static_cast<std::uint64_t>(values[kRenewEvery]),
                .renew_timeout_ms = static_cast<std::uint64_t>(values[kRenewTimeout]),
                .max_lease_ms = Limit(values[kMaxLease]),
                .max_block_ms = Limit(values[kMaxBlock])},
      .waits = values[kWaits] != 0,
      .for_ms = Limit(values[kFor]),
      .most_waiters = static_cast<std::uint32_t>(values[kMostWaiters]),
      .fence_ttl_ms = Limit(values[kFenceTtl]),
  };
}

std::int64_t IdOf(Napi::Value value) { return value.As<Napi::Number>().Int64Value(); }

std::string TextOf(Napi::Value value) { return value.As<Napi::String>().Utf8Value(); }

}  // namespace

Napi::Function LeaseWrap::Define(Napi::Env env) {
  return DefineClass(env, "LeaseWrap",
                     {
                         InstanceAccessor("target", &LeaseWrap::GetTarget, nullptr),
                         InstanceMethod("acquire", &LeaseWrap::Acquire),
                         InstanceMethod("cancel", &LeaseWrap::Cancel),
                         InstanceMethod("release", &LeaseWrap::Release),
                         InstanceMethod("extend", &LeaseWrap::Extend),
                         InstanceMethod("close", &LeaseWrap::Close),
                         InstanceMethod("forget", &LeaseWrap::Forget),
                         InstanceMethod("validFor", &LeaseWrap::ValidFor),
                         InstanceMethod("stats", &LeaseWrap::Stats),
                         InstanceMethod("jitter", &LeaseWrap::Jitter),
                     });
}

LeaseWrap::LeaseWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  Environment& environment = Environment::Of(info.Env());
  const RedisWrap* redis = RedisWrap::Unwrap(info[0].As<Napi::Object>());
  if (redis == nullptr) return;  // the Worker was terminated: no JavaScript will see this object
  target_ = environment.AddTarget();
  const std::shared_ptr<SharedConnection>& connection = redis->link()->connection();
  link_ = std::make_shared<LeaseLink>(connection->loop(), connection->options(),
                                      environment.outbox(), target_);
  environment.AddAttachment(link_);
}

Napi::Value LeaseWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

// (id: number, lease: string, fence: string, queue: string, turn: string, options: Float64Array)
Napi::Value LeaseWrap::Acquire(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::int64_t id = IdOf(info[0]);
  lease::LeaseKeys keys = {TextOf(info[1]), TextOf(info[2]), TextOf(info[3]), TextOf(info[4])};
  const auto options = Elements<double>(info[5]);
  if (options.size() != kOptions)
    return Napi::Boolean::New(env, false);  // in a Worker that is terminated
  auto cell = std::make_shared<lease::LeaseCell>();
  const bool accepted = link_->PostAcquire(RequestOf(id, std::move(keys), options), cell);
  if (accepted) cells_.emplace(id, std::move(cell));
  return Napi::Boolean::New(env, accepted);
}

// (id: number)
Napi::Value LeaseWrap::Cancel(const Napi::CallbackInfo& info) {
  link_->PostCancel(IdOf(info[0]));
  return info.Env().Undefined();
}

// (id: number)
Napi::Value LeaseWrap::Release(const Napi::CallbackInfo& info) {
  link_->PostRelease(IdOf(info[0]));
  return info.Env().Undefined();
}

// (id: number, ms: number)
Napi::Value LeaseWrap::Extend(const Napi::CallbackInfo& info) {
  link_->PostExtend(IdOf(info[0]), static_cast<std::uint64_t>(IdOf(info[1])));
  return info.Env().Undefined();
}

Napi::Value LeaseWrap::Close(const Napi::CallbackInfo& info) {
  link_->PostClose();
  return info.Env().Undefined();
}

// (id: number)
Napi::Value LeaseWrap::Forget(const Napi::CallbackInfo& info) {
  cells_.erase(IdOf(info[0]));
  return info.Env().Undefined();
}

// (id: number): ms, which are negative where the window has closed.
Napi::Value LeaseWrap::ValidFor(const Napi::CallbackInfo& info) {
  const auto found = cells_.find(IdOf(info[0]));
  const std::uint64_t until = found == cells_.end() ? 0 : std::uint64_t{found->second->valid_until};
  return Napi::Number::New(info.Env(), until == 0 ? 0 : MsBetween(LeaseClock::Now(), until));
}

// (id: number)
Napi::Value LeaseWrap::Stats(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  const auto found = cells_.find(IdOf(info[0]));
  if (found == cells_.end()) return object;
  const lease::LeaseCell& cell = *found->second;
  object.Set("renewals", static_cast<double>(cell.renewals));
  object.Set("failed", static_cast<double>(cell.failed));
  object.Set("late", static_cast<double>(cell.late));
  return object;
}

// Of all the client's leases.
Napi::Value LeaseWrap::Jitter(const Napi::CallbackInfo& info) {
  return ToObject(info.Env(), link_->stats().jitter);
}

}  // namespace sideloop::binding
