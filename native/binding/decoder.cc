#include "binding/decoder.h"

#include <algorithm>

namespace sideloop::binding {

napi_value Decoder::Read(const Delivery& delivery, std::size_t& token) {
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

napi_value Decoder::ReadArray(const Delivery& delivery, std::size_t length, std::size_t& token) {
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
