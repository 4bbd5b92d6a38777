// Which addresses are not the internet's.
#pragma once

struct sockaddr;

namespace gameflow::client {

// Of this machine, of private networks, of a link, of carriers' networks, for several, or none: an
// address that a server of somebody else's cannot have. Other families count as such.
bool is_private_address(const sockaddr& address);

}  // namespace gameflow::client
