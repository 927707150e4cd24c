// Thread: any one at a time. The deadlines pending, ordered by when they are due.
// Owns: 16 bytes for each deadline, and 4 for each slot up to the highest in use.
// Ends: nothing to do.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sideloop {

// A deadline as its user knows it: the user gives out slots and uses them again, and a serial
// number says which use of the slot it was.
struct Deadline {
  std::uint64_t due = 0;  // ns
  std::uint32_t slot = 0;
  std::uint32_t serial = 0;
};

// A heap of four children to a node, and the place of each slot in it. Timeouts are mostly set with
// the latest due time of all and cleared long before: both take few steps, as a node rises past few
// others, and there is nothing to clean up later. A timing wheel does it in fewer nanoseconds
// (docs/timers.md), on a thread that has them to spare, and rounds the order among deadlines.
class DeadlineHeap {
 public:
  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }

  // The next to be due; of equal ones, the one with the older serial number. Requires: !empty().
  const Deadline& top() const {
    assert(!heap_.empty());
    return heap_.front();
  }

  bool Contains(std::uint32_t slot) const {
    return slot < places_.size() && places_[slot] != kNowhere;
  }

  // Sets the slot's deadline, in place of the one that it had.
  void Set(const Deadline& deadline) {
    if (deadline.slot >= places_.size()) places_.resize(deadline.slot + 1, kNowhere);
    std::uint32_t place = places_[deadline.slot];
    if (place == kNowhere) {
      place = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back(deadline);
    }
    Settle(deadline, place);
  }

  // Removes the slot's deadline. False where it has none.
  bool Erase(std::uint32_t slot) {
    if (!Contains(slot)) return false;
    const std::uint32_t place = places_[slot];
    places_[slot] = kNowhere;
    const Deadline last = heap_.back();
    heap_.pop_back();
    if (place < heap_.size()) Settle(last, place);
    if (heap_.empty()) GiveBack();
    return true;
  }

  // Removes the top. Requires: !empty().
  Deadline Pop() {
    const Deadline first = top();
    Erase(first.slot);
    return first;
  }

  void Clear() {
    heap_.clear();
    places_.clear();
    GiveBack();
  }

  std::size_t bytes() const {
    return heap_.capacity() * sizeof(Deadline) + places_.capacity() * sizeof(std::uint32_t);
  }

  // What an empty heap holds on to, at most.
  static constexpr std::size_t kKept = 1024;

 private:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};
  static constexpr std::uint32_t kChildren = 4;

  // Serial numbers wrap around: the difference tells which is older.
  static bool Before(const Deadline& a, const Deadline& b) {
    if (a.due != b.due) return a.due < b.due;
    return static_cast<std::int32_t>(a.serial - b.serial) < 0;
  }

  void Put(const Deadline& deadline, std::uint32_t place) {
    heap_[place] = deadline;
    places_[deadline.slot] = place;
  }

  // Puts the deadline where it belongs, beginning at `place`, whose content is void.
  void Settle(const Deadline& deadline, std::uint32_t place) {
    const std::uint32_t risen = Rise(deadline, place);
    if (risen == place) Sink(deadline, place);
  }

  std::uint32_t Rise(const Deadline& deadline, std::uint32_t place) {
    while (place > 0) {
      const std::uint32_t parent = (place - 1) / kChildren;
      if (!Before(deadline, heap_[parent])) break;
      Put(heap_[parent], place);
      place = parent;
    }
    Put(deadline, place);
    return place;
  }

  void Sink(const Deadline& deadline, std::uint32_t place) {
    const auto size = static_cast<std::uint32_t>(heap_.size());
    for (;;) {
      const std::uint32_t first = place * kChildren + 1;
      if (first >= size) break;
      const std::uint32_t end = first + kChildren < size ? first + kChildren : size;
      std::uint32_t least = first;
      for (std::uint32_t child = first + 1; child < end; ++child) {
        if (Before(heap_[child], heap_[least])) least = child;
      }
      if (!Before(heap_[least], deadline)) break;
      Put(heap_[least], place);
      place = least;
    }
    Put(deadline, place);
  }

  // A burst's memory is not kept for ever.
  void GiveBack() {
    if (heap_.capacity() > kKept) std::vector<Deadline>().swap(heap_);
    if (places_.capacity() > kKept) std::vector<std::uint32_t>().swap(places_);
  }

  std::vector<Deadline> heap_;
  std::vector<std::uint32_t> places_;  // of each slot in heap_
};

}  // namespace sideloop
