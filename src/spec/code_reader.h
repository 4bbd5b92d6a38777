// Functions: `run:` blocks with their place in the file, and a refusal of Rust that helps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/function.h"
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

// Reads functions. `source` is the normalized text of the file.
class FunctionReader {
 public:
  FunctionReader(Report& report, std::string_view source) : report_(report), source_(source) {}

  // The function of `kind` below its key in `parent`, a map that `fields` reads; without code after
  // a report.
  Function read(const Fields& fields, const Node& parent, FunctionKind kind,
                const ExampleNames& names);

  // Of a window: one that makes its result, or that makes one of each row.
  Function read_flush(const Fields& fields, const Node& parent, const ExampleNames& names);

  // A list of operators, `{operator: filter, run: …}` or `{filter: {run: …}}`. What has mistakes
  // counts as a `map`: nobody then misses the type that it would have made.
  std::vector<Function> read_transforms(const Node& list, ExampleNames names);

 private:
  std::optional<Function> read_transform(const Node& node, const ExampleNames& names);
  // What `run` and `dependencies` in a map of `section` say.
  void read_body(const Node& body, const Section& section, Function& function,
                 const ExampleNames& names);
  std::vector<Dependency> read_dependencies(const Node& list);
  // The text of `run`, if there is any and it is not Rust.
  std::optional<Code> read_code(const Node& run, FunctionKind kind, const ExampleNames& names);
  void report_rust(const Code& code, const RustSpan& rust, FunctionKind kind,
                   const ExampleNames& names);

  Report& report_;
  std::string_view source_;
};

// Whether what comes out of `transforms` may be of another type than what went in.
bool change_type(const std::vector<Function>& transforms);

}  // namespace gameflow::spec
