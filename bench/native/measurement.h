// What all C++ benchmarks share: the clock, CPU time, percentiles, and the one line of JSON that
// bench/native.mjs reads.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace sideloop::bench {

inline double NowMicros() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// CPU time of all threads of this process.
inline double ProcessCpuMicros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

inline double Percentile(std::vector<double>& samples, double share) {
  if (samples.empty()) return 0;
  const auto index = static_cast<std::size_t>(static_cast<double>(samples.size()) * share);
  const auto at =
      samples.begin() + static_cast<std::ptrdiff_t>(std::min(index, samples.size() - 1));
  std::nth_element(samples.begin(), at, samples.end());
  return *at;
}

inline void PrintMeasurement(std::initializer_list<std::pair<const char*, double>> fields) {
  std::string line = "{";
  for (const auto& [key, value] : fields) {
    char text[96];
    std::snprintf(text, sizeof(text), "%s\"%s\":%.6f", line.size() > 1 ? "," : "", key, value);
    line += text;
  }
  std::printf("%s}\n", line.c_str());
}

// A benchmark that noticed something wrong must print no figure at all.
[[noreturn]] inline void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

inline std::uint64_t CountArgument(int argc, char** argv, int index) {
  if (index >= argc) Fail("An argument is missing: see bench/native.mjs for who passes what.");
  return std::strtoull(argv[index], nullptr, 10);
}

}  // namespace sideloop::bench
