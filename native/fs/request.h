// Thread: any one at a time: made on a JS thread, carried out on the loop thread.
// Owns: the bytes to be written.
// Ends: when it has been carried out, or with the job that was refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/chunk.h"

namespace sideloop {
class ReadWindow;
}

namespace sideloop::fs {

// What JS asks for. The numbers are those of lib/fs/protocol.ts.
enum class Ask : std::uint8_t {
  kReadFile = 1,
  kWriteFile = 2,
  kOpenReader = 3,
  kOpenWriter = 4,
  kResume = 5,  // a reader rests, and JS has taken enough
  kWrite = 6,
  kFinish = 7,  // after all that was written before
  kClose = 8,   // now: what is not done is dropped
};

struct Request {
  Ask ask = Ask::kClose;
  std::int64_t id = 0;
  std::string path;
  int flags = 0;
  int mode = 0;
  std::int64_t start = -1;   // -1: where the descriptor stands
  std::int64_t length = -1;  // the most to be read; -1: to the end
  std::size_t chunk_size = 0;
  bool flush = false;      // fsync before it is done
  bool auto_close = true;  // close at the end and at an error
  Chunk data;
  bool lacks_data = false;  // there was no memory for it
  std::shared_ptr<ReadWindow> window;
};

}  // namespace sideloop::fs
