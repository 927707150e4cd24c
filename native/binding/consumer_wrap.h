// Thread: js. What JS holds of a consumer of one partition. lib/native.ts declares it to
// TypeScript.
// Owns: a share of the link.
// Ends: by the garbage collector, or with the environment, which tells the link to hand all back.
#pragma once

#include <napi.h>

#include <memory>

#include "links/consumer_link.h"

namespace sideloop::binding {

class ConsumerWrap : public Napi::ObjectWrap<ConsumerWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (redis: RedisWrap, bytes: Uint8Array, sizes: Int32Array, numbers: Float64Array): the texts
  // stand one after the other in `bytes`.
  explicit ConsumerWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value Submit(const Napi::CallbackInfo& info);
  Napi::Value Begin(const Napi::CallbackInfo& info);
  Napi::Value ValidForMs(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);

  std::shared_ptr<ConsumerLink> link_;
  std::uint32_t target_ = 0;
};

}  // namespace sideloop::binding
