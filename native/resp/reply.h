// Thread: any one at a time. A reply as a value, for C++ callers: coroutines, the handshake, tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "resp/reply_sink.h"

namespace sideloop::resp {

struct Reply {
  enum class Kind : std::uint8_t { kNull, kInteger, kText, kArray, kError };

  Kind kind = Kind::kNull;
  std::int64_t integer = 0;
  std::string text;  // of kText and kError
  std::vector<Reply> elements;

  bool is_null() const { return kind == Kind::kNull; }
  bool is_error() const { return kind == Kind::kError; }
};

// Builds the reply that a parser reads.
class ReplyBuilder final : public ReplySink {
 public:
  void OnNull() override { Add({}); }
  void OnInteger(std::int64_t value) override { Add({Reply::Kind::kInteger, value, {}, {}}); }
  void OnText(std::string_view text) override {
    Add({Reply::Kind::kText, 0, std::string(text), {}});
  }
  void OnError(std::string_view text) override {
    Add({Reply::Kind::kError, 0, std::string(text), {}});
  }
  void OnArray(std::uint64_t length) override {
    Reply& array = Place({Reply::Kind::kArray, 0, {}, {}});
    if (length > 0) {
      open_.push_back({&array, length});
    } else {
      Close();
    }
  }

  // The reply, once the parser said it is complete; the builder is ready for the next.
  Reply Take() {
    open_.clear();
    return std::exchange(root_, Reply());
  }

 private:
  struct Open {
    Reply* array;
    std::uint64_t remaining;
  };

  Reply& Place(Reply value) {
    if (open_.empty()) return root_ = std::move(value);
    // Invariant: `array` stays valid: its siblings are added only after it is full.
    return open_.back().array->elements.emplace_back(std::move(value));
  }

  void Add(Reply value) {
    Place(std::move(value));
    Close();
  }

  void Close() {
    while (!open_.empty() && --open_.back().remaining == 0) open_.pop_back();
  }

  Reply root_;
  std::vector<Open> open_;
};

}  // namespace sideloop::resp
