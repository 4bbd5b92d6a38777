// gameflow build and validate: a dataflow, checked without running it.

#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/connect/processes.h"
#include "app/dashboard_files.h"
#include "app/dataflow_file.h"
#include "app/document.h"
#include "app/mistakes.h"
#include "app/run/deployment.h"
#include "app/terminal.h"
#include "opbuild/opbuild.h"
#include "plan/describe.h"
#include "plan/explain.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

// `reached_operators`: whether nothing before them was wrong.
Status check(const ValidateOptions& options, Mistakes& mistakes, bool& reached_operators) {
  GF_ASSIGN(const DataflowFile file,
            read_dataflow(options.build.dataflow, options.build.package_folders, &mistakes));
  GF_TRY(check_connectors(file.connectors, options.kinds_library, &mistakes));
  GF_TRY(read_dashboards(file, &mistakes));
  if (!options.operators) return check_sql(file, &mistakes);
  reached_operators = true;
  GF_TRY(build_operators(file, options.build, true, &mistakes));
  return {};
}

json::object document_of(const ValidateOptions& options, const Status& status,
                         bool reached_operators, const Mistakes& mistakes) {
  json::object document{{"file", options.build.dataflow},
                        {"valid", status.has_value()},
                        {"operators_checked", reached_operators},
                        {"mistakes", mistakes.list}};
  if (!status) {
    document["error"] = {{"code", to_string(status.error().code)},
                         {"message", status.error().message}};
  }
  return document;
}

}  // namespace

int build_command(const BuildCommandOptions& options) {
  const auto operators = load_operators(options.build);
  if (!operators) return print_error(operators.error());
  const opbuild::Library& built = operators->built;
  const plan::Description description = plan::describe(*operators->file.graph);
  const json::object document{{"operators", built.file.string()},
                              {"cached", built.was_cached},
                              {"build_seconds", built.build_seconds},
                              {"dataflow", json::parse(plan::explain_json(description))}};
  print_document(document, options.json, [&](const auto&) {
    fmt::print(
        "{}\n{} {}\n", plan::explain(description), built.file.string(),
        built.was_cached ? "(cached)" : fmt::format("(built in {:.2f} s)", built.build_seconds));
  });
  return kExitFine;
}

int validate_command(const ValidateOptions& options) {
  Mistakes mistakes;
  bool reached_operators = false;
  const Status status = check(options, mistakes, reached_operators);
  std::fputs(mistakes.text.c_str(), stderr);
  if (options.json) print_json(document_of(options, status, reached_operators, mistakes));
  if (!status) return print_error(status.error());
  if (options.json) return kExitFine;
  fmt::print("{}: no mistakes{}\n", options.build.dataflow,
             options.operators ? "" : " (--operators has the compiler check the C++ too)");
  return kExitFine;
}

}  // namespace gameflow::app
