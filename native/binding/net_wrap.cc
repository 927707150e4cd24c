#include "binding/net_wrap.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "binding/environment.h"
#include "binding/loop_wrap.h"

namespace sideloop::binding {

namespace {

// What a batch has room for at first, so that the next ones fit too.
constexpr std::size_t kLeastBytes = 16 << 10;

struct Bytes {
  const char* data = nullptr;
  std::size_t size = 0;
};

Bytes BytesOf(napi_env env, napi_value array) {
  napi_typedarray_type type = napi_uint8_array;
  void* data = nullptr;
  std::size_t size = 0;
  napi_get_typedarray_info(env, array, &type, &size, &data, nullptr, nullptr);
  return {static_cast<const char*>(data), size};
}

}  // namespace

Napi::Function NetWrap::Define(Napi::Env env) {
  return DefineClass(env, "NetWrap",
                     {
                         InstanceAccessor("target", &NetWrap::GetTarget, nullptr),
                         InstanceMethod("submit", &NetWrap::Submit),
                     });
}

NetWrap::NetWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  Environment& environment = Environment::Of(info.Env());
  const LoopWrap* loop = LoopWrap::Unwrap(info[0].As<Napi::Object>());
  if (loop == nullptr) return;  // the Worker was terminated: no JavaScript will see this object
  target_ = environment.AddTarget();
  link_ = std::make_shared<NetLink>(loop->loop(), environment.outbox(), target_);
  environment.AddAttachment(link_);
}

Napi::Value NetWrap::GetTarget(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), target_);
}

// (words: Int32Array, wordCount: number, bytes: Uint8Array, byteCount: number, large: Uint8Array |
// undefined, isControl: boolean). All is copied here: the memory of a Worker that dies is gone at
// once.
Napi::Value NetWrap::Submit(const Napi::CallbackInfo& info) {
  const napi_env env = info.Env();
  auto batch = link_->TakeSpare();
  const auto* words = reinterpret_cast<const std::int32_t*>(BytesOf(env, info[0]).data);
  batch->words.assign(words, words + info[1].As<Napi::Number>().Uint32Value());
  const Bytes staged = {BytesOf(env, info[2]).data, info[3].As<Napi::Number>().Uint32Value()};
  const Bytes large = info[4].IsUndefined() ? Bytes() : BytesOf(env, info[4]);
  if (const std::size_t size = staged.size + large.size; size > 0) {
    if (batch->bytes.capacity() < size) batch->bytes = Chunk(std::max(size, kLeastBytes));
    if (batch->bytes.capacity() < size) return Napi::Boolean::New(env, false);
    if (staged.size > 0) std::memcpy(batch->bytes.data(), staged.data, staged.size);
    if (large.size > 0) std::memcpy(batch->bytes.data() + staged.size, large.data, large.size);
    batch->bytes.set_size(size);
  }
  const bool is_control = info[5].As<Napi::Boolean>().Value();
  return Napi::Boolean::New(env, link_->PostBatch(std::move(batch), is_control));
}

}  // namespace sideloop::binding
