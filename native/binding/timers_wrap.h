// Thread: js. What JS holds of its timers on a loop. lib/native.ts declares it to TypeScript.
// Owns: a share of the link.
// Ends: by the garbage collector, or with the environment, which closes the link's timers.
#pragma once

#include <napi.h>

#include <memory>

#include "links/timers_link.h"

namespace sideloop::binding {

class TimersWrap : public Napi::ObjectWrap<TimersWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (loop: LoopWrap)
  explicit TimersWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value Submit(const Napi::CallbackInfo& info);
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value RecordLateness(const Napi::CallbackInfo& info);
  Napi::Value Detach(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);

  std::shared_ptr<TimersLink> link_;
  std::uint32_t target_ = 0;
};

}  // namespace sideloop::binding
