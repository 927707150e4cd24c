// Thread: js. What JS holds of its sockets on one loop. lib/native.ts declares it to TypeScript.
// Owns: a share of the link.
// Ends: with the environment, which tells the link to close what is open.
#pragma once

#include <napi.h>

#include <memory>

#include "links/net_link.h"

namespace sideloop::binding {

class NetWrap : public Napi::ObjectWrap<NetWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (loop: LoopWrap)
  explicit NetWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value Submit(const Napi::CallbackInfo& info);

  std::shared_ptr<NetLink> link_;
  std::uint32_t target_ = 0;
};

}  // namespace sideloop::binding
