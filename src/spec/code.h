// The C++ of a dataflow and the rows that it works on: part of model.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "record/type.h"
#include "spec/diagnostic.h"
#include "spec/function.h"

namespace gameflow::spec {

// C++ of a `run:` block, as it stands in the file: for a block scalar each line keeps its
// indentation, so that a column in `text` is a column in the file. `position` is where the first
// line starts, {line, 1} for a block scalar.
struct Code {
  std::string text;
  Position position;
};

// A system library, by its pkg-config name.
struct Dependency {
  std::string name;
  Position position;
};

struct Signature;

// One `run:` block.
struct Function {
  FunctionKind kind = FunctionKind::kMap;
  Code code;
  Position position;  // of its key, `assign-key`, or of the operator's name, `filter`
  std::vector<Dependency> dependencies = {};
  std::shared_ptr<const Signature> signature = {};  // of a package's function; else null
};

// How a column's two values of one key become one. Sketches, of which it says kAny, know.
enum class Merge : std::uint8_t { kSum, kMin, kMax, kFirst, kLast, kAny };

// A row state. `type` is the row: an object of what a column can be. A primitive state is a row of
// one column, `value`.
struct State {
  std::string name;
  Position position;
  record::Kind key = record::Kind::kString;  // kString, kBool or an integer kind
  const record::Type* type = nullptr;
  bool is_primitive = false;
  std::vector<std::optional<Merge>> merges;  // by field of `type`; may be shorter
  std::optional<Duration> ttl;               // a row that nobody has asked for this long runs out
  std::optional<Function> on_expire;         // with `ttl` only
};

// What a package says of a function.
struct Signature {
  std::string package, name;  // "examples/words@0.1.0", "sentence-to-words"
  Position position;          // of the name
  // Of the record, without its key and time; null: it says none, as that of a flush.
  const record::Type* input = nullptr;
  // Of a filter-map and a flat-map what they give at a time; null: nothing to check.
  const record::Type* output = nullptr;
  std::vector<State> states;  // that it works on
};

}  // namespace gameflow::spec
