// Thread: loop; a thread of the resolver's asks the system, for which this one has no time.
// Owns: the signal by which the answer comes, a share of the question.
// Ends: its destructor; no call of the system's, however long it takes, holds it or the loop up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/address.h"
#include "cross/loop_signal.h"
#include "cross/resolver.h"
#include "loop/loop.h"

namespace sideloop::net {

class LookupListener {
 public:
  // The addresses of the name, in the resolver's order, or a libuv error. May destroy the lookup.
  ON_LOOP virtual void OnResolved(int status, std::vector<Address> addresses) = 0;

 protected:
  ~LookupListener() = default;
};

// The answer comes by a signal, and not by a post, which is refused from the moment that the loop
// is asked to stop.
class Lookup final : private SignalListener, private Resolver::Waiter {
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
  // SignalListener.
  ON_LOOP void OnSignal() override;
  // Resolver::Waiter. On a thread of the resolver's.
  ANY_THREAD void OnAnswer() override { answered_.Send(); }

  Loop& loop_;
  const std::string host_;
  const int port_;
  const int family_;
  LookupListener& listener_;
  LoopSignal answered_;
  std::shared_ptr<Resolver::Question> question_;  // null until it is asked
};

}  // namespace sideloop::net
