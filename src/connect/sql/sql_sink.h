// `sql-sink`: records as rows of a table in PostgreSQL, each exactly once.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kSqlSink;

}  // namespace gameflow::connect
