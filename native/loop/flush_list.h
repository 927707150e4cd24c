// Thread: loop. Resources that have asked for a flush, in the order of their asking.
// Owns: nothing; a resource that ends is taken out.
// Ends: nothing to do.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/annotations.h"
#include "loop/resource.h"

namespace sideloop {

class FlushList {
 public:
  explicit FlushList(FlushTime time) : time_(static_cast<std::size_t>(time)) {}

  // Adds the resource, unless it is in.
  void Add(Resource& resource) {
    std::size_t& place = PlaceOf(resource);
    if (place != Resource::kNoPlace) return;
    place = resources_.size();
    resources_.push_back(&resource);
  }

  // Takes the resource out, where it is in.
  void Remove(Resource& resource) {
    std::size_t& place = PlaceOf(resource);
    if (place != Resource::kNoPlace) {
      resources_[std::exchange(place, Resource::kNoPlace)] = nullptr;
    }
  }

  // Takes all out, and calls `each` for one after the other. What it adds has its turn as well.
  template <typename Each>
  ON_LOOP void TakeAll(Each each) {
    for (std::size_t i = 0; i < resources_.size(); ++i) {
      Resource* const resource = resources_[i];
      if (resource == nullptr) continue;  // removed meanwhile
      PlaceOf(*resource) = Resource::kNoPlace;
      each(*resource);
    }
    resources_.clear();
  }

  bool empty() const { return resources_.empty(); }

 private:
  std::size_t& PlaceOf(Resource& resource) const { return resource.flush_places_[time_]; }

  const std::size_t time_;
  std::vector<Resource*> resources_;
};

}  // namespace sideloop
