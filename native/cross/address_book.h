// Thread: any. The addresses at which servers were last found, by the name that led there: where
// the resolver is slow or dead, a reconnect goes to them.
// Owns: its entries, of the names used last.
// Ends: with the resolver that it belongs to.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/annotations.h"
#include "cross/address.h"
#include "cross/mutex.h"

namespace sideloop {

class AddressBook {
 public:
  static constexpr std::size_t kMostNames = 256;
  static constexpr std::size_t kMostAddresses = 2;  // of a name

  // Names of different ports or families do not share their addresses: what serves one of them need
  // not serve the other.
  struct Name {
    std::string host;
    int port;
    int family;  // 4, 6, or 0 for both
    bool operator==(const Name&) const = default;
  };

  // The last good ones, the latest first. Empty where none is known.
  ANY_THREAD std::vector<Address> Find(const Name& name);
  // A server was found there.
  ANY_THREAD void Add(const Name& name, const Address& address);
  // The name has these addresses: it forgets the others.
  ANY_THREAD void Retain(const Name& name, const std::vector<Address>& addresses);

  // For tests.
  ANY_THREAD std::size_t names();

 private:
  struct Entry {
    Name name;
    std::vector<Address> addresses;  // the latest first, never empty
  };

  std::vector<Entry>::iterator Look(const Name& name) REQUIRES_LOCK(mutex_);

  Mutex mutex_;
  std::vector<Entry> entries_ GUARDED_BY(mutex_);  // the one that was added to last is the last
};

}  // namespace sideloop
