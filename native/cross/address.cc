#include "cross/address.h"

#ifndef _WIN32
#include <arpa/inet.h>
#include <sys/un.h>
#endif

#include <cstring>

namespace sideloop {

namespace {

const sockaddr_in& AsIpv4(const sockaddr* address) {
  return *reinterpret_cast<const sockaddr_in*>(address);
}
const sockaddr_in6& AsIpv6(const sockaddr* address) {
  return *reinterpret_cast<const sockaddr_in6*>(address);
}

int InHostOrder(std::uint16_t port) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&port);
  return bytes[0] << 8 | bytes[1];
}

}  // namespace

Address::Address(const sockaddr* address) {
  std::memcpy(&storage_, address,
              address->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
}

std::optional<Address> Address::Parse(const std::string& host, int port) {
  Address address;
  if (uv_ip4_addr(host.c_str(), port, reinterpret_cast<sockaddr_in*>(&address.storage_)) == 0 ||
      uv_ip6_addr(host.c_str(), port, reinterpret_cast<sockaddr_in6*>(&address.storage_)) == 0) {
    return address;
  }
  return std::nullopt;
}

int Address::family() const {
  switch (storage_.ss_family) {
    case AF_INET:
      return 4;
    case AF_INET6:
      return 6;
    default:
      return 0;
  }
}

int Address::port() const {
  switch (family()) {
    case 4:
      return InHostOrder(AsIpv4(get()).sin_port);
    case 6:
      return InHostOrder(AsIpv6(get()).sin6_port);
    default:
      return 0;
  }
}

void Address::set_port(int port) {
  const auto in_network_order = htons(static_cast<std::uint16_t>(port));
  if (family() == 4) reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = in_network_order;
  if (family() == 6) reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = in_network_order;
}

bool Address::operator==(const Address& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() == 4) return AsIpv4(get()).sin_addr.s_addr == AsIpv4(other.get()).sin_addr.s_addr;
  if (family() != 6) return true;
  const sockaddr_in6& ours = AsIpv6(get());
  const sockaddr_in6& theirs = AsIpv6(other.get());
  return std::memcmp(&ours.sin6_addr, &theirs.sin6_addr, sizeof ours.sin6_addr) == 0 &&
         ours.sin6_scope_id == theirs.sin6_scope_id;
}

int PathError(const std::string& path) {
  if (path.find('\0') != path.npos) return UV_EINVAL;
#ifdef _WIN32
  return 0;
#else
  return path.size() < sizeof(sockaddr_un::sun_path) ? 0 : UV_EINVAL;
#endif
}

std::string Address::text() const {
  char digits[UV_IF_NAMESIZE + 64] = "";
  if (family() == 4) uv_ip4_name(&AsIpv4(get()), digits, sizeof digits);
  if (family() != 6) return digits;
  const sockaddr_in6& address = AsIpv6(get());
  uv_ip6_name(&address, digits, sizeof digits);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&address.sin6_addr);
  const bool is_link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  if (is_link_local && address.sin6_scope_id != 0) {
    std::size_t length = std::strlen(digits);
    digits[length++] = '%';
    std::size_t room = sizeof digits - length;
    if (uv_if_indextoiid(address.sin6_scope_id, digits + length, &room) != 0) digits[--length] = 0;
  }
  return digits;
}

}  // namespace sideloop
