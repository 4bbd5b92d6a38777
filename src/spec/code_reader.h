// `run:` blocks: C++ text with its place in the file, and a refusal of Rust that helps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "spec/model.h"
#include "spec/reader.h"

namespace gameflow::spec {

// Where a stretch of Rust stands in a text: bytes from its start.
struct RustSpan {
  std::size_t offset = 0, length = 0;
  std::string function;  // the name after `fn`, if that is what was found
};

// The first thing in `code` that is Rust and cannot be C++; strings and comments do not count.
std::optional<RustSpan> find_rust(std::string_view code);

enum class Operator : std::uint8_t { kAssignTimestamp, kAssignKey, kUpdateState, kFlush };

// A service's own names, for the example in a refusal. Parts that are unknown are left null.
struct ExampleNames {
  const record::Type* event = nullptr;
  const record::Type* output = nullptr;
  std::string event_name, output_name;  // as in the YAML
  const State* state = nullptr;
};

// What this operator looks like in C++, under the name `function`.
std::string example_of(Operator op, const ExampleNames& names, std::string_view function);

// The code of `node`, a scalar of `source`; a report and nothing if there is none or it is Rust.
std::optional<Code> read_code(Report& report, const Node& node, std::string_view source,
                              Operator op, const ExampleNames& names);

}  // namespace gameflow::spec
