// Thread: any. An IP address with its port.
#pragma once

#include <uv.h>

#include <optional>
#include <string>

namespace sideloop {

class Address {
 public:
  // No address: of a pipe, or of a stream that has lost its peer.
  Address() = default;
  // Requires: an IPv4 or IPv6 address.
  explicit Address(const sockaddr* address);

  // From digits. Empty where `host` is a name.
  static std::optional<Address> Parse(const std::string& host, int port);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  // 4, 6, or 0 for none.
  int family() const;
  int port() const;
  void set_port(int port);
  // Of the same family, digits, port and interface.
  bool operator==(const Address& other) const;
  // The digits; with the interface's name, where the address is one of that interface only.
  std::string text() const;

 private:
  sockaddr_storage storage_{};
};

// 0, or UV_EINVAL for the path of a pipe that libuv would cut off, for its length or at a NUL, and
// so take for another one.
int PathError(const std::string& path);

}  // namespace sideloop
