// A dataflow.yaml; a dashboard, where it begins like one.
#include <cstdint>

#include "fuzz.h"
#include "spec/dashboard.h"
#include "spec/model.h"

namespace gameflow::spec {
namespace {

using fuzz::must;

template <class Parsed>
void check(const Parsed& parsed) {
  for (const Diagnostic& mistake : parsed.diagnostics) {
    must(!mistake.message.empty(), "a mistake has a message");
    must(mistake.position.line >= 1 && mistake.position.column >= 1, "a mistake says where it is");
  }
}

void run(std::string_view input) {
  if (input.starts_with("title")) {
    check(parse_dashboard(input, "dashboard.yaml"));
  } else {
    check(parse(input, "dataflow.yaml"));
  }
}

}  // namespace
}  // namespace gameflow::spec

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::spec::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
