#include "client/private_address.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

namespace gameflow::client {
namespace {

struct Network {
  std::uint32_t address;
  int bits;
};
// RFC 6890, and 224/3: for several, reserved, broadcast.
constexpr Network kNetworks[] = {
    {0x00000000, 8},   // this network
    {0x0A000000, 8},   // private
    {0x64400000, 10},  // of carriers
    {0x7F000000, 8},   // loopback
    {0xA9FE0000, 16},  // of a link
    {0xAC100000, 12},  // private
    {0xC0000000, 24},  // protocol assignments
    {0xC0A80000, 16},  // private
    {0xC6120000, 15},  // benchmarks
    {0xE0000000, 3},
};

bool is_private4(std::uint32_t address) {
  return std::ranges::any_of(kNetworks, [&](const Network& network) {
    return (address ^ network.address) >> (32 - network.bits) == 0;
  });
}

std::uint32_t last4(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[12]} << 24 | std::uint32_t{bytes[13]} << 16 |
         std::uint32_t{bytes[14]} << 8 | bytes[15];
}

bool is_private6(const std::uint8_t* bytes) {
  static constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  static constexpr std::uint8_t kNat64[12] = {0, 0x64, 0xFF, 0x9B};
  static constexpr std::uint8_t kZero[12] = {};
  for (const std::uint8_t* prefix : {kMapped, kNat64, kZero}) {
    // Of ::/96 with ::1 and ::.
    if (std::memcmp(bytes, prefix, 12) == 0) return is_private4(last4(bytes));
  }
  return (bytes[0] & 0xFE) == 0xFC || (bytes[0] == 0xFE && bytes[1] >= 0x80) || bytes[0] == 0xFF;
}

}  // namespace

bool is_private_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return is_private4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return true;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  return is_private6(v6.sin6_addr.s6_addr);
}

}  // namespace gameflow::client
