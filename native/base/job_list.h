// Thread: any one at a time. A FIFO list of jobs in blocks, and the spare blocks it is made of.
// Owns: its jobs and blocks.
// Ends: jobs left in it are destroyed, not run.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "base/job.h"

namespace sideloop {

// A job stays where it was put until it has run: growing moves nothing, and lists are joined in
// constant time. In a steady state blocks go round between producers and consumer, and nothing is
// allocated.
class JobList {
 public:
  // A block is 8 KiB.
  static constexpr std::uint32_t kPerBlock = 127;

  struct Block {
    Block* next = nullptr;
    std::uint32_t begin = 0;  // jobs exist in [begin, end)
    std::uint32_t end = 0;
    alignas(Job) std::byte storage[kPerBlock * sizeof(Job)];

    Job* At(std::uint32_t index) {
      return std::launder(reinterpret_cast<Job*>(storage + index * sizeof(Job)));
    }
  };

  // Blocks waiting for use, up to a number: what a burst took beyond it is given back.
  class Pool {
   public:
    static constexpr std::size_t kMostBlocks = 128;  // 1 MiB

    Pool() = default;
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    ~Pool() {
      while (top_ != nullptr) delete std::exchange(top_, top_->next);
    }

    // Takes over all blocks of `other`.
    void Absorb(Pool& other) {
      while (other.top_ != nullptr) {
        --other.size_;
        Put(std::exchange(other.top_, other.top_->next));
      }
    }

   private:
    friend class JobList;

    Block* Get() {
      if (top_ == nullptr) return new Block;
      --size_;
      Block* block = std::exchange(top_, top_->next);
      block->next = nullptr;
      block->begin = block->end = 0;
      return block;
    }

    void Put(Block* block) {
      if (size_ == kMostBlocks) {
        delete block;
        return;
      }
      ++size_;
      block->next = top_;
      top_ = block;
    }

    Block* top_ = nullptr;
    std::size_t size_ = 0;
  };

  JobList() = default;
  JobList(const JobList&) = delete;
  JobList& operator=(const JobList&) = delete;
  ~JobList() {
    Pool pool;
    while (!empty()) PopFront(pool);
    while (head_ != nullptr) delete std::exchange(head_, head_->next);
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  void PushBack(Job&& job, Pool& pool) {
    if (tail_ == nullptr || tail_->end == kPerBlock) AddBlock(pool);
    ::new (tail_->At(tail_->end)) Job(std::move(job));
    ++tail_->end;
    ++size_;
  }

  // Requires: !empty().
  Job& Front() {
    assert(size_ > 0);
    return *head_->At(head_->begin);
  }

  // Destroys the first job. Requires: !empty().
  void PopFront(Pool& pool) {
    head_->At(head_->begin)->~Job();
    ++head_->begin;
    --size_;
    if (head_->begin < head_->end) return;
    Block* done = std::exchange(head_, head_->next);
    if (head_ == nullptr) tail_ = nullptr;
    pool.Put(done);
  }

  // Moves all jobs of `other` behind those of this one.
  void Append(JobList& other) {
    if (other.empty()) return;
    (tail_ == nullptr ? head_ : tail_->next) = std::exchange(other.head_, nullptr);
    tail_ = std::exchange(other.tail_, nullptr);
    size_ += std::exchange(other.size_, 0);
  }

 private:
  void AddBlock(Pool& pool) {
    Block* block = pool.Get();
    (tail_ == nullptr ? head_ : tail_->next) = block;
    tail_ = block;
  }

  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace sideloop
