// The dashboards of a dataflow: which files they are, read and checked.
#pragma once

#include <string>
#include <vector>

#include "app/dataflow_file.h"
#include "base/error.h"
#include "spec/dashboard.h"

namespace gameflow::app {

// Those that the dataflow names, or that lie in its folder now, in order of name.
std::vector<std::string> dashboard_files(const DataflowFile& file);

// What is wrong has been told where it fails, as in dataflow_file.h. kInvalidDataflow,
// kFileUnreadable.
Result<std::vector<spec::Dashboard>> read_dashboards(const DataflowFile& file,
                                                     Mistakes* mistakes = nullptr);

}  // namespace gameflow::app
