// The commands that talk to a running server.
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>

#include <gameflow/time.h>

#include "app/cli_tree.h"
#include "app/cli_values.h"
#include "generate/generator.h"
#include "log/topics.h"

namespace gameflow::app {

void CommandTree::add_player() {
  CLI::App* player = root_.add_subcommand("player", "Players who want to be forgotten");
  player->require_subcommand(1);
  player->footer("Examples:\n  gameflow player forget p-1042\n  gameflow player receipts");
  auto [forget, forget_options] = add<PlayerForgetOptions>(
      *player, "forget", "Take a player out of topics, states and dead letters; totals stay",
      "  gameflow player forget p-1042 --dry-run\n  gameflow player forget p-1042");
  forget->add_option("player", forget_options->player, "The player, as events name them")
      ->required()
      ->type_name("ID");
  forget->add_flag("--dry-run", forget_options->is_dry_run,
                   "Change nothing, and say how many records of topics it would be");
  add_server(*forget, forget_options->server);

  auto [receipts, receipts_options] = add<PlayerReceiptsOptions>(
      *player, "receipts", "List who was forgotten when; no receipt says whose it is",
      "  gameflow player receipts");
  add_server(*receipts, receipts_options->server);
}

void CommandTree::add_topic() {
  CLI::App* topic = root_.add_subcommand("topic", "List, describe, create and delete topics");
  topic->require_subcommand(1);
  topic->footer("Examples:\n  gameflow topic list\n  gameflow topic create scores --partitions 4");
  auto [list, list_options] =
      add<TopicListOptions>(*topic, "list", "List all topics", "  gameflow topic list");
  add_server(*list, list_options->server);

  auto [describe, describe_options] = add<TopicDescribeOptions>(
      *topic, "describe", "Show one topic", "  gameflow topic describe player-events");
  describe->add_option("topic", describe_options->topic, "Its name")
      ->required()
      ->type_name("TOPIC");
  add_server(*describe, describe_options->server);

  auto [create, create_options] = add<TopicCreateOptions>(
      *topic, "create", "Create a topic without a schema",
      "  gameflow topic create scores --partitions 4 --retention-age 7d --retention-bytes 1GiB");
  create->add_option("topic", create_options->topic, "Its name")->required()->type_name("TOPIC");
  create->add_option("--partitions", create_options->partitions, "How many")
      ->check(whole_number(1, log::kPartitionsMax))
      ->type_name("N")
      ->capture_default_str();
  create->add_option("--retention-age", create_options->retention_age, "Records older than this go")
      ->check([](const std::string& text) {
        return parse_duration(text) ? std::string()
                                    : "'" + text + "' is not a duration such as 30m, 12h or 7d";
      })
      ->type_name("DURATION");
  create
      ->add_option("--retention-bytes", create_options->retention_bytes,
                   "The oldest records go while a partition is larger")
      ->transform(size())
      ->type_name("SIZE");
  add_server(*create, create_options->server);

  auto [remove, delete_options] = add<TopicDeleteOptions>(
      *topic, "delete", "Delete a topic and its records", "  gameflow topic delete scores");
  remove->add_option("topic", delete_options->topic, "Its name")->required()->type_name("TOPIC");
  add_server(*remove, delete_options->server);
}

void CommandTree::add_produce() {
  auto [app, options] = add<ProduceOptions>(
      root_, "produce", "Send lines of JSON to a topic",
      "  gameflow produce player-events events.ndjson --key-field user_data.user_id\n"
      "  tail -f game.log | gameflow produce player-events");
  app->add_option("topic", options->topic, "The topic")->required()->type_name("TOPIC");
  app->add_option("file", options->file, "The file; - is stdin")
      ->type_name("FILE")
      ->capture_default_str();
  CLI::Option* const key = app->add_option("--key", options->key, "One key for all records");
  app->add_option("--key-field", options->key_field,
                  "The field that holds the key: user_data.user_id")
      ->excludes(key)
      ->type_name("PATH");
  add_server(*app, options->server);
}

void CommandTree::add_consume() {
  const auto beginning = std::make_shared<bool>(false);
  auto [app, options] = add<ConsumeOptions>(
      root_, "consume", "Print the records of a topic, by default the new ones as they come",
      "  gameflow consume player-session-summaries\n"
      "  gameflow consume dead-letters -B -d -o json\n"
      "  gameflow consume player-events --offset -10 -n 10\n"
      "  gameflow consume player-events --offset @-5m -d",
      [beginning](ConsumeOptions& parsed) {
        if (*beginning) parsed.offset = "beginning";
      });
  app->add_option("topic", options->topic, "The topic")->required()->type_name("TOPIC");
  CLI::Option* const offset =
      app->add_option("--offset", options->offset,
                      "Where to begin in each partition: beginning, end,\n"
                      "a number, -N for its last N records, or @TIME, also\n"
                      "@-5m: what was appended then or later")
          ->type_name("beginning|end|N|-N|@TIME")
          ->capture_default_str();
  app->add_flag("-B,--beginning", *beginning, "Begin at the beginning")->excludes(offset);
  app->add_flag("-d,--disable-continuous", options->stop_at_end,
                "Stop at what is the end now, instead of waiting for more");
  app->add_option("-n,--num-records", options->records_max, "Stop after so many records")
      ->check(whole_number(1))
      ->type_name("N");
  app->add_option("-p,--partition", options->partition, "Only this partition [all, by time]")
      ->check(whole_number(0, log::kPartitionsMax - 1))
      ->type_name("N");
  static const std::map<std::string, ConsumeOutput> kOutputs{{"value", ConsumeOutput::kValue},
                                                             {"json", ConsumeOutput::kJson}};
  CLI::Option* const output =
      app->add_option(
             "-o,--output", options->output,
             "The value alone, or an object with partition, offset, timestamp and key [value]")
          ->transform(one_of(kOutputs))
          ->type_name("value|json");
  add_json(*app, *output, options->output, ConsumeOutput::kJson);
  add_server(*app, options->server);
}

void CommandTree::add_sql() {
  const auto statement = std::make_shared<std::optional<std::string>>();
  auto [sql, options] = add<SqlOptions>(
      root_, "sql", "Query live state, or open a shell for that",
      "  gameflow sql\n"
      "  gameflow sql 'select _key, count from events_per_user order by count desc limit 10'\n"
      "  gameflow sql --format csv < query.sql > answer.csv",
      [statement](SqlOptions& parsed) {
        if (*statement) parsed.query = *statement;
      });
  CLI::Option* const query =
      sql->add_option("query", options->query,
                      "SELECTs with ; between them; - is stdin [a shell on a terminal, else\n"
                      "stdin]")
          ->type_name("QUERY");
  sql->add_option("-c,--command", *statement, "The same as QUERY")
      ->excludes(query)
      ->type_name("QUERY");
  static const std::map<std::string, SqlFormat> kFormats{
      {"table", SqlFormat::kTable}, {"json", SqlFormat::kJson}, {"csv", SqlFormat::kCsv}};
  sql->add_option("-p,--param", options->parameters,
                  "What :NAME in the query stands for; a VALUE that is a number is one")
      ->allow_extra_args(false)  // the statement may stand behind it
      ->type_name("NAME=VALUE");
  CLI::Option* const format =
      sql->add_option("--format", options->format, "[table on a terminal, csv elsewhere]")
          ->transform(one_of(kFormats))
          ->type_name("table|json|csv");
  add_json(*sql, *format, options->format, SqlFormat::kJson);
  add_server(*sql, options->server);
}

void CommandTree::add_filter(CLI::App& app, DeadLetterFilter& filter) {
  app.add_option("--service", filter.service, "Only those of this service")->type_name("SERVICE");
  app.add_option("--operator", filter.operator_name, "Only those of this operator, or of decode")
      ->type_name("OPERATOR");
  app.add_option("--code", filter.code, "Only those with this error code")->type_name("CODE");
  app.add_option("--since", filter.since, "Only those from this time on, or of the last 1h")
      ->type_name("TIME|DURATION");
  app.add_option("--until", filter.until, "Only those before this time")
      ->type_name("TIME|DURATION");
}

void CommandTree::add_dead_letters() {
  CLI::App* letters = root_.add_subcommand(
      "dead-letters", "Records that could not be processed: list, show and replay them");
  letters->require_subcommand(1);
  letters->footer(
      "Examples:\n  gameflow dead-letters list --since 1h\n  gameflow dead-letters replay 0:17");
  auto [list, list_options] = add<DeadLettersListOptions>(
      *letters, "list", "How many there are of each kind, and the last ones",
      "  gameflow dead-letters list --service counting --code operator_failed --since 1h");
  add_filter(*list, list_options->filter);
  list->add_option("-n,--num-letters", list_options->letters_max, "How many of the last ones")
      ->check(whole_number(0))
      ->type_name("N")
      ->capture_default_str();
  list->add_flag("--counts", list_options->counts_only, "Only how many there are of each kind");
  static const std::map<std::string, DeadLettersFormat> kFormats{
      {"table", DeadLettersFormat::kTable}, {"json", DeadLettersFormat::kJson}};
  CLI::Option* const format =
      list->add_option("--format", list_options->format, "Tables, or an object for each [table]")
          ->transform(one_of(kFormats))
          ->type_name("table|json");
  add_json(*list, *format, list_options->format, DeadLettersFormat::kJson);
  add_server(*list, list_options->server);

  auto [show, show_options] = add<DeadLettersShowOptions>(
      *letters, "show", "One of them, with the record as it came",
      "  gameflow dead-letters show 0:17\n  gameflow dead-letters show 0:17 --value > record.json");
  show->add_option("id", show_options->id, "PARTITION:OFFSET, as list shows it")
      ->required()
      ->type_name("ID");
  show->add_flag("--value", show_options->value_only, "Only the bytes of the record");
  add_server(*show, show_options->server);

  auto [replay, replay_options] = add<DeadLettersReplayOptions>(
      *letters, "replay", "Send records to their topic once more, as they were",
      "  gameflow dead-letters replay 0:17 0:18\n"
      "  gameflow dead-letters replay --all --service counting --since 1h");
  replay->add_option("ids", replay_options->ids, "Which: PARTITION:OFFSET, as list shows them")
      ->type_name("ID");
  replay->add_flag("--all", replay_options->all, "All that the filters leave");
  add_filter(*replay, replay_options->filter);
  replay->add_flag("--again", replay_options->again, "Those too that were replayed before");
  replay->add_flag("--dry-run", replay_options->dry_run, "Only say what would be done");
  add_server(*replay, replay_options->server);
}

void CommandTree::add_connect() {
  auto [app, options] = add<ConnectOptions>(
      root_, "connect", "Run a connector: records from elsewhere into topics, or the other way",
      "  gameflow connect connectors/gaming-events.yaml\n"
      "  gameflow connect --check connectors/gaming-events.yaml\n"
      "  gameflow connect orders.yaml --secrets secrets.txt --library build/orders.so");
  app->add_option("file", options->file, "The connector's file")->required()->type_name("FILE");
  add_secrets(*app, options->secrets_file);
  add_library(*app, options->kinds_library);
  app->add_flag("--check", options->check_only, "Only read the file and find its secrets");
  add_build_flags(*app, options->build, false);
  add_server(*app, options->server);
}

void CommandTree::add_connector() {
  CLI::App* connector = root_.add_subcommand(
      "connector", "List, describe and forget the connectors of a server, and make new ones");
  connector->require_subcommand(1);
  add_connector_kit(*connector);
  connector->footer(
      "Examples:\n  gameflow connector list\n  gameflow connector describe gaming-events");
  auto [list, list_options] =
      add<ConnectorListOptions>(*connector, "list", "List all connectors, those too that are away",
                                "  gameflow connector list");
  add_server(*list, list_options->server);

  auto [describe, describe_options] = add<ConnectorDescribeOptions>(
      *connector, "describe", "Show one connector", "  gameflow connector describe gaming-events");
  describe->add_option("connector", describe_options->connector, "Its name")
      ->required()
      ->type_name("CONNECTOR");
  add_server(*describe, describe_options->server);

  auto [remove, delete_options] = add<ConnectorDeleteOptions>(
      *connector, "delete", "Forget a connector that does not run, and where it was",
      "  gameflow connector delete gaming-events");
  remove->add_option("connector", delete_options->connector, "Its name")
      ->required()
      ->type_name("CONNECTOR");
  add_server(*remove, delete_options->server);
}

void CommandTree::add_others() {
  auto [mcp, options] = add<McpOptions>(
      root_, "mcp", "Serve a running gameflow to assistants (Model Context Protocol, stdio)",
      "  gameflow mcp --server http://127.0.0.1:3001");
  add_server(*mcp, options->server);
  add_package_path(*mcp, options->package_folders);
  auto [schema, schema_options] =
      add<SchemaOptions>(root_, "schema", "Print the JSON schema of a kind of file, for editors",
                         "  gameflow schema > dataflow.schema.json\n"
                         "  gameflow schema connector > connector.schema.json");
  static const std::map<std::string, SchemaKind> kSchemas{{"dataflow", SchemaKind::kDataflow},
                                                          {"package", SchemaKind::kPackage},
                                                          {"connector", SchemaKind::kConnector},
                                                          {"dashboard", SchemaKind::kDashboard},
                                                          {"game", SchemaKind::kGame}};
  schema
      ->add_option("kind", schema_options->kind,
                   "Of dataflow.yaml, gameflow-package.yaml, the file of a connector\n"
                   "or dashboard, or the settings of the simulated game [dataflow]")
      ->transform(one_of(kSchemas))
      ->type_name("dataflow|package|connector|dashboard|game");
  add_library(*schema, schema_options->kinds_library);
  auto [completion, completion_options] = add<CompletionOptions>(
      root_, "completion", "Print what lets a shell complete commands",
      "  gameflow completion bash > /etc/bash_completion.d/gameflow\n"
      "  gameflow completion fish > ~/.config/fish/completions/gameflow.fish");
  static const std::map<std::string, ShellKind> kShells{
      {"bash", ShellKind::kBash}, {"fish", ShellKind::kFish}, {"zsh", ShellKind::kZsh}};
  completion->add_option("shell", completion_options->shell, "Which")
      ->required()
      ->transform(one_of(kShells))
      ->type_name("bash|zsh|fish");
  add<ManualOptions>(root_, "manual", "Print the manual, for man",
                     "  gameflow manual | man --local-file -");
  add<VersionOptions>(root_, "version", "Print the version", "  gameflow version");
}

}  // namespace gameflow::app
