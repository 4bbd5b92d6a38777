#include "app/flow_test/text.h"

#include <charconv>
#include <system_error>

#include "record/batch.h"
#include "record/codec.h"

namespace gameflow::app::flow_test {

std::optional<std::uint32_t> parse_number(const std::string& text) {
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end ? std::optional(number) : std::nullopt;
}

std::string one_line(const std::string& json) {
  std::string line;
  record::Decoder decoder;
  std::string padded = json;
  padded.reserve(json.size() + record::kPaddingBytes);
  if (!decoder.check(padded)) return json;
  record::minify_json(padded, line);
  return line;
}

}  // namespace gameflow::app::flow_test
