// Where to listen: "127.0.0.1:3001", "[::1]:3001", "localhost:0".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gameflow::app {

struct ListenAddress {
  std::string host;  // without brackets; an IP address
  std::uint16_t port = 0;
};

std::optional<ListenAddress> parse_listen_address(std::string_view text);
std::string to_string(const ListenAddress& address);  // as it stands in a URL
// "https://127.0.0.1:3001"
std::string to_url(const ListenAddress& address, bool over_tls);
// The URL under which this machine reaches a server there, also where it listens on all addresses.
std::string local_url(const ListenAddress& address, bool over_tls);
// Only this machine can connect.
bool is_loopback(const ListenAddress& address);

}  // namespace gameflow::app
