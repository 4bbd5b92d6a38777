// Mistakes in a dataflow and the files around it: as compilers show them, and as data.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "spec/diagnostic.h"

namespace gameflow::app {

struct Mistakes {
  std::string text;         // whole lines, for stderr
  boost::json::array list;  // file, line and column (but of a whole file), severity, message, hint
};

// Adds them to `mistakes`; without it they go to stderr.
void tell(const std::vector<spec::Diagnostic>& diagnostics, std::span<const spec::SourceFile> files,
          Mistakes* mistakes);
// One that has been made a text with its place already.
void tell(const std::string& file, const std::string& text, Mistakes* mistakes);

}  // namespace gameflow::app
