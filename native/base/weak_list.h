// Thread: any one at a time. Things that somebody else owns, in the order in which they were added.
// Owns: nothing of the things but their control blocks.
// Ends: nothing to do.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace sideloop {

// What is gone is swept out when the list has doubled since the last sweep. So an addition takes
// constant time on average, and the list holds at most twice as many as live, and kSmall.
template <typename T>
class WeakList {
 public:
  static constexpr std::size_t kSmall = 16;

  void Add(std::weak_ptr<T> thing) {
    if (things_.size() >= sweep_at_) {
      looked_at_ += things_.size();
      std::erase_if(things_, [](const auto& each) { return each.expired(); });
      sweep_at_ = 2 * things_.size() + kSmall;
    }
    things_.push_back(std::move(thing));
  }

  // Those that live; the list is empty then.
  std::vector<std::shared_ptr<T>> Take() {
    std::vector<std::shared_ptr<T>> living;
    for (const auto& weak : std::exchange(things_, {})) {
      if (auto thing = weak.lock()) living.push_back(std::move(thing));
    }
    sweep_at_ = kSmall;
    return living;
  }

  std::size_t size() const { return things_.size(); }
  // How many things all sweeps together have looked at.
  std::size_t looked_at() const { return looked_at_; }

 private:
  std::vector<std::weak_ptr<T>> things_;
  std::size_t sweep_at_ = kSmall;
  std::size_t looked_at_ = 0;
};

}  // namespace sideloop
