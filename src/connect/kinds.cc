#include "connect/kinds.h"

#include <vector>

namespace gameflow::connect {

std::span<const Kind> kinds() {
  static const std::vector<Kind> kKinds = {};
  return kKinds;
}

}  // namespace gameflow::connect
