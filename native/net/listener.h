// Thread: loop. A server's socket: bound, listening, accepting into its table.
// Owns: the uv stream, its lookup.
// Ends: its destructor closes it at once; libuv's handle is freed as libuv lets go of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/address.h"
#include "net/lookup.h"
#include "net/spare_descriptor.h"
#include "net/wire.h"

namespace sideloop::net {

class SocketTable;

struct ListenOptions {
  std::string host;  // a name or an address; a path; empty: every address of the machine
  int port = 0;
  int backlog = 511;
  bool is_path = false;
  bool paused = false;  // connections do not begin to read by themselves
  bool ipv6_only = false;
  bool readable_all = false;
  bool writable_all = false;
  int most_connections = -1;  // -1: no limit
};

class Listener final : private LookupListener {
 public:
  // Connections that JS was told of and has not taken yet. Further ones wait in the kernel, so that
  // a JS thread that is busy does not have the process filled with them.
  static constexpr int kMostUntaken = 1024;

  ON_LOOP Listener(SocketTable& table, Id id, ListenOptions options);
  ON_LOOP ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Call once. kListening or kError follows.
  ON_LOOP void Start();
  // JS has taken so many connections.
  ON_LOOP void Acknowledge(int connections);
  ON_LOOP void set_most_connections(int most) { options_.most_connections = most; }

 private:
  struct Node;

  ON_LOOP void OnResolved(int status, std::vector<Address> addresses) override;
  ON_LOOP int ListenOn(const Address& address);
  ON_LOOP void ListenOnAny();
  ON_LOOP void ListenOnPath();
  ON_LOOP int Listen();
  ON_LOOP void Fail(int error, Call call, const Address& address);
  ON_LOOP void OnConnection(int status);
  ON_LOOP void OnAcceptFailed(int error);
  ON_LOOP void Accept();
  ON_LOOP void Open(bool tcp);
  ON_LOOP void Close();

  SocketTable& table_;
  const Id id_;
  LOOP_ONLY ListenOptions options_;
  LOOP_ONLY std::unique_ptr<Lookup> lookup_;
  LOOP_ONLY Node* node_ = nullptr;  // freed in its close callback
  LOOP_ONLY SpareDescriptor spare_;
  LOOP_ONLY std::shared_ptr<int> open_ = std::make_shared<int>(0);
  LOOP_ONLY int untaken_ = 0;
  LOOP_ONLY bool waits_ = false;  // a connection waits to be accepted
};

}  // namespace sideloop::net
