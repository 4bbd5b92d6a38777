// The connectors of a dataflow: a process for each, started again when it ends.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "app/mistakes.h"
#include "base/error.h"

namespace gameflow::app {

// Reads them without their secrets. kInvalidDataflow; mistakes have been told. `library`: with
// further kinds; empty: none.
Status check_connectors(const std::vector<std::string>& files, const std::string& library,
                        Mistakes* told = nullptr);

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

// In the environment of such a process: the server is its parent, which it need not prove.
inline constexpr const char* kServerIsParent = "GAMEFLOW_SERVER_IS_PARENT";

// None yet. `arguments`: what each is given beside its file. `variables`: of its environment,
// instead of those of this process; others could see a token on its command line. `file_mask`: its
// umask; what sinks write may be for others.
std::unique_ptr<ConnectorProcesses> connector_processes(
    std::vector<std::string> arguments, const std::map<std::string, std::string>& variables,
    mode_t file_mask);

}  // namespace gameflow::app
