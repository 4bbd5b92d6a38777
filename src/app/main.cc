// gameflow: the program. Parses the command line and runs one command.

#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "app/cli.h"
#include "app/commands.h"
#include "app/document.h"
#include "app/terminal.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

struct Execute {
  int operator()(const RunOptions& options) const { return run_command(options); }
  int operator()(const BuildCommandOptions& options) const { return build_command(options); }
  int operator()(const ValidateOptions& options) const { return validate_command(options); }
  int operator()(const ExplainOptions& options) const { return explain_command(options); }
  int operator()(const TestOptions& options) const { return test_command(options); }
  int operator()(const TestFunctionOptions& options) const {
    return test_function_command(options);
  }
  int operator()(const ServiceListOptions& options) const { return service_list_command(options); }
  int operator()(const ServiceResetWatermarkOptions& options) const {
    return service_reset_watermark_command(options);
  }
  int operator()(const ServiceForgetOptions& options) const {
    return service_forget_command(options);
  }
  int operator()(const BackupOptions& options) const { return backup_command(options); }
  int operator()(const VerifyOptions& options) const { return verify_command(options); }
  int operator()(const PlayerForgetOptions& options) const {
    return player_forget_command(options);
  }
  int operator()(const PlayerReceiptsOptions& options) const {
    return player_receipts_command(options);
  }
  int operator()(const GenerateOptions& options) const { return generate_command(options); }
  int operator()(const TopicListOptions& options) const { return topic_list_command(options); }
  int operator()(const TopicDescribeOptions& options) const {
    return topic_describe_command(options);
  }
  int operator()(const TopicCreateOptions& options) const { return topic_create_command(options); }
  int operator()(const TopicDeleteOptions& options) const { return topic_delete_command(options); }
  int operator()(const ProduceOptions& options) const { return produce_command(options); }
  int operator()(const ConsumeOptions& options) const { return consume_command(options); }
  int operator()(const SqlOptions& options) const { return sql_command(options); }
  int operator()(const DeadLettersListOptions& options) const {
    return dead_letters_list_command(options);
  }
  int operator()(const DeadLettersShowOptions& options) const {
    return dead_letters_show_command(options);
  }
  int operator()(const DeadLettersReplayOptions& options) const {
    return dead_letters_replay_command(options);
  }
  int operator()(const ConnectOptions& options) const { return connect_command(options); }
  int operator()(const ConnectorNewOptions& options) const {
    return connector_new_command(options);
  }
  int operator()(const ConnectorKitOptions& options) const {
    return connector_kit_command(options);
  }
  int operator()(const ConnectorListOptions& options) const {
    return connector_list_command(options);
  }
  int operator()(const ConnectorDescribeOptions& options) const {
    return connector_describe_command(options);
  }
  int operator()(const ConnectorDeleteOptions& options) const {
    return connector_delete_command(options);
  }
  int operator()(const TokenCreateOptions& options) const { return token_create_command(options); }
  int operator()(const TokenListOptions& options) const { return token_list_command(options); }
  int operator()(const TokenRevokeOptions& options) const { return token_revoke_command(options); }
  int operator()(const McpOptions& options) const { return mcp_command(options); }
  int operator()(const NewOptions& options) const { return new_command(options); }
  int operator()(const SchemaOptions& options) const { return schema_command(options); }
  int operator()(const CompletionOptions& options) const { return completion_command(options); }
  int operator()(const ManualOptions& options) const { return manual_command(options); }
  int operator()(const VersionOptions& options) const {
    print_document(json::object{{"version", GAMEFLOW_VERSION}}, options.json,
                   [](const auto&) { std::puts("gameflow " GAMEFLOW_VERSION); });
    return kExitFine;
  }
};

int run(const std::vector<std::string>& arguments) {
  const ParsedCommandLine parsed = parse_command_line(arguments);
  std::fputs(parsed.out.c_str(), stdout);
  std::fputs(parsed.err.c_str(), stderr);
  if (!parsed.command) return parsed.exit_code;
  try {
    return std::visit(Execute{}, *parsed.command);
  } catch (const std::exception& error) {
    return print_error({ErrorCode::kInternal, error.what()});
  }
}

}  // namespace
}  // namespace gameflow::app

int main(int argc, char** argv) {
  gameflow::app::open_standard_streams();
  return gameflow::app::finish_stdout(gameflow::app::run({argv + 1, argv + argc}));
}
