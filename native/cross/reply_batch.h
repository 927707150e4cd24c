// Thread: loop. Replies on their way to one target, of which the last may be half here.
// Owns: the delivery being filled.
// Ends: with the writer it is part of.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "base/delivery.h"
#include "base/error.h"
#include "cross/outbox.h"

namespace sideloop {

//             Open                Close, Abort
//   whole -----------> half open --------------> whole
//
// Everything that is settled goes through here, so that nothing can get in between the halves of a
// reply:
//   1. Values are added to the reply that is open, and to nothing else.
//   2. Commands fail behind the reply that is open, as they were sent behind its command.
//   3. Only what is whole is passed on; the half stays.
// An event settles nothing, and what fails out of turn is settled in its turn: these are deliveries
// of their own, passed on behind what is whole.
class ReplyBatch {
 public:
  // Commands failed by one error: the JS thread settles a bounded number in a turn.
  static constexpr std::uint32_t kFailedAtOnce = 512;

  explicit ReplyBatch(std::uint32_t target) { delivery_->target = target; }
  ReplyBatch(const ReplyBatch&) = delete;
  ReplyBatch& operator=(const ReplyBatch&) = delete;

  void Open() {
    // A reply that nobody closed would run into the next one, and settle another's command.
    assert(!is_open_);
    if (is_open_) [[unlikely]]
      CutOff();
    AddLate();
    is_open_ = true;
    begin_ = delivery_->packed.size();
    begin_chunk_ = delivery_->chunks.size();
  }
  // The values of the open reply. Requires: there is one, for the values would settle commands of
  // their own.
  PackedValues& open() {
    assert(is_open_);
    if (!is_open_) [[unlikely]]
      std::abort();
    return delivery_->packed;
  }
  // Adds a text to it that stays where it is, as a value of one of the kinds of chunks.
  void AddChunk(ValueKind kind, Chunk chunk);
  // Whether the open reply has no value yet.
  bool at_begin() const { return delivery_->packed.size() == begin_; }
  // The open reply is whole.
  void Close() {
    assert(is_open_ && !at_begin());
    is_open_ = false;
    ++delivery_->settled;
    AddLate();
  }
  // The open reply is taken back; its command is still to be failed.
  void Abort();

  void Fail(std::uint32_t count, const Error& error);
  // Commands that were failed behind the open reply, and are not passed on before it is whole.
  std::size_t late() const;

  // Passes what is whole on.
  void PassTo(Outbox& outbox);
  // What the outbox held then; some of that may have been taken meanwhile.
  const Outbox::Held& held() const { return held_; }

 private:
  void AddFailure(std::uint32_t count, const Error& error);
  void AddLate() {
    if (!late_.empty()) [[unlikely]]
      AddAllLate();
  }
  void AddAllLate();
  void CutOff();

  std::unique_ptr<Delivery> delivery_ = std::make_unique<Delivery>();
  Outbox::Held held_;
  bool is_open_ = false;
  std::size_t begin_ = 0;        // of the open reply, in the delivery's bytes
  std::size_t begin_chunk_ = 0;  // and in its chunks
  // Rule 2.
  std::vector<std::pair<std::uint32_t, Error>> late_;
};

}  // namespace sideloop
