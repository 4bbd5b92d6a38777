// The connectors of a dataflow: a process for each, started again when it ends.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/error.h"

namespace gameflow::app {

// Reads them without their secrets. kInvalidDataflow; mistakes have been printed. `library`: with
// further kinds; empty: none.
Status check_connectors(const std::vector<std::string>& files, const std::string& library);

// A process of `gameflow connect FILE` for each file. What they say is logged. At its end they are
// asked to stop, and get 10 s for it; where this program dies, they die, too.
//
// Threads  one of its own, which is their parent; run() is for one other.
class ConnectorProcesses {
 public:
  virtual ~ConnectorProcesses() = default;
  // From now on these. Those that are not among them any more are stopped; one whose text has
  // changed is stopped and then started again. Returns at once.
  virtual void run(const std::vector<std::string>& files) = 0;
};

// None yet. `arguments`: what each is given beside its file. `token`: by which the server lets them
// in, which they find in their environment; empty: what is there. `file_mask`: their umask; what
// sinks write may be for others.
std::unique_ptr<ConnectorProcesses> connector_processes(std::vector<std::string> arguments,
                                                        const std::string& token, mode_t file_mask);

}  // namespace gameflow::app
