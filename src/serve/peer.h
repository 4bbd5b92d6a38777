// Who is at the other end of a connection: as whose connections, failures and quotas they count.
#pragma once

#include <string>

#include "serve/net.h"

namespace gameflow::serve {

// "203.0.113.7"; of IPv6 the network of 64 bits, "2001:db8::/64", of which one sender may take any
// address. Empty: the connection is gone.
std::string peer_of(const Tcp::socket& socket);

}  // namespace gameflow::serve
