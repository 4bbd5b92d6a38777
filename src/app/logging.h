// The log on stderr.
#pragma once

#include <string>

namespace gameflow::app {

// One event a line, times in UTC. `level` as --log-level.
void set_up_logging(const std::string& level);

}  // namespace gameflow::app
