// gameflow explain: the graph of a dataflow, without building it.

#include "plan/explain.h"

#include <cstdio>
#include <string>

#include "app/commands.h"
#include "app/dataflow_file.h"
#include "app/terminal.h"
#include "plan/describe.h"

namespace gameflow::app {

int explain_command(const ExplainOptions& options) {
  const auto file = read_dataflow(options.dataflow, options.package_folders);
  if (!file) return print_error(file.error());
  const plan::Description description = plan::describe(*file->graph);
  std::string text;
  switch (options.format) {
    case ExplainFormat::kText:
      text = plan::explain(description);
      break;
    case ExplainFormat::kJson:
      text = plan::explain_json(description);
      break;
    case ExplainFormat::kDot:
      text = plan::explain_dot(description);
      break;
    case ExplainFormat::kMermaid:
      text = plan::explain_mermaid(description);
      break;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kExitFine;
}

}  // namespace gameflow::app
