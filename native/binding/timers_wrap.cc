#include "binding/timers_wrap.h"

#include <cassert>
#include <cstddef>
#include <span>

#include "binding/environment.h"
#include "binding/figures.h"
#include "binding/loop_wrap.h"

namespace sideloop::binding {

namespace {

// The first `count` elements of a Float64Array, which stays where it is during the call.
template <typename T>
std::span<const T> Elements(Napi::Value array, Napi::Value count) {
  void* data = nullptr;
  std::size_t length = 0;
  napi_get_typedarray_info(array.Env(), array, nullptr, &length, &data, nullptr, nullptr);
  const std::size_t wanted = count.As<Napi::Number>().Uint32Value();
  assert(wanted * sizeof(T) <= length * sizeof(double));
  return {static_cast<const T*>(data), wanted};
}

}  // namespace

Napi::Function TimersWrap::Define(Napi::Env env) {
  return DefineClass(env, "TimersWrap",
                     {
                         InstanceAccessor("target", &TimersWrap::GetTarget, nullptr),
                         InstanceMethod("submit", &TimersWrap::Submit),
                         InstanceMethod("read", &TimersWrap::Read),
                         InstanceMethod("recordLateness", &TimersWrap::RecordLateness),
                         InstanceMethod("detach", &TimersWrap::Detach),
                         InstanceMethod("stats", &TimersWrap::Stats),
                     });
}

TimersWrap::TimersWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  Environment& environment = Environment::Of(info.Env());
  const LoopWrap* loop = LoopWrap::Unwrap(info[0].As<Napi::Object>());
  if (loop == nullptr) return;  // the Worker was terminated: no JavaScript will see this object
  target_ = environment.AddTarget();
  link_ = std::make_shared<TimersLink>(loop->loop(), environment.outbox(), target_);
  environment.AddAttachment(link_);
}

Napi::Value TimersWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

// (orders: Float64Array, count: number, more: boolean): four elements make an order
Napi::Value TimersWrap::Submit(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), link_->PostOrders(Elements<timers::Order>(info[0], info[1]),
                                                          info[2].As<Napi::Boolean>().Value()));
}

// (report: number)
Napi::Value TimersWrap::Read(const Napi::CallbackInfo& info) {
  link_->Read(static_cast<std::uint32_t>(info[0].As<Napi::Number>().Int32Value()));
  return info.Env().Undefined();
}

// (ms: Float64Array, count: number)
Napi::Value TimersWrap::RecordLateness(const Napi::CallbackInfo& info) {
  link_->RecordLateness(Elements<double>(info[0], info[1]));
  return info.Env().Undefined();
}

Napi::Value TimersWrap::Detach(const Napi::CallbackInfo& info) {
  link_->PostDetach();
  return info.Env().Undefined();
}

Napi::Value TimersWrap::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const timers::TimerStats& stats = link_->stats();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* name, std::uint64_t value) {
    object.Set(name, static_cast<double>(value));
  };
  set("pending", stats.pending);
  set("fired", stats.fired);
  set("ticks", stats.ticks);
  set("merged", stats.merged);
  set("bytes", stats.bytes);
  object.Set("loopLateness", ToObject(env, stats.loop_lateness));
  object.Set("jsLateness", ToObject(env, stats.js_lateness));
  return object;
}

}  // namespace sideloop::binding
