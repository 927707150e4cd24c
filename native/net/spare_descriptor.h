// Thread: loop. A descriptor that is kept to be given up: where the process has no other left, it
// makes room for a connection to be taken and closed.
// Ends: closed by its destructor.
#pragma once

#ifndef _WIN32
#include <fcntl.h>
#include <unistd.h>
#endif

#include <utility>

namespace sideloop::net {

// Windows has no such bound: there it always counts as held.
class SpareDescriptor {
 public:
  SpareDescriptor() = default;
  SpareDescriptor(const SpareDescriptor&) = delete;
  SpareDescriptor& operator=(const SpareDescriptor&) = delete;
  ~SpareDescriptor() { Drop(); }

#ifdef _WIN32
  bool held() const { return true; }
  void Take() {}
  void Drop() {}
#else
  bool held() const { return fd_ >= 0; }
  void Take() {
    if (fd_ < 0) fd_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
  }
  void Drop() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
#endif
};

}  // namespace sideloop::net
