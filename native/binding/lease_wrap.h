// Thread: js. What JS holds of the leases of a Redis client. lib/native.ts declares it to
// TypeScript.
// Owns: a share of the link, and one of the figures of each lease.
// Ends: by the garbage collector, or with the environment, which tells the link to give back what
// is held.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "lease/lease_stats.h"
#include "links/lease_link.h"

namespace sideloop::binding {

class LeaseWrap : public Napi::ObjectWrap<LeaseWrap> {
 public:
  static Napi::Function Define(Napi::Env env);

  // (redis: RedisWrap)
  explicit LeaseWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value GetTarget(const Napi::CallbackInfo& info);
  Napi::Value Acquire(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Release(const Napi::CallbackInfo& info);
  Napi::Value Extend(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);
  Napi::Value Forget(const Napi::CallbackInfo& info);
  Napi::Value ValidFor(const Napi::CallbackInfo& info);
  Napi::Value Stats(const Napi::CallbackInfo& info);
  Napi::Value Jitter(const Napi::CallbackInfo& info);

  std::shared_ptr<LeaseLink> link_;
  std::uint32_t target_ = 0;
  std::unordered_map<std::int64_t, std::shared_ptr<lease::LeaseCell>> cells_;  // by id
};

}  // namespace sideloop::binding
