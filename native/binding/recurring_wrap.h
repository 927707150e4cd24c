// Thread: js. What JS holds of a recurring command. lib/native.ts declares it to TypeScript.
// Owns: a share of the link.
// Ends: by the garbage collector, or with the environment. The command itself recurs until its end.
#pragma once

#include <napi.h>

#include <memory>

#include "links/recurring_link.h"

namespace sideloop::binding {

class RecurringWrap : public Napi::ObjectWrap<RecurringWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (redis: RedisWrap, id: number, bytes: Uint8Array, sizes: Int32Array, options: Float64Array):
  // the command's words stand one after the other in `bytes`.
  explicit RecurringWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);

  std::shared_ptr<RecurringLink> link_;
};

}  // namespace sideloop::binding
