#include "app/listen_address.h"

#include <charconv>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace gameflow::app {

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  ListenAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  in6_addr ignored{};
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    address.host = host;
    if (inet_pton(AF_INET6, address.host.c_str(), &ignored) != 1) return std::nullopt;
    return address;
  }
  address.host = host == "localhost" ? "127.0.0.1" : host;
  if (inet_pton(AF_INET, address.host.c_str(), &ignored) != 1) return std::nullopt;
  return address;
}

std::string to_string(const ListenAddress& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? '[' + address.host + ']' : address.host;
  return host + ':' + std::to_string(address.port);
}

std::string to_url(const ListenAddress& address, bool over_tls) {
  return (over_tls ? "https://" : "http://") + to_string(address);
}

std::string local_url(const ListenAddress& address, bool over_tls) {
  const std::string host = address.host == "0.0.0.0" ? "127.0.0.1"
                           : address.host == "::"    ? "::1"
                                                     : address.host;
  return to_url({host, address.port}, over_tls);
}

bool is_loopback(const ListenAddress& address) {
  in_addr ipv4{};
  if (inet_pton(AF_INET, address.host.c_str(), &ipv4) == 1) {
    return ntohl(ipv4.s_addr) >> 24U == 127;
  }
  in6_addr ipv6{};
  return inet_pton(AF_INET6, address.host.c_str(), &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6) != 0;
}

}  // namespace gameflow::app
