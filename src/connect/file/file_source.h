// `file-source`: the lines of files that others write, as they come.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kFileSource;

}  // namespace gameflow::connect
