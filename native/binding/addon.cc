// The addon's export table. lib/binding.ts declares the same to TypeScript.
#include <napi.h>

#include "binding/consumer_wrap.h"
#include "binding/environment.h"
#include "binding/files_wrap.h"
#include "binding/lease_wrap.h"
#include "binding/loop_wrap.h"
#include "binding/net_wrap.h"
#include "binding/recurring_wrap.h"
#include "binding/redis_wrap.h"
#include "binding/timers_wrap.h"

namespace sideloop::binding {

namespace {

void Open(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).Open(info[0].As<Napi::Object>());
}

Napi::Value Drain(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Environment::Of(info.Env()).Drain());
}

void SetCommands(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).SetCommands(info[0].As<Napi::String>().Utf8Value());
}

// (target: number)
void Hold(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).Hold(info[0].As<Napi::Number>().Uint32Value(), 1);
}

// (target: number)
void Release(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env()).Settled(info[0].As<Napi::Number>().Uint32Value(), 1);
}

// (target: number, referenced: boolean)
void SetReferenced(const Napi::CallbackInfo& info) {
  Environment::Of(info.Env())
      .SetReferenced(info[0].As<Napi::Number>().Uint32Value(), info[1].As<Napi::Boolean>().Value());
}

void Shutdown(const Napi::CallbackInfo& info) { Environment::Of(info.Env()).Shutdown(); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData<Environment>(new Environment(env));
  exports.Set("open", Napi::Function::New(env, Open));
  exports.Set("drain", Napi::Function::New(env, Drain));
  exports.Set("setCommands", Napi::Function::New(env, SetCommands));
  exports.Set("hold", Napi::Function::New(env, Hold));
  exports.Set("release", Napi::Function::New(env, Release));
  exports.Set("setReferenced", Napi::Function::New(env, SetReferenced));
  exports.Set("shutdown", Napi::Function::New(env, Shutdown));
  exports.Set("ConsumerWrap", ConsumerWrap::Define(env));
  exports.Set("LoopWrap", LoopWrap::Define(env));
  exports.Set("FilesWrap", FilesWrap::Define(env));
  exports.Set("LeaseWrap", LeaseWrap::Define(env));
  exports.Set("NetWrap", NetWrap::Define(env));
  exports.Set("RecurringWrap", RecurringWrap::Define(env));
  exports.Set("RedisWrap", RedisWrap::Define(env));
  exports.Set("TimersWrap", TimersWrap::Define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(sideloop, Init)

}  // namespace sideloop::binding
