// The clients of a TCP server under load: cheap, on one thread, the same for every server. It
// exists because a load made in JavaScript costs more than the server that it loads.
//
//   bench_net_load <echo | upload | download> <port> <server's pid> <connections> <bytes> <seconds>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "bulk_load.h"
#include "echo_load.h"
#include "measurement.h"
#include "server_account.h"

namespace sideloop::bench {
namespace {

constexpr double kMebibyte = 1024 * 1024;

double WarmUpMicros(double micros) { return std::max(0.3e6, micros / 2); }

void MeasureEcho(std::uint16_t port, const ServerAccount& server, std::size_t connections,
                 std::size_t bytes, double micros) {
  EchoLoad load(port, connections, bytes);
  load.RunFor(WarmUpMicros(micros));
  load.Forget();
  const CpuTime before = server.Read();
  const double begun = NowMicros();
  load.RunFor(micros);
  const double elapsed = NowMicros() - begun;
  const CpuTime cpu = server.Read() - before;
  std::vector<double>& latencies = load.latencies();
  if (latencies.empty()) Fail("No echo came.");
  const auto echoes = static_cast<double>(latencies.size());
  PrintMeasurement({{"echoes", echoes},
                    {"echoesPerSecond", echoes * 1e6 / elapsed},
                    {"mainMicros", cpu.main_micros / echoes},
                    {"totalMicros", cpu.total_micros / echoes},
                    {"p50Micros", Percentile(latencies, 0.5)},
                    {"p99Micros", Percentile(latencies, 0.99)}});
}

template <typename Load>
void MeasureBulk(std::uint16_t port, const ServerAccount& server, double micros) {
  Load load(port);
  load.RunFor(WarmUpMicros(micros));
  const CpuTime before = server.Read();
  const double begun = NowMicros();
  const double mebibytes = static_cast<double>(load.RunFor(micros)) / kMebibyte;
  const double elapsed = NowMicros() - begun;
  const CpuTime cpu = server.Read() - before;
  load.Finish();
  if (mebibytes == 0) Fail("Nothing was transferred.");
  PrintMeasurement({{"mebibytes", mebibytes},
                    {"mebibytesPerSecond", mebibytes * 1e6 / elapsed},
                    {"mainMicros", cpu.main_micros / mebibytes},
                    {"totalMicros", cpu.total_micros / mebibytes}});
}

}  // namespace
}  // namespace sideloop::bench

int main(int argc, char** argv) {
  using namespace sideloop::bench;
  const std::string_view way = argc > 1 ? argv[1] : "";
  const auto port = static_cast<std::uint16_t>(CountArgument(argc, argv, 2));
  const ServerAccount server(CountArgument(argc, argv, 3));
  const std::size_t connections = CountArgument(argc, argv, 4);
  const std::size_t bytes = CountArgument(argc, argv, 5);
  if (argc <= 6) Fail("The seconds are missing.");
  const double micros = std::strtod(argv[6], nullptr) * 1e6;
  if (way == "echo") {
    MeasureEcho(port, server, connections, bytes, micros);
  } else if (way == "upload") {
    MeasureBulk<Upload>(port, server, micros);
  } else if (way == "download") {
    MeasureBulk<Download>(port, server, micros);
  } else {
    Fail("No such way.");
  }
}
