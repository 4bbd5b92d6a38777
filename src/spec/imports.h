// What a file has imported from packages, beside types.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "spec/model.h"

namespace gameflow::spec {

struct Imports {
  // Without code, and nothing: what has mistakes, which have been told.
  std::map<std::string, Function, std::less<>> functions;
  std::map<std::string, std::optional<State>, std::less<>> states;
};

}  // namespace gameflow::spec
