// The tree of commands in other words: scripts with which a shell completes them, and the manual.
// For cli*.cc.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "app/commands.h"

namespace gameflow::app {

std::string completion_script(const CLI::App& root, ShellKind shell);

// In the language of man(7).
std::string manual(const CLI::App& root);

}  // namespace gameflow::app
