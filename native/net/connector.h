// Thread: loop. The way to a connected stream: the name is resolved, its addresses are tried.
// Owns: the lookup, the attempts, their clocks. Ends: its destructor gives up what is under way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "net/address.h"
#include "net/lookup.h"
#include "net/stream.h"
#include "net/wire.h"

namespace sideloop::net {

struct ConnectOptions {
  std::string host;  // a name or an address; a path; addresses with commas between
  int port = 0;
  bool is_path = false;
  bool is_list = false;
  bool only_first = false;  // of a name's addresses, no other is tried
  int family = 0;           // 4, 6, or 0 for both
  std::string local_host;
  int local_port = 0;
  std::uint64_t deadline_ms = 0;  // for all of it; 0: none
  std::uint64_t attempt_ms = 250;
};

class ConnectorListener {
 public:
  // An address of the name; one call for each.
  ON_LOOP virtual void OnAddress(const Address& address) = 0;
  // An attempt failed; others may go on.
  ON_LOOP virtual void OnAttemptFailed(int error, const Address& address) = 0;
  // One of these two comes, once, and may destroy the connector.
  ON_LOOP virtual void OnStream(std::unique_ptr<Stream> stream) = 0;
  ON_LOOP virtual void OnConnectFailed(int error, Call call, const Address& address) = 0;

 protected:
  ~ConnectorListener() = default;
};

// Addresses are tried in the resolver's order, the families alternating. Where one has not answered
// after attempt_ms, the next is tried beside it; the first to answer wins (RFC 8305).
class Connector final : private LookupListener {
 public:
  ON_LOOP Connector(Loop& loop, ConnectOptions options, ConnectorListener& listener);
  ON_LOOP ~Connector();

  // Call once. May call the listener before it returns.
  ON_LOOP void Start();

 private:
  class Attempt;

  ON_LOOP void OnResolved(int status, std::vector<Address> addresses) override;
  ON_LOOP void StartPath();
  ON_LOOP void Try(std::vector<Address> addresses);
  ON_LOOP void TryNext();
  ON_LOOP void OnAttempt(Attempt& attempt, int status);
  ON_LOOP void OnDeadline();
  // Where an attempt at `address` is to connect from, if anywhere in particular.
  std::optional<Address> LocalFor(const Address& address) const;

  Loop& loop_;
  const ConnectOptions options_;
  ConnectorListener& listener_;
  LOOP_ONLY std::unique_ptr<Lookup> lookup_;
  LOOP_ONLY std::vector<Address> addresses_;
  LOOP_ONLY std::size_t next_ = 0;
  LOOP_ONLY std::vector<std::unique_ptr<Attempt>> attempts_;
  LOOP_ONLY std::unique_ptr<Timer> deadline_;
  LOOP_ONLY std::unique_ptr<Timer> next_timer_;
};

}  // namespace sideloop::net
