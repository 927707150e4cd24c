// Thread: crosses. What the environments of one process share, found by its handle: each Worker
// loads the addon into the same process, and so finds the same registry.
// Owns: nothing of the things but their control blocks.
// Ends: never, as Workers may outlive the main thread's static destructors: it is leaked.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "cross/mutex.h"

namespace sideloop {

// Knowing a handle is the permission to use what it stands for, so it must be unguessable.
template <typename T>
class Registry {
 public:
  static Registry& OfProcess() {
    static auto* const registry = new Registry();
    return *registry;
  }

  Registry() = default;
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // From here on `handle` finds `thing`, for as long as somebody owns it.
  ANY_THREAD void Add(std::string handle, const std::shared_ptr<T>& thing) {
    MutexLock lock(mutex_);
    // As WeakList does: constant time on average, and never more than twice what lives.
    if (things_.size() >= sweep_at_) {
      looked_at_ += things_.size();
      std::erase_if(things_, [](const auto& entry) { return entry.second.expired(); });
      sweep_at_ = 2 * things_.size() + kSmall;
    }
    things_.insert_or_assign(std::move(handle), thing);
  }

  // Null where the thing is gone, or never was in this process.
  ANY_THREAD std::shared_ptr<T> Find(const std::string& handle) {
    MutexLock lock(mutex_);
    const auto found = things_.find(handle);
    return found == things_.end() ? nullptr : found->second.lock();
  }

  ANY_THREAD std::size_t size() {
    MutexLock lock(mutex_);
    return things_.size();
  }
  // How many things all sweeps together have looked at.
  ANY_THREAD std::size_t looked_at() {
    MutexLock lock(mutex_);
    return looked_at_;
  }

 private:
  static constexpr std::size_t kSmall = 16;

  Mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<T>> things_ GUARDED_BY(mutex_);
  std::size_t sweep_at_ GUARDED_BY(mutex_) = kSmall;
  std::size_t looked_at_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sideloop
