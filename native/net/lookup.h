// Thread: loop; a thread of the resolver's asks the system, for which this one has no time.
// Owns: the handle by which the answer comes, a share of the question.
// Ends: its destructor; no call of the system's, however long it takes, holds it or the loop up.
#pragma once

#include <string>
#include <vector>

#include "base/annotations.h"
#include "loop/loop.h"
#include "net/address.h"

namespace sideloop::net {

class LookupListener {
 public:
  // The addresses of the name, in the resolver's order, or a libuv error. May destroy the lookup.
  ON_LOOP virtual void OnResolved(int status, std::vector<Address> addresses) = 0;

 protected:
  ~LookupListener() = default;
};

class Lookup {
 public:
  // `family` is 4, 6, or 0 for both.
  ON_LOOP Lookup(Loop& loop, const std::string& host, int port, int family,
                 LookupListener& listener);
  ON_LOOP ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Asks. OnResolved follows, or a libuv error is returned.
  ON_LOOP int Start();

 private:
  struct Node;

  Node* node_;  // freed by libuv's last callback
  const std::string host_;
  const int family_;
};

}  // namespace sideloop::net
