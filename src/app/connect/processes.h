// The connectors of a dataflow: a process for each, started again when it ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace gameflow::app {

// Reads them without their secrets. kInvalidDataflow; mistakes have been printed.
Status check_connectors(const std::vector<std::string>& files);

// While it exists, a process of `gameflow connect FILE` runs for each file. What they say is
// logged. At its end they are asked to stop, and get 10 s for it; where this program dies, they
// die, too.
//
// Threads  one of its own, which is their parent.
class ConnectorProcesses {
 public:
  virtual ~ConnectorProcesses() = default;
};

// Null for no files. `server`: the URL that they are to talk to.
std::unique_ptr<ConnectorProcesses> start_connectors(const std::vector<std::string>& files,
                                                     const std::string& server);

}  // namespace gameflow::app
