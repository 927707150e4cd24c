// Thread: loop. The way to a connected stream: the name is resolved, its addresses are tried.
// Owns: the lookup, the attempts, their clocks, a stream that is to be confirmed.
// Ends: its destructor gives up what is under way.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/address.h"
#include "cross/address_book.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "net/lookup.h"
#include "net/stream.h"
#include "net/wire.h"

namespace sideloop::net {

// Of the book of the addresses at which servers were found (see AddressBook).
enum class BookUse : std::uint8_t {
  kNone,
  kUpdate,  // it is held to what the name resolves to
  kTry      // that, and its addresses are tried while the name is being resolved
};

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
  BookUse book = BookUse::kNone;
  // How long a stream to an address of the book is kept back for the answer that may speak against
  // it.
  std::uint64_t confirm_ms = 100;
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
  // The answer came after the stream to a remembered address, and is without that address. Comes at
  // most once, where the connector lives on after OnStream, and may destroy it.
  ON_LOOP virtual void OnMoved() {}

 protected:
  ~ConnectorListener() = default;
};

// Addresses are tried in the resolver's order, the families alternating. Where one has not answered
// after attempt_ms, the next is tried beside it; the first to answer wins (RFC 8305).
//
// Where addresses are remembered, they are tried beside the lookup. The answer decides, whenever it
// comes: an address that it lacks is dropped, whatever became of the attempt.
//
//   lookup      an attempt at a remembered address
//               under way        connected                        handed over
//   has it      goes on          is handed over                   -
//   lacks it    is dropped       is dropped                       OnMoved
//   fails       goes on          is handed over                   -
//   is silent   goes on          is handed over after confirm_ms
class Connector final : private LookupListener {
 public:
  ON_LOOP Connector(Loop& loop, ConnectOptions options, ConnectorListener& listener);
  ON_LOOP ~Connector();

  // Call once. May call the listener before it returns.
  ON_LOOP void Start();
  // Whether the name has no answer yet: after OnStream, whether OnMoved may come.
  ON_LOOP bool resolving() const { return lookup_ != nullptr; }
  // Where attempts are under way.
  ON_LOOP std::vector<Address> Trying() const;

 private:
  class Attempt;

  struct Failure {
    int error = 0;
    Call call = Call::kConnect;
    Address address;
  };

  ON_LOOP void OnResolved(int status, std::vector<Address> addresses) override;
  ON_LOOP void OnUnresolved(int error);
  ON_LOOP void StartPath();
  ON_LOOP void Try(std::vector<Address> addresses);
  ON_LOOP void TryRemembered();
  ON_LOOP void TryRestOf(std::vector<Address> addresses);
  ON_LOOP void TryNext();
  ON_LOOP void TryNextIn(std::uint64_t ms);
  ON_LOOP void OnAttempt(Attempt& attempt, int status);
  ON_LOOP void NoteFailure(int error, const Address& address);
  ON_LOOP void OnAllFailed();
  ON_LOOP void KeepBack(std::unique_ptr<Stream> stream, const Address& address);
  ON_LOOP void HandOver();
  ON_LOOP void OnDeadline();
  AddressBook::Name NameInBook() const;
  // Where an attempt at `address` is to connect from, if anywhere in particular.
  std::optional<Address> LocalFor(const Address& address) const;

  Loop& loop_;
  const ConnectOptions options_;
  ConnectorListener& listener_;
  LOOP_ONLY std::unique_ptr<Lookup> lookup_;
  LOOP_ONLY std::vector<Address> addresses_;
  LOOP_ONLY std::size_t next_ = 0;
  LOOP_ONLY std::vector<std::unique_ptr<Attempt>> attempts_;
  LOOP_ONLY std::uint64_t last_began_at_ = 0;  // the last attempt
  LOOP_ONLY Failure failure_;                  // of which OnConnectFailed will tell
  LOOP_ONLY std::unique_ptr<Stream> kept_back_;
  LOOP_ONLY Address remembered_;  // that of kept_back_, also once that is handed over
  LOOP_ONLY bool is_handed_over_ = false;
  LOOP_ONLY std::unique_ptr<Timer> confirm_timer_;
  LOOP_ONLY std::unique_ptr<Timer> deadline_;
  LOOP_ONLY std::unique_ptr<Timer> next_timer_;
};

}  // namespace sideloop::net
