// A `run:` block taken apart: its includes, its operator, and where things stand in dataflow.yaml.
//
// A block is either one lambda expression, or C++ at namespace scope whose last function definition
// is the operator; everything before it (functions, structs, constants) is the operator's own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/diagnostic.h"
#include "spec/model.h"

namespace gameflow::opbuild {

struct Block {
  enum class Form : std::uint8_t { kFunction, kLambda };

  struct Include {
    std::string text;  // from the # on
    spec::Position position;
  };

  Form form = Form::kFunction;
  std::string function;              // name of the operator; kFunction only
  spec::Position operator_position;  // of that name, or of the lambda
  std::vector<Include> includes;
  std::vector<std::string> macros;  // that it defines
  // The block without its includes, which become empty lines: every line and column is where it is
  // in the file. Ends with a line break.
  std::string text;
  // What no compiler needs to be asked about: unbalanced brackets, no function at all.
  std::vector<spec::Diagnostic> mistakes;
};

// `role` is the YAML key of the block, for messages: "assign-key".
Block parse_block(const spec::Code& code, std::string_view role);

// Whether the operator may read its first parameter. False only where it plainly gives it no name.
bool may_read_parameter(const spec::Code& code);

// A function of the SDK that a block cannot call, and what to say about it.
struct Forbidden {
  std::string name;
  bool takes_arguments;
  std::string message, hint;
};
// Its calls, which would throw for each record; not those of another function of that name: of the
// block's own, of an object, of std.
std::vector<spec::Diagnostic> find_forbidden(const spec::Code& code, const Forbidden& function);

// Where `offset` of the block's text is in the file.
spec::Position position_of(const spec::Code& code, std::size_t offset);

}  // namespace gameflow::opbuild
