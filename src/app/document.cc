#include "app/document.h"

#include <cstdio>
#include <string>

namespace gameflow::app {

void print_json(const boost::json::value& document) {
  const std::string line = boost::json::serialize(document) + '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
}

}  // namespace gameflow::app
