// GETs per second in C++. It exists to tell whether the native half of the product is as fast as
// the best C client on the same loop; a loss here can't be made good in TypeScript.
//
//   bench_gets <contestant> <port> <in flight> <seconds>
#include <cstdlib>
#include <string_view>

#include "closed_loop.h"
#include "hiredis_client.h"
#include "measurement.h"
#include "sideloop_client.h"

int main(int argc, char** argv) {
  using namespace sideloop::bench;
  const std::string_view contestant = argc > 1 ? argv[1] : "";
  const int port = static_cast<int>(CountArgument(argc, argv, 2));
  const std::size_t in_flight = CountArgument(argc, argv, 3);
  const double seconds = argc > 4 ? std::atof(argv[4]) : 0;
  if (in_flight == 0 || !(seconds > 0)) Fail("Nothing to measure.");
  if (contestant == "sideloop") {
    SideloopClient client(port);
    SideloopClient::Run run(client, in_flight, seconds);
    client.Execute(run);
    run.Print();
  } else if (contestant == "hiredis-libuv" || contestant == "hiredis-libuv-preformatted") {
    HiredisClient client(port, contestant == "hiredis-libuv-preformatted");
    HiredisClient::Run run(client, in_flight, seconds);
    client.Execute(run);
    run.Print();
  } else {
    Fail("No such contestant.");
  }
}
