#include "binding/recurring_wrap.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "binding/elements.h"
#include "binding/environment.h"
#include "binding/figures.h"
#include "binding/redis_wrap.h"

namespace sideloop::binding {

namespace {

std::vector<std::string> CommandOf(std::span<const char> bytes,
                                   std::span<const std::int32_t> sizes) {
  std::vector<std::string> command;
  command.reserve(sizes.size());
  std::size_t at = 0;
  for (const std::int32_t size : sizes) {
    command.emplace_back(bytes.data() + at, static_cast<std::size_t>(size));
    at += static_cast<std::size_t>(size);
  }
  return command;
}

// lib/redis/recurring.ts has checked every one, and fills them in this order.
enum Option : std::size_t {
  kEvery,
  kFirstAfter,
  kTimeout,
  kCount,
  kFor,
  kEndOnError,
  kWaits,
  kWait,
  kOptions
};

RecurringLink::Options OptionsOf(std::span<const double> values) {
  RecurringLink::Options options;
  options.recurring.period_ms = static_cast<std::uint64_t>(values[kEvery]);
  options.recurring.first_after_ms = Limit(values[kFirstAfter]);
  options.recurring.timeout_ms = Limit(values[kTimeout]);
  options.recurring.count = Limit(values[kCount]);
  options.recurring.for_ms = Limit(values[kFor]);
  options.end_on_error = values[kEndOnError] != 0;
  if (values[kWaits] != 0) {
    options.recurring.wait_ms = static_cast<std::int32_t>(values[kWait]);
  }
  return options;
}

}  // namespace

Napi::Function RecurringWrap::Define(Napi::Env env) {
  return DefineClass(env, "RecurringWrap",
                     {
                         InstanceMethod("start", &RecurringWrap::Start),
                         InstanceMethod("stop", &RecurringWrap::Stop),
                         InstanceMethod("stats", &RecurringWrap::Stats),
                     });
}

RecurringWrap::RecurringWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  const RedisWrap* redis = RedisWrap::Unwrap(info[0].As<Napi::Object>());
  const auto sizes = Elements<std::int32_t>(info[3]);
  const auto options = Elements<double>(info[4]);
  if (redis == nullptr || sizes.empty() || options.size() != kOptions) {
    Napi::Error::New(info.Env(), "The arguments can't be read").ThrowAsJavaScriptException();
    return;
  }
  link_ = std::make_shared<RecurringLink>(redis->link(), info[1].As<Napi::Number>().Int64Value(),
                                          CommandOf(Elements<char>(info[2]), sizes),
                                          OptionsOf(options));
  Environment::Of(info.Env()).AddAttachment(link_);
}

Napi::Value RecurringWrap::Start(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), link_->PostStart());
}

Napi::Value RecurringWrap::Stop(const Napi::CallbackInfo& info) {
  link_->PostStop();
  return info.Env().Undefined();
}

Napi::Value RecurringWrap::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const redis::RecurringStats& stats = link_->stats();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* name, std::uint64_t value) {
    object.Set(name, static_cast<double>(value));
  };
  set("sent", stats.sent);
  set("ok", stats.ok);
  set("failed", stats.failed);
  set("late", stats.late);
  set("skipped", stats.skipped);
  object.Set("jitter", ToObject(env, stats.jitter));
  return object;
}

}  // namespace sideloop::binding
