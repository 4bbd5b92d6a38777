// Functions: `run:` blocks with their place in the file, and a refusal of Rust that helps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/function.h"
#include "spec/imports.h"
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
  // All outlive it.
  FunctionReader(Report& report, std::string_view source, const Imports& imports)
      : report_(report), source_(source), imports_(imports) {}

  // The function of `kind` below its key in `parent`, a map that `fields` reads; without code after
  // a report.
  Function read(const Fields& fields, const Node& parent, FunctionKind kind,
                const ExampleNames& names);

  // Of a window: one that makes its result, or that makes one of each row.
  Function read_flush(const Fields& fields, const Node& parent, const ExampleNames& names);

  // A list of operators, `{operator: filter, run: …}` or `{filter: {run: …}}`. What has mistakes
  // counts as a `map`: nobody then misses the type that it would have made.
  std::vector<Function> read_transforms(const Node& list, ExampleNames names);

  std::vector<Dependency> read_dependencies(const Node& list);
  // The text of `run`, if there is any.
  std::optional<Code> read_code(const Node& run, FunctionKind kind, const ExampleNames& names);
  // Whether it is not Rust; else a report.
  bool check_code(const Code& code, FunctionKind kind, const ExampleNames& names);

 private:
  std::optional<Function> read_transform(const Node& node, const ExampleNames& names);
  // What `run`, `uses` and `dependencies` in a map of `section` say.
  void read_body(const Node& body, const Section& section, Function& function,
                 const ExampleNames& names);
  void read_use(const Node& uses, Function& function);
  void report_rust(const Code& code, const RustSpan& rust, FunctionKind kind,
                   const ExampleNames& names);

  Report& report_;
  std::string_view source_;
  const Imports& imports_;
};

// Whether what comes out of `transforms` may be of another type than what went in.
bool change_type(const std::vector<Function>& transforms);

}  // namespace gameflow::spec
