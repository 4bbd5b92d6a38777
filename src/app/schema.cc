// gameflow schema: JSON schemas of the files that people write.
#include <cstdio>
#include <string>

#include "app/commands.h"
#include "app/terminal.h"
#include "connect/library.h"
#include "spec/json_schema.h"

namespace gameflow::app {
namespace {

Result<std::string> schema_of(const SchemaOptions& options) {
  switch (options.kind) {
    case SchemaKind::kDataflow:
      return spec::json_schema();
    case SchemaKind::kPackage:
      return spec::package_json_schema();
    case SchemaKind::kGame:
      return spec::game_json_schema();
    case SchemaKind::kDashboard:
      return spec::dashboard_json_schema();
    case SchemaKind::kConnector:
      break;
  }
  GF_ASSIGN(const auto kinds, connect::kinds_with(options.kinds_library));
  return spec::connector_json_schema(kinds);
}

}  // namespace

int schema_command(const SchemaOptions& options) {
  const auto schema = schema_of(options);
  if (!schema) return print_error(schema.error());
  std::fputs(schema->c_str(), stdout);
  return kExitFine;
}

}  // namespace gameflow::app
