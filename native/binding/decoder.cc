#include "binding/decoder.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace sideloop::binding {

napi_value Decoder::Read(Delivery& delivery, std::size_t& token) {
  const Delivery::Token& t = delivery.tokens[token++];
  napi_value value = nullptr;
  switch (t.kind) {
    case Delivery::Kind::kNull:
      napi_get_null(env_, &value);
      break;
    case Delivery::Kind::kInteger:
      napi_create_int64(env_, t.number, &value);
      break;
    case Delivery::Kind::kAscii: {
      const std::string_view text = delivery.TextOf(t);
      napi_create_string_latin1(env_, text.data(), text.size(), &value);
      break;
    }
    case Delivery::Kind::kUtf8:
    case Delivery::Kind::kEvent:
    case Delivery::Kind::kError: {
      const std::string_view text = delivery.TextOf(t);
      napi_create_string_utf8(env_, text.data(), text.size(), &value);
      break;
    }
    case Delivery::Kind::kBytes: {
      const std::string_view text = delivery.TextOf(t);
      napi_create_buffer_copy(env_, text.size(), text.data(), nullptr, &value);
      break;
    }
    case Delivery::Kind::kChunk:
      value = ReadChunk(delivery.chunks[static_cast<std::size_t>(t.number)]);
      break;
    case Delivery::Kind::kWords:
      value = ReadWords(delivery.TextOf(t));
      break;
    case Delivery::Kind::kNestedError: {
      const std::string_view text = delivery.TextOf(t);
      napi_value message = nullptr;
      napi_create_string_utf8(env_, text.data(), text.size(), &message);
      const std::size_t first = arguments_.size();
      arguments_.push_back(message);
      value = Call(hooks_.error, first);
      break;
    }
    case Delivery::Kind::kArray:
      value = ReadArray(delivery, static_cast<std::size_t>(t.number), token);
      break;
  }
  // V8 refuses a string of more than 512 MB, and a Buffer it has no memory for: a null is better
  // than no value.
  if (value == nullptr) napi_get_null(env_, &value);
  return value;
}

// The garbage collector frees the chunk's memory. Hosts that keep all memory in a cage (Electron)
// refuse memory from outside: there it is copied.
napi_value Decoder::ReadChunk(Chunk& chunk) {
  napi_value value = nullptr;
  if (chunk.size() > 0 &&
      napi_create_external_buffer(
          env_, chunk.size(), chunk.data(), [](napi_env, void* data, void*) { Chunk::Free(data); },
          nullptr, &value) == napi_ok) {
    chunk.Release();
  } else {
    napi_create_buffer_copy(env_, chunk.size(), chunk.data(), nullptr, &value);
  }
  return value;
}

napi_value Decoder::ReadWords(std::string_view words) {
  void* data = nullptr;
  napi_value buffer = nullptr;
  napi_value value = nullptr;
  if (napi_create_arraybuffer(env_, words.size(), &data, &buffer) != napi_ok) return nullptr;
  if (!words.empty()) std::memcpy(data, words.data(), words.size());
  napi_create_typedarray(env_, napi_int32_array, words.size() / sizeof(std::int32_t), buffer, 0,
                         &value);
  return value;
}

napi_value Decoder::ReadArray(Delivery& delivery, std::size_t length, std::size_t& token) {
  const std::size_t first = arguments_.size();
  const std::size_t direct = std::min(length, kChunk);
  for (std::size_t i = 0; i < direct; ++i) arguments_.push_back(Read(delivery, token));
  const napi_value array = Call(hooks_.pack, first);
  for (std::size_t done = direct; done < length;) {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    const std::size_t end = std::min(length, done + kChunk);
    arguments_.push_back(array);
    for (; done < end; ++done) arguments_.push_back(Read(delivery, token));
    Call(hooks_.append, first);
    napi_close_handle_scope(env_, scope);
  }
  return array;
}

// Calls a hook with the arguments from `first_argument` on, and pops them.
napi_value Decoder::Call(napi_ref function, std::size_t first_argument) {
  napi_value callee = nullptr;
  napi_value undefined = nullptr;
  napi_value result = nullptr;
  napi_get_reference_value(env_, function, &callee);
  napi_get_undefined(env_, &undefined);
  napi_call_function(env_, undefined, callee, arguments_.size() - first_argument,
                     arguments_.data() + first_argument, &result);
  arguments_.resize(first_argument);
  return result;
}

}  // namespace sideloop::binding
