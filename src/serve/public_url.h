// Where a server is reached from outside: the address that a proxy in front of it has.
//
// Threads  any; values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::serve {

struct PublicUrl {
  std::string origin;               // "https://stats.example.com", lower case
  std::string host;                 // "stats.example.com", with a port that is written
  std::vector<std::string> prefix;  // segments of the path below which everything is; mostly none
};

// Of "https://stats.example.com/gameflow"; nothing where it is no such URL.
std::optional<PublicUrl> parse_public_url(std::string_view text);

// By their prefixes: one of them may begin with another.
std::vector<PublicUrl> longest_first(std::vector<PublicUrl> urls);

}  // namespace gameflow::serve
