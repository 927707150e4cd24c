// Thread: any one at a time. Bytes that are appended at the end and consumed from the front, in one
// block. Unlike std::string it gives out room to write into without clearing it first.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace sideloop {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  ByteBuffer(ByteBuffer&& other) noexcept { Swap(other); }
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    ByteBuffer(std::move(other)).Swap(*this);
    return *this;
  }
  ~ByteBuffer() { std::free(block_); }

  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  const char* data() const { return block_ + begin_; }
  std::string_view view() const { return {data(), size()}; }

  // Room for `n` more bytes behind the last. What was consumed is moved out of the way first.
  char* Reserve(std::size_t n) {
    if (capacity_ - end_ < n) MakeRoom(n);
    return block_ + end_;
  }

  // Bytes that can be written behind the last without growing.
  std::size_t room() const { return capacity_ - end_; }

  // Takes over `n` bytes written into the room that Reserve gave.
  void Commit(std::size_t n) {
    assert(n <= room());
    end_ += n;
  }

  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  void Consume(std::size_t n) {
    assert(n <= size());
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  // Takes back what was appended behind the first `size` bytes.
  void Truncate(std::size_t size) {
    assert(size <= this->size());
    end_ = begin_ + size;
  }

  void Clear() { begin_ = end_ = 0; }

  // Empties it, and gives the memory back where it is more than `keep` bytes.
  void ClearAndTrim(std::size_t keep) {
    Clear();
    if (capacity_ <= keep) return;
    std::free(std::exchange(block_, nullptr));
    capacity_ = 0;
  }

  void Swap(ByteBuffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 private:
  void MakeRoom(std::size_t n) {
    const std::size_t kept = size();
    const bool fits = kept + n <= capacity_ && begin_ >= capacity_ / 2;
    if (begin_ > 0 && kept > 0) std::memmove(block_, block_ + begin_, kept);
    if (!fits) {
      std::size_t larger = capacity_ == 0 ? 256 : capacity_ * 2;
      while (larger < kept + n) larger *= 2;
      // Large blocks grow without being copied, and without being there twice meanwhile.
      char* block = static_cast<char*>(std::realloc(block_, larger));
      if (block == nullptr) std::abort();
      block_ = block;
      capacity_ = larger;
    }
    begin_ = 0;
    end_ = kept;
  }

  char* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace sideloop
