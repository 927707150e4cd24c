// Thread: any one at a time: filled on a loop or pool thread, handed over whole to a JS thread.
// Owns: its memory.
// Ends: freed by its owner, which may be V8's garbage collector after Release().
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace sideloop {

// Bytes read from a file or a socket that go to JS without being copied again.
class Chunk {
 public:
  // Memory with a head that says where it goes back to.
  struct alignas(16) Block {
    void (*free)(Block* block);
    std::size_t capacity;

    char* data() { return reinterpret_cast<char*>(this + 1); }
    static Block* Of(void* data) { return static_cast<Block*>(data) - 1; }

    // Null where there is no memory.
    static Block* Allocate(std::size_t capacity, void (*free)(Block*)) {
      void* memory = std::malloc(sizeof(Block) + capacity);
      return memory == nullptr ? nullptr : new (memory) Block{free, capacity};
    }
    static void Deallocate(Block* block) { std::free(block); }
  };

  Chunk() = default;
  // Room for `capacity` bytes. Empty where there is no memory for it.
  explicit Chunk(std::size_t capacity) : Chunk(Block::Allocate(capacity, &Block::Deallocate)) {}
  // Takes over a block, or none.
  explicit Chunk(Block* block) : block_(block) {}
  Chunk(Chunk&& other) noexcept
      : block_(std::move(other.block_)), size_(std::exchange(other.size_, 0)) {}
  Chunk& operator=(Chunk&& other) noexcept {
    block_ = std::move(other.block_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  char* data() { return block_ == nullptr ? nullptr : block_->data(); }
  std::size_t capacity() const { return block_ == nullptr ? 0 : block_->capacity; }
  std::size_t size() const { return size_; }
  std::string_view view() const {
    return block_ == nullptr ? std::string_view() : std::string_view(block_->data(), size_);
  }

  // Requires: size <= capacity().
  void set_size(std::size_t size) { size_ = size; }

  // Moves what is in it to memory of another capacity. False where there is none: then all is as it
  // was. Requires: size() <= capacity.
  [[nodiscard]] bool Resize(std::size_t capacity) {
    if (block_ != nullptr && block_->free == &Block::Deallocate) {
      // May do without copying.
      void* memory = std::realloc(block_.get(), sizeof(Block) + capacity);
      if (memory == nullptr) return false;
      (void)block_.release();
      block_.reset(static_cast<Block*>(memory));
      block_->capacity = capacity;
      return true;
    }
    Chunk other(capacity);
    if (other.block_ == nullptr) return false;
    if (size_ > 0) std::memcpy(other.data(), data(), size_);
    other.size_ = size_;
    *this = std::move(other);
    return true;
  }

  // Gives back what is not used, where there is memory to move it to.
  void ShrinkToFit() {
    if (size_ < capacity()) (void)Resize(size_);
  }

  // Gives the memory away; the new owner calls Free with what data() was.
  char* Release() {
    size_ = 0;
    return block_.release()->data();
  }
  static void Free(void* data) {
    Block* block = Block::Of(data);
    block->free(block);
  }

 private:
  struct Freer {
    void operator()(Block* block) const { block->free(block); }
  };

  std::unique_ptr<Block, Freer> block_;
  std::size_t size_ = 0;
};

}  // namespace sideloop
