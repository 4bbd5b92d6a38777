#include "connect/kinds.h"

#include <vector>

#include "connect/http_source/http_source.h"

namespace gameflow::connect {

std::span<const Kind> kinds() {
  static const std::vector<Kind> kKinds = {
      kHttpSource,
  };
  return kKinds;
}

}  // namespace gameflow::connect
