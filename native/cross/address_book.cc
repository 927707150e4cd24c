#include "cross/address_book.h"

#include <algorithm>
#include <utility>

namespace sideloop {

std::vector<Address> AddressBook::Find(const Name& name) {
  MutexLock lock(mutex_);
  const auto entry = Look(name);
  return entry == entries_.end() ? std::vector<Address>() : entry->addresses;
}

void AddressBook::Add(const Name& name, const Address& address) {
  MutexLock lock(mutex_);
  Entry entry{name, {address}};
  if (const auto known = Look(name); known != entries_.end()) {
    for (const Address& each : known->addresses) {
      if (each != address && entry.addresses.size() < kMostAddresses) {
        entry.addresses.push_back(each);
      }
    }
    entries_.erase(known);
  } else if (entries_.size() == kMostNames) {
    entries_.erase(entries_.begin());
  }
  entries_.push_back(std::move(entry));
}

void AddressBook::Retain(const Name& name, const std::vector<Address>& addresses) {
  MutexLock lock(mutex_);
  const auto entry = Look(name);
  if (entry == entries_.end()) return;
  std::erase_if(entry->addresses, [&addresses](const Address& each) {
    return std::find(addresses.begin(), addresses.end(), each) == addresses.end();
  });
  if (entry->addresses.empty()) entries_.erase(entry);
}

std::size_t AddressBook::names() {
  MutexLock lock(mutex_);
  return entries_.size();
}

std::vector<AddressBook::Entry>::iterator AddressBook::Look(const Name& name) {
  return std::find_if(entries_.begin(), entries_.end(),
                      [&name](const Entry& entry) { return entry.name == name; });
}

}  // namespace sideloop
