// A request's body: all that looks for records, members and fields in one.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "api/unwrap.h"
#include "fuzz.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/json_split.h"

namespace gameflow {
namespace {

using fuzz::lies_in;
using fuzz::must;

void run(std::string_view input) {
  std::string padded(input);
  padded.append(record::kPaddingBytes, ' ');
  const std::string_view body = std::string_view(padded).substr(0, input.size());

  if (const auto records = record::split_json(body)) {
    const char* end = body.data();
    for (const std::string_view one : *records) {
      if (one.empty()) continue;  // between two commas
      must(lies_in(one, body), "a record lies in the body");
      must(one.data() >= end, "records lie one behind the other");
      end = one.data() + one.size();
    }
  }
  record::Decoder decoder;
  const bool is_json = decoder.check(body);
  if (const auto records = api::unwrap(body, "events")) {
    bool are_json = true;
    for (const std::string_view one : *records) {
      must(one.empty() || lies_in(one, body), "so does one unwrapped");
      are_json = are_json && !one.empty() && decoder.check(one);
    }
    const bool is_flat = std::ranges::count_if(body, [](char c) { return c == '[' || c == '{'; }) <
                         static_cast<std::ptrdiff_t>(record::kJsonDepthMax);
    must(is_json || !are_json || !is_flat, "around records that are JSON is JSON");
  }
  if (const auto member = record::find_member(body, "a.b"))
    must(lies_in(*member, body), "a member lies in the body");
  for (const std::string_view name : record::member_names(body))
    must(lies_in(name, body), "a name lies in the body");
  static_cast<void>(record::is_one_value(body));
  static_cast<void>(api::unwrap_hint(body, nullptr));
  if (!is_json) return;
  static_cast<void>(record::json_field(body, "a.b"));
  std::string without;
  record::minify_without(body, "a", without);
}

}  // namespace
}  // namespace gameflow

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
