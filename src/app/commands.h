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

#include "base/time.h"
#include "generate/generator.h"
#include "log/store.h"

namespace gameflow::app {

// What the shell sees. docs/reference/cli.md.
inline constexpr int kExitFine = 0, kExitFailed = 1, kExitUsage = 2;

// --- The dataflow and the server -----------------------------------------------------------------

struct BuildOptions {
  std::string dataflow;
  std::filesystem::path cache_folder;  // empty: the user's
  std::string compiler = "c++";
};
int build_command(const BuildOptions& options);

struct ValidateOptions {
  BuildOptions build;
  bool operators = false;  // ask the compiler too
};
int validate_command(const ValidateOptions& options);

enum class ExplainFormat : std::uint8_t { kText, kJson, kDot, kMermaid };

struct ExplainOptions {
  std::string dataflow;
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
  std::string listen = "127.0.0.1:3001";
  bool insecure_no_auth = false;
  std::filesystem::path data_folder = "data";
  log::Durability durability = log::Durability::kFsync;
  std::uint64_t disk_free_bytes_min = 256U << 20;
  std::uint64_t memory_bytes_max = 0;  // 0: of what there is, 80 %
  std::uint32_t threads = 0;
  bool clear_state = false;
  std::filesystem::path web_folder;  // empty: the pages inside the program
  std::string log_level = "info";
};
int run_command(const RunOptions& options);

// --- The data folder of a server that is stopped
// --------------------------------------------------

struct ServiceListOptions {
  std::filesystem::path data_folder = "data";
};
int service_list_command(const ServiceListOptions& options);

struct ServiceResetWatermarkOptions {
  std::filesystem::path data_folder = "data";
  std::string service;
};
int service_reset_watermark_command(const ServiceResetWatermarkOptions& options);

struct ServiceForgetOptions {
  std::filesystem::path data_folder = "data";
  std::string service;
};
int service_forget_command(const ServiceForgetOptions& options);

// --- Clients of a running server -----------------------------------------------------------------

struct GenerateOptions {
  std::string server;  // empty: stdout
  std::vector<generate::EventKind> kinds;
  std::optional<std::uint64_t> rate = 100;  // per second and kind; nothing: as fast as it goes
  std::optional<std::uint64_t> events;      // of each kind; nothing: no end
  std::optional<std::uint64_t> seed;
  std::uint32_t players = 99;
  std::optional<Timestamp> start_time;  // nothing: the clock
  std::string producer_id;              // empty: made up
};
int generate_command(const GenerateOptions& options);

struct TopicListOptions {
  std::string server;
};
int topic_list_command(const TopicListOptions& options);

struct TopicDescribeOptions {
  std::string server, topic;
};
int topic_describe_command(const TopicDescribeOptions& options);

struct TopicCreateOptions {
  std::string server, topic;
  std::uint32_t partitions = 1;
  std::string retention_age;                     // "7d"; empty: none
  std::optional<std::uint64_t> retention_bytes;  // nothing: no limit
};
int topic_create_command(const TopicCreateOptions& options);

struct TopicDeleteOptions {
  std::string server, topic;
};
int topic_delete_command(const TopicDeleteOptions& options);

struct ProduceOptions {
  std::string server, topic;
  std::string file = "-";  // "-": stdin
  std::optional<std::string> key, key_field;
};
int produce_command(const ProduceOptions& options);

enum class ConsumeOutput : std::uint8_t { kValue, kJson };

struct ConsumeOptions {
  std::string server, topic;
  std::string offset = "end";  // beginning, end, N, -N
  bool stop_at_end = false;
  std::optional<std::uint64_t> records_max;
  std::optional<std::uint32_t> partition;  // nothing: all
  ConsumeOutput output = ConsumeOutput::kValue;
};
int consume_command(const ConsumeOptions& options);

enum class SqlFormat : std::uint8_t { kTable, kJson, kCsv };

struct SqlOptions {
  std::string server, query;        // query "-": stdin
  std::optional<SqlFormat> format;  // nothing: table on a terminal, csv elsewhere
};
int sql_command(const SqlOptions& options);

struct SchemaOptions {};
struct VersionOptions {};

using Command =
    std::variant<RunOptions, BuildOptions, ValidateOptions, ExplainOptions, TestOptions,
                 TestFunctionOptions, ServiceListOptions, ServiceResetWatermarkOptions,
                 ServiceForgetOptions, GenerateOptions, TopicListOptions, TopicDescribeOptions,
                 TopicCreateOptions, TopicDeleteOptions, ProduceOptions, ConsumeOptions, SqlOptions,
                 SchemaOptions, VersionOptions>;

}  // namespace gameflow::app
