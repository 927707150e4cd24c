// CPU time of another process, the server under load, as the kernel accounts it. Asked from here so
// that the server needs to do nothing for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "measurement.h"

namespace sideloop::bench {

struct CpuTime {
  double main_micros = 0;
  double total_micros = 0;

  friend CpuTime operator-(const CpuTime& left, const CpuTime& right) {
    return {left.main_micros - right.main_micros, left.total_micros - right.total_micros};
  }
};

class ServerAccount {
 public:
  explicit ServerAccount(std::uint64_t pid)
      : main_(std::to_string(pid)), tasks_("/proc/" + main_ + "/task") {}

  [[nodiscard]] CpuTime Read() const {
    CpuTime time;
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator(tasks_, error)) {
      std::uint64_t nanos = 0;
      if (!(std::ifstream(task.path() / "schedstat") >> nanos)) continue;
      const double micros = static_cast<double>(nanos) / 1000;
      time.total_micros += micros;
      if (task.path().filename() == main_) time.main_micros = micros;
    }
    if (error || time.main_micros == 0) Fail("The server's CPU time can't be read.");
    return time;
  }

 private:
  const std::string main_;
  const std::filesystem::path tasks_;
};

}  // namespace sideloop::bench
