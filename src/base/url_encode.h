// Text as part of an address.
#pragma once

#include <string>
#include <string_view>

namespace gameflow {

// Percent-encodes everything but unreserved characters.
std::string url_encode(std::string_view text);

}  // namespace gameflow
