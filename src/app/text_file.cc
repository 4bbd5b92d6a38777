#include "app/text_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "app/terminal.h"

namespace gameflow::app {
namespace {

constexpr std::size_t kFileBytesMax = 4U << 20;

}  // namespace

Result<std::string> read_text_file(const std::string& name) {
  std::ifstream in(name, std::ios::binary);
  std::string text;
  std::array<char, 64U << 10> buffer;
  // A folder opens, and fails only when it is read.
  while (in.read(buffer.data(), buffer.size()) || in.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > kFileBytesMax) break;
  }
  if (!in.is_open() || in.bad()) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("cannot read '{}': {}", name,
                            errno != 0 ? std::strerror(errno) : "it is not a file"));
  }
  if (text.size() > kFileBytesMax) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("'{}' is larger than {}: is it the right file?", name,
                            with_unit(kFileBytesMax)));
  }
  return text;
}

}  // namespace gameflow::app
