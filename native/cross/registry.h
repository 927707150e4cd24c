// Thread: crosses. What the environments of one process share, found by its handle: each Worker
// loads the addon into the same process, and so finds the same registry.
// Owns: nothing of the things but their control blocks.
// Ends: never, as Workers may outlive the main thread's static destructors: it is leaked.
#pragma once

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
    std::erase_if(things_, [](const auto& entry) { return entry.second.expired(); });
    things_.insert_or_assign(std::move(handle), thing);
  }

  // Null where the thing is gone, or never was in this process.
  ANY_THREAD std::shared_ptr<T> Find(const std::string& handle) {
    MutexLock lock(mutex_);
    const auto found = things_.find(handle);
    return found == things_.end() ? nullptr : found->second.lock();
  }

 private:
  Mutex mutex_;
  std::unordered_map<std::string, std::weak_ptr<T>> things_ GUARDED_BY(mutex_);
};

}  // namespace sideloop
