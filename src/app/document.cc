#include "app/document.h"

#include <cstdio>
#include <string>
#include <string_view>

#include "record/codec.h"

namespace gameflow::app {
namespace {

// Names of files are any bytes; JSON is UTF-8. A byte of no character becomes U+FFFD.
std::string as_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t size = 1;
    while (size <= 4 && !record::is_valid_utf8(text.substr(0, size))) ++size;
    const bool is_character = size <= 4;
    out += is_character ? text.substr(0, size) : std::string_view("\uFFFD");
    text.remove_prefix(is_character ? size : 1);
  }
  return out;
}

}  // namespace

void print_json(const boost::json::value& document) {
  std::string line = boost::json::serialize(document);
  if (!record::is_valid_utf8(line)) line = as_utf8(line);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
}

}  // namespace gameflow::app
