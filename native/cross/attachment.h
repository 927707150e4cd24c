// Thread: any.
#pragma once

#include "base/annotations.h"

namespace sideloop {

// What one environment has on a loop, which may be another environment's and outlive this one:
// connections, timers, files.
class Attachment {
 public:
  Attachment() = default;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;

  // The environment has ended: queues a job that closes all of it. Where the loop takes no job any
  // more, its own end closes it.
  ANY_THREAD virtual void PostDetach() = 0;

 protected:
  ~Attachment() = default;
};

}  // namespace sideloop
