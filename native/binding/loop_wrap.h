// Thread: js. What JS holds of an event loop. lib/native.ts declares it to TypeScript.
// Owns: a share of the link.
// Ends: by the garbage collector, or with the environment, whose cleanup destroys the loop itself.
#pragma once

#include <napi.h>

#include <memory>

#include "links/loop_link.h"

namespace sideloop::binding {

class LoopWrap : public Napi::ObjectWrap<LoopWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (name: string, mailboxCapacity: number): a new loop, which ends with this environment. Throws
  // the system's refusal.
  // (handle: string): a loop that may be another's. Throws where none that is open has the handle.
  explicit LoopWrap(const Napi::CallbackInfo& info);

  const std::shared_ptr<EventLoop>& loop() const { return link_->loop(); }

 private:
  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value GetName(const Napi::CallbackInfo& info);
  Napi::Value Share(const Napi::CallbackInfo& info);
  Napi::Value IsOpen(const Napi::CallbackInfo& info);
  Napi::Value Post(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value Join(const Napi::CallbackInfo& info);
  Napi::Value Destroy(const Napi::CallbackInfo& info);
  Napi::Value SetReferenced(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);

  std::shared_ptr<LoopLink> link_;
  std::uint32_t target_ = 0;
  // Only the environment that made the loop waits for its thread, or lets go of it.
  bool is_owner_ = false;
};

}  // namespace sideloop::binding
