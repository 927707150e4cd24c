// Thread: loop. How a thread other than the loop's writes commands to a connection's socket while
// the connection has nothing to write: one thread hop less for a lone command. Implemented by
// links/js_direct_path.h.
#pragma once

#include <vector>

#include "base/annotations.h"
#include "base/byte_buffer.h"
#include "resp/pairing.h"

namespace sideloop::redis {

class DirectPath {
 public:
  // From now on commands may be written to the socket `fd`, until Forbid().
  ON_LOOP virtual void Allow(int fd) = 0;

  // When it returns nobody is writing, nor will.
  ON_LOOP virtual void Forbid() = 0;

  // Adds to `runs` what was written since it was last asked, and to `rest` what the kernel did not
  // take of that.
  ON_LOOP virtual void TakeWritten(std::vector<resp::Run>& runs, ByteBuffer& rest) = 0;

 protected:
  ~DirectPath() = default;
};

}  // namespace sideloop::redis
