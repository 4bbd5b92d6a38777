// `graphite-sink`: numbers of records as metrics of Graphite, by Carbon's plaintext protocol.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kGraphiteSink;

}  // namespace gameflow::connect
