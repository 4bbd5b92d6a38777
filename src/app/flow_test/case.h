// Dataflow tests as text: a dataflow, timed input, and what must come out. Format:
// docs/reference/testing.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"

namespace gameflow::app::flow_test {

// One line of the file that asks for something, with the lines that belong to it.
struct Step {
  std::size_t line = 0;            // in the file, from 1
  std::size_t line_last = 0;       // of its body; `line` without one
  std::string command;             // "send", "expect", …
  std::vector<std::string> words;  // the rest of the line
  std::vector<std::string> body;   // the lines that follow it
};

struct Case {
  std::string file;
  std::string description;  // the comment at the top
  std::vector<Step> steps;
};

// kInvalidArgument with file:line for what cannot be read.
Result<Case> parse(std::string file, const std::string& text);

}  // namespace gameflow::app::flow_test
