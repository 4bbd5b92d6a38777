// From a dataflow.yaml to a graph and its operators, with every mistake shown on stderr on the way.
//
// Errors   what can be placed in the file has been told when a function here fails; the Error sums
//          it up in a line. With `mistakes` what is wrong goes there, not to stderr.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"
#include "app/mistakes.h"
#include "base/error.h"
#include "opbuild/opbuild.h"
#include "plan/graph.h"
#include "spec/diagnostic.h"

namespace gameflow::app {

struct DataflowFile {
  std::string name;                     // as the user gave it
  std::vector<spec::SourceFile> files;  // what it was made of, itself first
  std::shared_ptr<const plan::Graph> graph;
  std::vector<std::string> connectors;  // their files
  // Files of dashboards; nothing: those that lie in the folder `dashboards` beside it.
  std::optional<std::vector<std::string>> dashboards;
};

using PackageFolders = std::vector<std::string>;  // --package-path

// Reads and checks the YAML and its packages; of a gameflow-package.yaml, a dataflow that uses all
// of it, each function in a service of its name. kFileUnreadable, kInvalidDataflow.
Result<DataflowFile> read_dataflow(const std::string& name, const PackageFolders& packages,
                                   Mistakes* mistakes = nullptr);

// The same for YAML that is at hand; `name` is what messages call it. kInvalidDataflow.
Result<DataflowFile> check_dataflow(const std::string& name, const std::string& source,
                                    const PackageFolders& packages, Mistakes* mistakes = nullptr);

// The names of the files that it was made of, its own first: those of packages and headers, too.
std::vector<std::string> files_of(const DataflowFile& file);

// Checks the SQL texts that stand in run: blocks against the states. kInvalidDataflow.
Status check_sql(const DataflowFile& file, Mistakes* mistakes = nullptr);

// Builds the operators, or finds them in the cache, and checks their SQL; says so on stderr if it
// takes a while. kInvalidDataflow, and what opbuild::build returns.
Result<opbuild::Library> build_operators(const DataflowFile& file, const BuildOptions& options,
                                         bool syntax_only, Mistakes* mistakes = nullptr);

}  // namespace gameflow::app
