// Thread: any one at a time: filled on a loop or pool thread, handed over whole to a JS thread.
// Owns: its memory, from malloc.
// Ends: freed by its owner, which may be V8's garbage collector after Release().
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace sideloop {

// Bytes read from a file or a socket that go to JS without being copied again.
class Chunk {
 public:
  Chunk() = default;
  // Room for `capacity` bytes. Empty where there is no memory for it.
  explicit Chunk(std::size_t capacity)
      : data_(static_cast<char*>(std::malloc(capacity))),
        capacity_(data_ == nullptr ? 0 : capacity) {}

  char* data() { return data_.get(); }
  std::size_t capacity() const { return capacity_; }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }

  // Requires: size <= capacity().
  void set_size(std::size_t size) { size_ = size; }

  // Gives it room for `capacity` bytes, which may move it. False where there is no memory: then it is
  // as it was. Requires: size() <= capacity, which is not 0.
  [[nodiscard]] bool Resize(std::size_t capacity) {
    void* moved = std::realloc(data_.get(), capacity);
    if (moved == nullptr) return false;
    (void)data_.release();
    data_.reset(static_cast<char*>(moved));
    capacity_ = capacity;
    return true;
  }
  // Gives back what is not used, where the allocator takes it.
  void ShrinkToFit() {
    if (size_ > 0 && size_ < capacity_) (void)Resize(size_);
  }

  // Gives the memory away; the new owner calls Free.
  char* Release() {
    size_ = capacity_ = 0;
    return data_.release();
  }
  static void Free(void* data) { std::free(data); }

 private:
  struct Freer {
    void operator()(char* data) const { Free(data); }
  };

  std::unique_ptr<char, Freer> data_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

}  // namespace sideloop
