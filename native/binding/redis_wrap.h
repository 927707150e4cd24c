// Thread: js. What JS holds of a Redis connection. lib/native.ts declares it to TypeScript.
// Owns: a share of the link.
// Ends: by the garbage collector, or with the environment.
#pragma once

#include <napi.h>

#include <memory>

#include "links/redis_link.h"

namespace sideloop::binding {

class RedisWrap : public Napi::ObjectWrap<RedisWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (loop: LoopWrap, options: NativeRedisOptions): a new connection.
  // (handle: string): one more client of a connection. Throws where none that is open has the
  // handle.
  explicit RedisWrap(const Napi::CallbackInfo& info);

  const std::shared_ptr<RedisLink>& link() const { return link_; }

 private:
  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value Share(const Napi::CallbackInfo& info);
  Napi::Value Open(const Napi::CallbackInfo& info);
  Napi::Value Submit(const Napi::CallbackInfo& info);
  Napi::Value Quit(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Drop(const Napi::CallbackInfo& info);
  Napi::Value Hold(const Napi::CallbackInfo& info);
  Napi::Value Release(const Napi::CallbackInfo& info);
  Napi::Value SetReferenced(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);

  std::shared_ptr<RedisLink> link_;
  std::uint32_t target_ = 0;
};

}  // namespace sideloop::binding
