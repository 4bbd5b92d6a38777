// The commands that talk to a running server: their options, and the functions that run them.
//
// Each function prints results on stdout and messages on stderr, and returns the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "client/http_client.h"
#include "generate/generator.h"

namespace gameflow::app {

enum class GenerateProfile : std::uint8_t { kUniform, kGame };

struct GenerateOptions {
  client::ServerAddress server;  // without a URL: stdout
  std::string serve;             // where to be a web API instead; empty: none
  std::vector<generate::EventKind> kinds;
  // Per second, of each kind; of the game, of all kinds together on average. Nothing: as fast as it
  // goes.
  std::optional<std::uint64_t> rate = 100;
  std::optional<std::uint64_t> events;  // of each kind; nothing: no end
  std::optional<std::uint64_t> seed;
  std::uint32_t players = 99;
  std::string producer_id;  // empty: made up
  GenerateProfile profile = GenerateProfile::kUniform;

  // Of the uniform profile.
  std::optional<Timestamp> start_time;  // nothing: the clock

  // Of the game. What was given counts more than its file.
  bool has_rate = false, has_players = false;
  std::string game_file, truth_file;   // empty: the defaults; none
  std::optional<Timestamp> from;       // nothing: now
  std::optional<std::uint64_t> days;   // nothing: no end
  std::optional<std::uint64_t> speed;  // times the clock; nothing: as the events' time says
  std::uint32_t threads = 0;           // 0: one for each core
};
int generate_command(const GenerateOptions& options);

struct PlayerForgetOptions {
  client::ServerAddress server;
  std::string player;
  bool is_dry_run = false;
  bool json = false;
};
int player_forget_command(const PlayerForgetOptions& options);

struct PlayerReceiptsOptions {
  client::ServerAddress server;
  bool json = false;
};
int player_receipts_command(const PlayerReceiptsOptions& options);

struct TopicListOptions {
  client::ServerAddress server;
  bool json = false;
};
int topic_list_command(const TopicListOptions& options);

struct TopicDescribeOptions {
  client::ServerAddress server;
  std::string topic;
  bool json = false;
};
int topic_describe_command(const TopicDescribeOptions& options);

struct TopicCreateOptions {
  client::ServerAddress server;
  std::string topic;
  std::uint32_t partitions = 1;
  std::string retention_age;                     // "7d"; empty: none
  std::optional<std::uint64_t> retention_bytes;  // nothing: no limit
  bool json = false;
};
int topic_create_command(const TopicCreateOptions& options);

struct TopicDeleteOptions {
  client::ServerAddress server;
  std::string topic;
  bool json = false;
};
int topic_delete_command(const TopicDeleteOptions& options);

struct ConnectorListOptions {
  client::ServerAddress server;
  bool json = false;
};
int connector_list_command(const ConnectorListOptions& options);

struct ConnectorDescribeOptions {
  client::ServerAddress server;
  std::string connector;
  bool json = false;
};
int connector_describe_command(const ConnectorDescribeOptions& options);

struct ConnectorDeleteOptions {
  client::ServerAddress server;
  std::string connector;
  bool json = false;
};
int connector_delete_command(const ConnectorDeleteOptions& options);

struct ProduceOptions {
  client::ServerAddress server;
  std::string topic;
  std::string file = "-";  // "-": stdin
  std::optional<std::string> key, key_field;
  bool json = false;
};
int produce_command(const ProduceOptions& options);

enum class ConsumeOutput : std::uint8_t { kValue, kJson };

struct ConsumeOptions {
  client::ServerAddress server;
  std::string topic;
  std::string offset = "end";  // beginning, end, N, -N, @TIME, @-5m
  bool stop_at_end = false;
  std::optional<std::uint64_t> records_max;
  std::optional<std::uint32_t> partition;  // nothing: all
  ConsumeOutput output = ConsumeOutput::kValue;
};
int consume_command(const ConsumeOptions& options);

enum class SqlFormat : std::uint8_t { kTable, kJson, kCsv };

struct SqlOptions {
  client::ServerAddress server;
  std::optional<std::string> query;     // "-": stdin; nothing: a shell on a terminal, else stdin
  std::optional<SqlFormat> format;      // nothing: table on a terminal, csv elsewhere
  std::vector<std::string> parameters;  // NAME=VALUE
};
int sql_command(const SqlOptions& options);

// Which dead letters; what is empty does not count.
struct DeadLetterFilter {
  std::string service, operator_name, code;
  std::optional<std::string> since, until;  // an ISO time, or a duration back from now
};

enum class DeadLettersFormat : std::uint8_t { kTable, kJson };

struct DeadLettersListOptions {
  client::ServerAddress server;
  DeadLetterFilter filter;
  std::uint64_t letters_max = 20;  // the last ones
  bool counts_only = false;
  DeadLettersFormat format = DeadLettersFormat::kTable;
};
int dead_letters_list_command(const DeadLettersListOptions& options);

struct DeadLettersShowOptions {
  client::ServerAddress server;
  std::string id;           // "0:17": partition and offset in the dead-letter topic
  bool value_only = false;  // its original bytes, for other programs
  bool json = false;
};
int dead_letters_show_command(const DeadLettersShowOptions& options);

struct DeadLettersReplayOptions {
  client::ServerAddress server;
  std::vector<std::string> ids;
  DeadLetterFilter filter;
  bool all = false;    // that the filter takes
  bool again = false;  // those too that were replayed before
  bool dry_run = false;
  bool json = false;
};
int dead_letters_replay_command(const DeadLettersReplayOptions& options);

struct McpOptions {
  client::ServerAddress server;
  std::vector<std::string> package_folders;  // for dataflows that are explained
};
int mcp_command(const McpOptions& options);

}  // namespace gameflow::app
