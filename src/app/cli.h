// The command line: argv to a Command. The reference is docs/reference/cli.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"

namespace gameflow::app {

// Either a command to run, or an exit code and what to print: help, or what is wrong and what is
// right.
struct ParsedCommandLine {
  std::optional<Command> command;
  int exit_code = kExitFine;
  std::string out, err;
};

// `arguments` without the program's name. Reads GAMEFLOW_* where a flag is absent.
ParsedCommandLine parse_command_line(std::vector<std::string> arguments);

}  // namespace gameflow::app
