// Dataflow tests as text: a dataflow, timed input, and what must come out. Format:
// docs/reference/testing.md.
//
// A case runs on the memory store with a clock of its own, from an empty start, once for each
// number of threads, and must give the same each time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "app/commands.h"
#include "base/error.h"

namespace gameflow::app {

// One line of the file that asks for something, with the lines that belong to it.
struct TestStep {
  std::size_t line = 0;            // in the file, from 1
  std::string command;             // "send", "expect", …
  std::vector<std::string> words;  // the rest of the line
  std::vector<std::string> body;   // the lines that follow it
};

struct TestCase {
  std::string file;
  std::string description;  // the comment at the top
  std::vector<TestStep> steps;
};

// kInvalidArgument with file:line for what cannot be read.
Result<TestCase> parse_test(std::string file, const std::string& text);

// Runs the case with `threads` workers. The error names file:line, what was expected and what came.
Status run_test(const TestCase& test, const BuildOptions& build, std::uint32_t threads);

}  // namespace gameflow::app
