// Thread: the test's. Queues whose clients wait for a server that can't serve yet.
#pragma once

#include <string_view>

#include "unit/queue_fixture.h"

namespace sideloop::test {

inline constexpr std::string_view kLoading = "LOADING Redis is loading the dataset in memory";

class HeldCommands : public Queue {
 protected:
  HeldCommands() {
    for (QueueTarget* target : {&target_, &other_}) {
      target->keeps_turns = target->waits_for_server = true;
    }
  }

  static void Refuse(redis::CommandQueue& queue, std::string_view words = kLoading) {
    if (!queue.TryHold(words)) Answer(queue, words, true);
  }
};

}  // namespace sideloop::test
