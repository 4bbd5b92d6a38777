// The commands of gameflow: their options, and the functions that run them.
//
// Each function prints results on stdout and messages on stderr, and returns the exit code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "app/client_commands.h"
#include "app/data_commands.h"
#include "app/token_commands.h"
#include "auth/access.h"
#include "client/http_client.h"
#include "log/store.h"
#include "runtime/fresh_start.h"

namespace gameflow::app {

// What the shell sees. docs/reference/cli.md.
inline constexpr int kExitFine = 0, kExitFailed = 1, kExitUsage = 2;

// --- The dataflow and the server -----------------------------------------------------------------

struct BuildOptions {
  std::string dataflow;
  std::vector<std::string> package_folders;
  std::filesystem::path cache_folder;  // empty: the user's
  std::string compiler = "c++";
};
struct BuildCommandOptions {
  BuildOptions build;
  bool json = false;
};
int build_command(const BuildCommandOptions& options);

struct ValidateOptions {
  BuildOptions build;
  std::string kinds_library;  // with further kinds of connectors; empty: none
  bool operators = false;     // ask the compiler too
  bool json = false;
};
int validate_command(const ValidateOptions& options);

enum class ExplainFormat : std::uint8_t { kText, kJson, kDot, kMermaid };

struct ExplainOptions {
  std::string dataflow;
  std::vector<std::string> package_folders;
  ExplainFormat format = ExplainFormat::kText;
};
int explain_command(const ExplainOptions& options);

struct TestOptions {
  std::vector<std::string> paths;  // cases, and folders with cases in them
  std::string filter;              // a part of a path or of a description, or a pattern; empty: all
  bool update = false;             // write what came into the cases
  std::string junit;               // a file for the verdicts; empty: none
  std::vector<std::uint32_t> threads;  // each case runs with each; empty: 1 and 3
  BuildOptions build;                  // `dataflow` is unused: the files name theirs
  bool json = false;
};
int test_command(const TestOptions& options);

struct TestFunctionOptions {
  std::string name;  // of the operator
  std::vector<std::string> values, value_files;
  std::optional<std::string> key, state_key;  // of the records; of the rows
  bool output_key = false;                    // print the key of a result too
  BuildOptions build;
};
int test_function_command(const TestFunctionOptions& options);

struct RunOptions {
  BuildOptions build;
  std::string kinds_library, secrets_file;  // for its connectors, as in ConnectOptions
  std::string listen = "127.0.0.1:3001";
  bool insecure_no_auth = false;
  std::filesystem::path tls_certificate, tls_key;  // empty: it speaks http
  std::filesystem::path auth_file;                 // of tokens; empty: nobody is asked for one
  std::vector<std::string> allowed_origins;        // of pages that may send records
  std::vector<std::string> public_urls;            // under which it is reached
  std::uint32_t connections_max = 20'000;
  std::uint32_t connections_per_address_max = 0;  // 0: half of all
  auth::Quota quota_of_address;
  std::filesystem::path data_folder = "data";
  log::Durability durability = log::Durability::kFsync;
  std::uint64_t disk_free_bytes_min = 256U << 20;
  std::uint64_t memory_bytes_max = 0;  // 0: of what there is, 80 %
  std::uint32_t threads = 0;
  bool accept_loss = false;          // of acknowledged records, as log::RocksdbOptions
  std::vector<std::string> cleared;  // services that start afresh,
  runtime::StartsFrom cleared_from;  // and from where
  bool watch = false;                // take over changes of the dataflow while it runs
  std::filesystem::path web_folder;  // empty: the pages inside the program
  std::string log_level = "info";

  bool speaks_tls() const { return !tls_certificate.empty(); }
};
int run_command(const RunOptions& options);

// --- Connectors ----------------------------------------------------------------------------------

struct ConnectOptions {
  client::ServerAddress server;
  std::string file;
  std::string secrets_file;   // empty: secrets by name come from the environment
  std::string kinds_library;  // with further kinds; empty: none
  bool check_only = false;
  BuildOptions build;  // of its transforms
};
int connect_command(const ConnectOptions& options);

// --- Connectors of one's own ---------------------------------------------------------------------

struct ConnectorNewOptions {
  std::string name;  // of a folder, perhaps with others in front
  bool is_sink = false;
  bool json = false;
};
int connector_new_command(const ConnectorNewOptions& options);

enum class KitStep : std::uint8_t { kBuild, kTest, kPackage };

struct ConnectorKitOptions {
  KitStep step = KitStep::kBuild;
  std::filesystem::path folder;  // empty: the current one
  std::string compiler = "c++";
  bool json = false;
};
int connector_kit_command(const ConnectorKitOptions& options);

struct NewOptions {
  std::filesystem::path folder;  // empty: its name
  std::string name;              // empty: asked for on a terminal, else that of the folder
  std::string template_name;     // the same; else the first
  bool json = false;
};
int new_command(const NewOptions& options);

// --- What editors and scripts want to know -------------------------------------------------------

enum class SchemaKind : std::uint8_t { kDataflow, kPackage, kConnector, kDashboard, kGame };
struct SchemaOptions {
  SchemaKind kind = SchemaKind::kDataflow;
  std::string kinds_library;  // with further kinds of connectors; empty: none
};
int schema_command(const SchemaOptions& options);
struct VersionOptions {
  bool json = false;
};

// --- What shells want of the command line --------------------------------------------------------

enum class ShellKind : std::uint8_t { kBash, kZsh, kFish };

struct CompletionOptions {
  ShellKind shell = ShellKind::kBash;
};
int completion_command(const CompletionOptions& options);

struct ManualOptions {};
int manual_command(const ManualOptions& options);

using Command =
    std::variant<RunOptions, BuildCommandOptions, ValidateOptions, ExplainOptions, TestOptions,
                 TestFunctionOptions, ServiceListOptions, ServiceResetWatermarkOptions,
                 ServiceForgetOptions, BackupOptions, VerifyOptions, PlayerForgetOptions,
                 PlayerReceiptsOptions, GenerateOptions, TopicListOptions, TopicDescribeOptions,
                 TopicCreateOptions, TopicDeleteOptions, ProduceOptions, ConsumeOptions, SqlOptions,
                 DeadLettersListOptions, DeadLettersShowOptions, DeadLettersReplayOptions,
                 ConnectOptions, ConnectorListOptions, ConnectorDescribeOptions,
                 ConnectorDeleteOptions, ConnectorNewOptions, ConnectorKitOptions,
                 TokenCreateOptions, TokenListOptions, TokenRevokeOptions, McpOptions, NewOptions,
                 SchemaOptions, VersionOptions, CompletionOptions, ManualOptions>;

}  // namespace gameflow::app
