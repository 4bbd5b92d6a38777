// http-source: an endless answer divided by a delimiter, or answers fetched at an interval.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kHttpSource;

}  // namespace gameflow::connect
