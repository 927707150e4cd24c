// Thread: js. Deliveries to JS values.
#pragma once

#include <napi.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/annotations.h"
#include "base/delivery_reader.h"

namespace sideloop::binding {

// The JS functions that make what C++ should not: arrays in one call each, and errors.
struct DecoderHooks {
  napi_ref pack;    // (...values) => values
  napi_ref append;  // (array, ...values) => void
  napi_ref error;   // (text) => Error, for one inside an array
  napi_ref bigInt;  // (digits) => bigint
};

// Reads the values of a delivery one by one. A string is copied into V8 by itself: it never keeps
// the batch alive that it came in, as a slice of one large string would
// (test/redis/retention.test.ts).
class Decoder {
 public:
  // Values handed over in one call: calling with many arguments is three times as fast as filling
  // an array.
  static constexpr std::size_t kChunk = 512;

  Decoder(napi_env env, const DecoderHooks& hooks) : env_(env), hooks_(hooks) {}

  // Reads the next value; a chunk is taken out of the delivery. False where there is none, or only
  // a part of one: then the reader is done.
  [[nodiscard]] ON_JS bool Read(DeliveryReader& reader, napi_value& value) {
    return Read(reader, 0, value);
  }

 private:
  ON_JS bool Read(DeliveryReader& reader, std::size_t depth, napi_value& value);
  ON_JS napi_value ReadChunk(Chunk& chunk);
  ON_JS napi_value ReadString(ValueKind kind, Chunk chunk);
  ON_JS napi_value ReadWords(std::string_view words);
  ON_JS bool ReadArray(DeliveryReader& reader, std::size_t length, std::size_t depth,
                       napi_value& array);
  ON_JS bool Push(DeliveryReader& reader, std::size_t values, std::size_t depth);
  ON_JS napi_value CallWithText(napi_ref function, std::string_view text);
  ON_JS napi_value Call(napi_ref function, std::size_t first_argument);

  napi_env env_;
  const DecoderHooks& hooks_;
  std::vector<napi_value> arguments_;  // a stack: the arguments of the calls being built
};

}  // namespace sideloop::binding
