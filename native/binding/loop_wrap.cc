#include "binding/loop_wrap.h"

#include "base/nanoseconds.h"
#include "binding/environment.h"
#include "binding/figures.h"
#include "cross/registry.h"

namespace sideloop::binding {

namespace {
// How long the JS thread waits for a loop's thread that was told to end, at most.
constexpr std::uint64_t kJoinMs = 50;
}  // namespace

Napi::Function LoopWrap::Define(Napi::Env env) {
  return DefineClass(env, "LoopWrap",
                     {
                         InstanceAccessor("target", &LoopWrap::GetTarget, nullptr),
                         InstanceAccessor("name", &LoopWrap::GetName, nullptr),
                         InstanceMethod("share", &LoopWrap::Share),
                         InstanceMethod("isOpen", &LoopWrap::IsOpen),
                         InstanceMethod("post", &LoopWrap::Post),
                         InstanceMethod("stop", &LoopWrap::Stop),
                         InstanceMethod("join", &LoopWrap::Join),
                         InstanceMethod("destroy", &LoopWrap::Destroy),
                         InstanceMethod("setReferenced", &LoopWrap::SetReferenced),
                         InstanceMethod("stats", &LoopWrap::Stats),
                     });
}

LoopWrap::LoopWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  is_owner_ = info.Length() > 1;
  std::string error = "No open loop has this handle";
  std::shared_ptr<EventLoop> loop;
  if (is_owner_) {
    EventLoop::Options options;
    options.name = info[0].As<Napi::String>().Utf8Value();
    options.mailbox_capacity = info[1].As<Napi::Number>().Uint32Value();
    loop = EventLoop::Start(std::move(options), &error);
  } else {
    loop = Registry<EventLoop>::OfProcess().Find(info[0].As<Napi::String>().Utf8Value());
    if (loop != nullptr && loop->stop_asked()) loop.reset();
  }
  if (loop == nullptr) {
    Napi::Error::New(info.Env(), error).ThrowAsJavaScriptException();
    return;
  }
  Environment& environment = Environment::Of(info.Env());
  target_ = environment.AddTarget();
  link_ = std::make_shared<LoopLink>(loop, environment.outbox(), target_);
  if (!link_->WatchEnd()) Napi::Error::New(info.Env(), error).ThrowAsJavaScriptException();
  if (is_owner_) environment.AddLoop(loop);
}

Napi::Value LoopWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

Napi::Value LoopWrap::GetName(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), link_->loop()->name());
}

// (handle: string)
Napi::Value LoopWrap::Share(const Napi::CallbackInfo& info) {
  const std::string handle = info[0].As<Napi::String>().Utf8Value();
  Registry<EventLoop>::OfProcess().Add(handle, link_->loop());
  return info.Env().Undefined();
}

// False once anybody has asked for the end.
Napi::Value LoopWrap::IsOpen(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !link_->loop()->stop_asked());
}

Napi::Value LoopWrap::Post(const Napi::CallbackInfo& info) {
  const std::int64_t task = info[0].As<Napi::Number>().Int64Value();
  const auto lane = static_cast<Lane>(info[1].As<Napi::Number>().Uint32Value());
  const bool accepted = link_->PostTask(task, lane);
  if (accepted) Environment::Of(info.Env()).Hold(target_, 1);
  return Napi::Boolean::New(info.Env(), accepted);
}

// The event `ended` follows, as it does whoever asks for the end.
Napi::Value LoopWrap::Stop(const Napi::CallbackInfo& info) {
  const auto deadline_ms = static_cast<std::uint64_t>(info[0].As<Napi::Number>().Int64Value());
  const bool first = link_->loop()->StopThen(deadline_ms, Job());
  return Napi::Boolean::New(info.Env(), first);
}

// After the event `ended`. The thread is about to end, unless a name server holds it up; it is let
// go then.
Napi::Value LoopWrap::Join(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), is_owner_ && link_->loop()->Join(kJoinMs));
}

Napi::Value LoopWrap::Destroy(const Napi::CallbackInfo& info) {
  link_->loop()->RequestDestroy();
  if (is_owner_) link_->loop()->Join(kJoinMs);
  return info.Env().Undefined();
}

Napi::Value LoopWrap::SetReferenced(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).SetReferenced(target_, info[0].As<Napi::Boolean>().Value());
  return info.Env().Undefined();
}

Napi::Value LoopWrap::Stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const EventLoop& loop = *link_->loop();
  const LoopStats& stats = loop.stats();
  const EventLoop::Counts counts = loop.counts();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&object](const char* name, double value) { object.Set(name, value); };
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  const std::uint64_t started = stats.started_at;
  const std::uint64_t ended = stats.ended_at;
  const std::uint64_t now = ended != 0 ? ended : Loop::Now();
  set("iterations", number(stats.iterations));
  set("wakeups", number(stats.wakeups));
  set("events", number(stats.events));
  set("postsAccepted", number(counts.accepted));
  set("postsRejected", number(counts.rejected));
  set("pending", number(counts.waiting));
  set("uptime", started == 0 ? 0 : ToMs(now - started));
  set("idleTime", ToMs(loop.idle_time()));
  object.Set("acceptToRun", ToObject(env, stats.accept_to_run));
  object.Set("lateness", ToObject(env, stats.lateness));
  object.Set("callbackTime", ToObject(env, stats.callback_time));
  return object;
}

}  // namespace sideloop::binding
