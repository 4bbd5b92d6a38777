// How many files the process may have open at a time, and who gets them.
#pragma once

#include <cstdint>

namespace gameflow::app {

// Raises the limit of the process to what the system lets it have, since 1,024 is a common default
// and less than connections and tables may need together. Returns it.
std::uint64_t raise_open_files_limit();

struct OpenFiles {
  std::uint32_t connections = 0;  // each is a file
  std::uint32_t tables = 0;       // that the store keeps open
};

// Shares `limit` out: a quarter for tables, a quarter for what comes and goes, which needs 2,048 at
// most; the rest, a half or more, for connections. Neither gets more than `wanted`. Connections can
// be refused; but once the store cannot open its next file, it writes nothing more until a restart.
OpenFiles share_open_files(std::uint64_t limit, OpenFiles wanted);

}  // namespace gameflow::app
