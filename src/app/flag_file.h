// The file of flags of a command, in YAML: `listen: 127.0.0.1:8080`. For cli*.cc.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace gameflow::app {

// Gives the options of `app`, a command that has been parsed, what the file says of those that
// neither command line nor environment do, and says so on stderr. It is the file that is `named`,
// or else gameflow.yaml here or beside the dataflow, if that is there. Throws CLI::ConfigError with
// all mistakes in it.
void take_flag_file(CLI::App& app, const std::string& named);

}  // namespace gameflow::app
