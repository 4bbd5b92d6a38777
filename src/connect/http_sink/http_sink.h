// `http-sink`: records as requests to a web server.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kHttpSink;

}  // namespace gameflow::connect
