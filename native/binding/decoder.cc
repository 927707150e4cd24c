#include "binding/decoder.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

namespace sideloop::binding {

bool Decoder::Read(DeliveryReader& reader, std::size_t depth, napi_value& value) {
  Value read;
  if (!reader.Next(read)) return false;
  value = nullptr;
  switch (read.kind) {
    case ValueKind::kNull:
      napi_get_null(env_, &value);
      break;
    case ValueKind::kInteger:
      napi_create_int64(env_, read.number, &value);
      break;
    case ValueKind::kBigInt:
      value = CallWithText(hooks_.bigInt, read.text);
      break;
    case ValueKind::kAscii:
      napi_create_string_latin1(env_, read.text.data(), read.text.size(), &value);
      break;
    case ValueKind::kUtf8:
    case ValueKind::kError:
      napi_create_string_utf8(env_, read.text.data(), read.text.size(), &value);
      break;
    case ValueKind::kBytes:
      napi_create_buffer_copy(env_, read.text.size(), read.text.data(), nullptr, &value);
      break;
    case ValueKind::kChunk:
      value = ReadChunk(reader.ChunkOf(read));
      break;
    case ValueKind::kAsciiChunk:
    case ValueKind::kUtf8Chunk:
      value = ReadString(read.kind, std::exchange(reader.ChunkOf(read), Chunk()));
      break;
    case ValueKind::kWords:
      value = ReadWords(read.text);
      break;
    case ValueKind::kNestedError:
      value = CallWithText(hooks_.error, read.text);
      break;
    case ValueKind::kArray:
      if (!ReadArray(reader, static_cast<std::size_t>(read.number), depth + 1, value)) return false;
      break;
  }
  // V8 refuses a string of more than 512 MB, and a Buffer it has no memory for: a null is better
  // than no value.
  if (value == nullptr) napi_get_null(env_, &value);
  return true;
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

// The chunk's memory is given back here: the loop thread, which clears the delivery, would be held
// up by the pages of it.
napi_value Decoder::ReadString(ValueKind kind, Chunk chunk) {
  const std::string_view text = chunk.view();
  napi_value value = nullptr;
  if (kind == ValueKind::kAsciiChunk) {
    napi_create_string_latin1(env_, text.data(), text.size(), &value);
  } else {
    napi_create_string_utf8(env_, text.data(), text.size(), &value);
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

bool Decoder::ReadArray(DeliveryReader& reader, std::size_t length, std::size_t depth,
                        napi_value& array) {
  if (depth > DeliveryReader::kMaxDepth) return reader.Break("arrays are nested too deep");
  const std::size_t first = arguments_.size();
  const std::size_t direct = std::min(length, kChunk);
  if (!Push(reader, direct, depth)) return false;
  array = Call(hooks_.pack, first);
  for (std::size_t done = direct; done < length;) {
    napi_handle_scope scope;
    napi_open_handle_scope(env_, &scope);
    const std::size_t end = std::min(length, done + kChunk);
    arguments_.push_back(array);
    const bool whole = Push(reader, end - done, depth);
    if (whole) Call(hooks_.append, first);
    napi_close_handle_scope(env_, scope);
    if (!whole) {
      arguments_.resize(first);
      return false;
    }
    done = end;
  }
  return true;
}

// Adds `values` arguments. False, with none added, where they are not there.
bool Decoder::Push(DeliveryReader& reader, std::size_t values, std::size_t depth) {
  const std::size_t before = arguments_.size();
  for (std::size_t i = 0; i < values; ++i) {
    napi_value value = nullptr;
    if (!Read(reader, depth, value)) {
      arguments_.resize(before);
      return reader.Break("an array ends before its last value");
    }
    arguments_.push_back(value);
  }
  return true;
}

napi_value Decoder::CallWithText(napi_ref function, std::string_view text) {
  napi_value argument = nullptr;
  napi_create_string_utf8(env_, text.data(), text.size(), &argument);
  const std::size_t first = arguments_.size();
  arguments_.push_back(argument);
  return Call(function, first);
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
