// JSON texts for tests: y_… must be accepted, n_… rejected.
#pragma once

#include <string>
#include <vector>

namespace gameflow::record {

struct JsonCase {
  std::string name;
  std::string json;
};

std::vector<JsonCase> json_corpus();

// The player, purchase and server event as games send them.
std::vector<std::string> sample_events();

}  // namespace gameflow::record
