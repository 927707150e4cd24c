// Thread: any; a job is built on one thread and run on another, never on two at once.
// Owns: what its closure captured.
// Ends: destroyed by whoever holds it last: the loop thread after running it, or the caller of a
// rejected Post.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace sideloop {

// A move-only void() callable. Closures of up to 48 bytes live inside it, so that posting one
// allocates nothing; larger ones live on the heap.
class Job {
 public:
  static constexpr std::size_t kInlineSize = 48;
  static constexpr std::size_t kAlignment = 16;

  Job() = default;

  template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Job> &&
             std::is_invocable_r_v<void, std::remove_cvref_t<F>&>)
  Job(F&& f) {  // NOLINT(google-explicit-constructor): a lambda is meant to pass as a job
    using Fn = std::remove_cvref_t<F>;
    if constexpr (FitsInline<Fn>()) {
      ::new (static_cast<void*>(storage_)) Fn(std::forward<F>(f));
      ops_ = &kInlineOps<Fn>;
    } else {
      ::new (static_cast<void*>(storage_)) Fn*(new Fn(std::forward<F>(f)));
      ops_ = &kHeapOps<Fn>;
    }
  }

  Job(Job&& other) noexcept { TakeFrom(other); }

  Job& operator=(Job&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    TakeFrom(other);
    return *this;
  }

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  ~Job() { Reset(); }

  explicit operator bool() const { return ops_ != nullptr; }

  // Runs the closure. noexcept: an exception that left a job would cross libuv's C frames, so it
  // ends the process here, where the stack still shows whose it was.
  // Requires: the job is not empty.
  void operator()() noexcept { ops_->run(storage_); }

  void Reset() {
    if (ops_ == nullptr) return;
    const Ops* ops = std::exchange(ops_, nullptr);
    if (ops->destroy != nullptr) ops->destroy(storage_);
  }

 private:
  struct Ops {
    void (*run)(void*);
    void (*relocate)(void* from, void* to);  // null: a copy of the bytes does it
    void (*destroy)(void*);                  // null: there is nothing to destroy
  };

  void TakeFrom(Job& other) {
    ops_ = std::exchange(other.ops_, nullptr);
    if (ops_ == nullptr) return;
    if (ops_->relocate == nullptr) {
      std::memcpy(storage_, other.storage_, kInlineSize);
    } else {
      ops_->relocate(other.storage_, storage_);
    }
  }

  template <typename Fn>
  static constexpr bool FitsInline() {
    return sizeof(Fn) <= kInlineSize && alignof(Fn) <= kAlignment &&
           std::is_nothrow_move_constructible_v<Fn>;
  }

  template <typename Fn>
  static void RunInline(void* p) {
    (*static_cast<Fn*>(p))();
  }
  template <typename Fn>
  static void RelocateInline(void* from, void* to) {
    ::new (to) Fn(std::move(*static_cast<Fn*>(from)));
    static_cast<Fn*>(from)->~Fn();
  }
  template <typename Fn>
  static void DestroyInline(void* p) {
    static_cast<Fn*>(p)->~Fn();
  }

  template <typename Fn>
  static constexpr Ops kInlineOps = {
      &RunInline<Fn>,
      std::is_trivially_copyable_v<Fn> ? nullptr : &RelocateInline<Fn>,
      std::is_trivially_destructible_v<Fn> ? nullptr : &DestroyInline<Fn>,
  };

  template <typename Fn>
  static constexpr Ops kHeapOps = {
      [](void* p) { (**static_cast<Fn**>(p))(); },
      nullptr,  // the pointer is the closure
      [](void* p) { delete *static_cast<Fn**>(p); },
  };

  const Ops* ops_ = nullptr;
  alignas(kAlignment) std::byte storage_[kInlineSize];
};

static_assert(!std::is_copy_constructible_v<Job>);
static_assert(std::is_nothrow_move_constructible_v<Job>);
static_assert(sizeof(Job) == 64);

}  // namespace sideloop
