// The file of tokens.
#include <cstdint>
#include <string>

#include "auth/tokens.h"
#include "fuzz.h"

namespace gameflow::auth {
namespace {

using fuzz::must;

void run(std::string_view input) {
  const auto tokens = Tokens::parse(input, "tokens");
  if (!tokens) {
    must(tokens.error().message.starts_with("tokens:"), "a mistake says where it is");
    return;
  }
  std::string lines;
  for (const auto& token : tokens->all()) lines += line_of(*token) + "\n";
  const auto again = Tokens::parse(lines, "tokens");
  must(again.has_value() && again->all().size() == tokens->all().size(), "lines can be read");
  for (const auto& token : tokens->all())
    must(again->has(*token), "what is written reads the same");
}

}  // namespace
}  // namespace gameflow::auth

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::auth::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
