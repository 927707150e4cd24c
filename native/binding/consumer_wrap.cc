#include "binding/consumer_wrap.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/lease_clock.h"
#include "base/nanoseconds.h"
#include "binding/elements.h"
#include "binding/environment.h"
#include "binding/figures.h"
#include "binding/redis_wrap.h"

namespace sideloop::binding {

namespace {

std::uint32_t NumberOf(Napi::Value value) { return value.As<Napi::Number>().Uint32Value(); }

// lib/lease/consumer-partition.ts has checked all, and fills them in these orders.
enum Text : std::size_t { kGroup, kName, kStart, kDelayed, kHistory, kDead, kFirstLevel };
enum Number : std::size_t {
  kLease,
  kRenewEvery,
  kMaxLease,
  kMaxBlock,
  kRecoverEvery,
  kMaxAttempts,
  kRoom,
  kDrop,
  kNumbers
};

lease::ConsumerOptions OptionsOf(std::span<const char> bytes, std::span<const std::int32_t> sizes,
                                 std::span<const double> numbers) {
  std::vector<std::string> texts;
  std::size_t at = 0;
  for (const std::int32_t size : sizes) {
    texts.emplace_back(bytes.data() + at, static_cast<std::size_t>(size));
    at += static_cast<std::size_t>(size);
  }
  lease::ConsumerOptions options;
  options.group = texts[kGroup];
  options.name = texts[kName];
  options.start = texts[kStart];
  options.delayed = texts[kDelayed];
  options.history = texts[kHistory];
  options.dead = texts[kDead];
  options.levels.assign(texts.begin() + kFirstLevel, texts.end());
  options.lease_ms = static_cast<std::uint64_t>(numbers[kLease]);
  options.renew_every_ms = static_cast<std::uint64_t>(numbers[kRenewEvery]);
  options.max_lease_ms = Limit(numbers[kMaxLease]);
  options.max_block_ms = Limit(numbers[kMaxBlock]);
  options.recover_every_ms = static_cast<std::uint64_t>(numbers[kRecoverEvery]);
  options.max_attempts = static_cast<std::uint32_t>(numbers[kMaxAttempts]);
  options.room = static_cast<std::uint32_t>(numbers[kRoom]);
  // -1: by the number of groups; from 2 on: how many of the last are kept, and two.
  const double drop = numbers[kDrop];
  if (drop < 0) {
    options.drop = "auto";
  } else if (drop < 2) {
    options.drop = drop == 0 ? "0" : "1";
  } else {
    options.drop = "last:" + std::to_string(static_cast<std::uint64_t>(drop) - 2);
  }
  return options;
}

// Native code was called by Node on the environment's thread: that is what the role means.
void AssertOnJs() ASSERTS_ON_JS;
void AssertOnJs() {}

}  // namespace

Napi::Function ConsumerWrap::Define(Napi::Env env) {
  return DefineClass(env, "ConsumerWrap",
                     {
                         InstanceAccessor("target", &ConsumerWrap::GetTarget, nullptr),
                         InstanceMethod("start", &ConsumerWrap::Start),
                         InstanceMethod("submit", &ConsumerWrap::Submit),
                         InstanceMethod("begin", &ConsumerWrap::Begin),
                         InstanceMethod("validForMs", &ConsumerWrap::ValidForMs),
                         InstanceMethod("stats", &ConsumerWrap::Stats),
                     });
}

ConsumerWrap::ConsumerWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const RedisWrap* redis = RedisWrap::Unwrap(info[0].As<Napi::Object>());
  const auto sizes = Elements<std::int32_t>(info[2]);
  const auto numbers = Elements<double>(info[3]);
  if (redis == nullptr || sizes.size() <= kFirstLevel || numbers.size() != kNumbers) {
    Napi::Error::New(info.Env(), "The arguments can't be read").ThrowAsJavaScriptException();
    return;
  }
  lease::ConsumerOptions options = OptionsOf(Elements<char>(info[1]), sizes, numbers);
  options.redis = redis->link()->connection()->options();
  Environment& environment = Environment::Of(info.Env());
  target_ = environment.AddTarget();
  link_ = std::make_shared<ConsumerLink>(redis->link()->connection()->loop(), environment.outbox(),
                                         target_, std::move(options));
  environment.AddAttachment(link_);
}

Napi::Value ConsumerWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

Napi::Value ConsumerWrap::Start(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), link_->PostStart());
}

// (words: Int32Array, wordCount: number, bytes: Uint8Array, byteCount: number)
Napi::Value ConsumerWrap::Submit(const Napi::CallbackInfo& info) {
  const auto words = Elements<std::int32_t>(info[0]);
  const auto bytes = Elements<char>(info[2]);
  const std::uint32_t word_count = NumberOf(info[1]);
  const std::uint32_t byte_count = NumberOf(info[3]);
  if (words.size() < word_count || bytes.size() < byte_count) {
    return Napi::Boolean::New(info.Env(), false);
  }
  ConsumerLink::Batch batch;
  batch.words.assign(words.begin(), words.begin() + word_count);
  batch.bytes.assign(bytes.begin(), bytes.begin() + byte_count);
  return Napi::Boolean::New(info.Env(), link_->PostBatch(std::move(batch)));
}

// (handle: number, serial: number)
Napi::Value ConsumerWrap::Begin(const Napi::CallbackInfo& info) {
  AssertOnJs();
  const bool begun =
      link_->cells().TryBegin(NumberOf(info[0]), NumberOf(info[1]), LeaseClock::Now());
  return Napi::Boolean::New(info.Env(), begun);
}

// (handle: number, serial: number)
Napi::Value ConsumerWrap::ValidForMs(const Napi::CallbackInfo& info) {
  AssertOnJs();
  const std::uint64_t until = link_->cells().ValidUntil(NumberOf(info[0]), NumberOf(info[1]));
  return Napi::Number::New(info.Env(), until == 0 ? 0 : MsBetween(LeaseClock::Now(), until));
}

Napi::Value ConsumerWrap::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const lease::ConsumerStats& stats = link_->stats();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* name, std::uint64_t value) {
    object.Set(name, static_cast<double>(value));
  };
  set("held", stats.held);
  set("delivered", stats.delivered);
  set("acked", stats.acked);
  set("retried", stats.retried);
  set("dead", stats.dead);
  set("recovered", stats.recovered);
  set("lost", stats.lost);
  set("expired", stats.expired);
  set("handedBack", stats.handed_back);
  set("unconfirmed", stats.unconfirmed);
  set("moved", stats.moved);
  set("reads", stats.reads);
  set("healthy", stats.healthy);
  set("renewals", stats.leases.accepted);
  set("renewalsRefused", stats.leases.refused);
  set("renewalsFailed", stats.leases.failed);
  set("renewalsLate", stats.leases.late);
  set("renewalCommands", stats.leases.commands);
  object.Set("jitter", ToObject(env, stats.leases.jitter));
  return object;
}

}  // namespace sideloop::binding
