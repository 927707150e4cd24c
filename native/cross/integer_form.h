// Thread: any.
// Owns: nothing.
#pragma once

#include <cstdint>

#include "base/value.h"

namespace sideloop {

// How integers of replies get to JS, whose numbers hold no more than 53 bits of them. As a value it
// is what lib/redis/options.ts passes on.
enum class IntegerForm : std::uint8_t {
  kTextBeyond,    // numbers; beyond +-(2^53-1) their digits as a string
  kBigIntBeyond,  // numbers; beyond that BigInts
  kText,          // all as strings
};

// The range that stays a number, for one comparison per integer.
class ExactIntegers {
 public:
  explicit ExactIntegers(IntegerForm form)
      : count_(form == IntegerForm::kText ? 0 : 2 * kMost + 1),
        else_(form == IntegerForm::kBigIntBeyond ? ValueKind::kBigInt : ValueKind::kAscii) {}

  bool Has(std::int64_t value) const { return static_cast<std::uint64_t>(value) + kMost < count_; }
  // What the digits of the others are.
  ValueKind kind_of_others() const { return else_; }

 private:
  // Number.MAX_SAFE_INTEGER.
  static constexpr std::uint64_t kMost = (std::uint64_t{1} << 53) - 1;

  std::uint64_t count_;
  ValueKind else_;
};

}  // namespace sideloop
