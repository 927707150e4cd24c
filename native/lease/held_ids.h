// Thread: any, one at a time. Which entry is held by its id: a table of chains through the handles,
// which allocates nothing once it is made.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace sideloop::lease {

class HeldIds {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // For handles from 0 to `size` - 1.
  explicit HeldIds(std::size_t size)
      : heads_(std::bit_ceil(size + 1), kNone), nexts_(size, kNone), places_(size, kNone) {}

  // Requires: the handle is not in the table.
  void Add(std::uint32_t handle, std::uint32_t level, std::string_view id) {
    assert(places_[handle] == kNone);
    const std::uint32_t place = PlaceOf(level, id);
    places_[handle] = place;
    nexts_[handle] = heads_[place];
    heads_[place] = handle;
  }

  // Requires: the handle is in the table. Its id may be gone by now.
  void Remove(std::uint32_t handle) {
    assert(places_[handle] != kNone);
    std::uint32_t* at = &heads_[places_[handle]];
    while (*at != handle) at = &nexts_[*at];
    *at = nexts_[handle];
    places_[handle] = kNone;
  }

  // The first handle of those that may have this id for which `is_it` says true; else kNone.
  template <typename IsIt>
  std::uint32_t Find(std::uint32_t level, std::string_view id, IsIt is_it) const {
    std::uint32_t handle = heads_[PlaceOf(level, id)];
    while (handle != kNone && !is_it(handle)) handle = nexts_[handle];
    return handle;
  }

 private:
  std::uint32_t PlaceOf(std::uint32_t level, std::string_view id) const {
    const std::size_t hash = std::hash<std::string_view>()(id) + level;
    return static_cast<std::uint32_t>(hash & (heads_.size() - 1));
  }

  std::vector<std::uint32_t> heads_;   // by place
  std::vector<std::uint32_t> nexts_;   // by handle
  std::vector<std::uint32_t> places_;  // by handle
};

}  // namespace sideloop::lease
