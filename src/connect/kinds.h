// The kinds of connectors that come with the program.
#pragma once

#include <span>

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

// The one list of them: a kind is a line in kinds.cc.
std::span<const Kind> kinds();

}  // namespace gameflow::connect
