// `file-sink`: records as lines of files, each exactly once.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kFileSink;

}  // namespace gameflow::connect
