#include "app/cli.h"

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <gameflow/time.h>

#include "app/cli_values.h"
#include "base/closest.h"
#include "generate/generator.h"
#include "log/store.h"
#include "log/topics.h"

namespace gameflow::app {
namespace {

constexpr const char* kDescription =
    "gameflow: real-time analytics for games.\n"
    "Topics, dataflows with operators in C++, live SQL and dashboards, in one program.";
constexpr const char* kExamples =
    "Examples:\n"
    "  gameflow run games/gaming-analytics/dataflow.yaml\n"
    "  gameflow generate --rate 100\n"
    "  gameflow consume player-session-summaries -B\n"
    "  gameflow sql 'select * from events_per_user order by count desc limit 10'\n\n"
    "Flags beat GAMEFLOW_… environment variables. Exit codes: 0 fine, 1 failed, 2 wrong usage.\n"
    "Reference: docs/reference/cli.md";

// Builds the tree of commands around the Command that parsing is to fill.
class CommandTree {
 public:
  CommandTree();
  CLI::App& root() { return root_; }
  std::optional<Command>& command() { return command_; }

 private:
  template <class Options>
  using Finish = std::function<void(Options&)>;

  // Adds a command; `finish` sees its options once they are parsed.
  template <class Options>
  std::pair<CLI::App*, std::shared_ptr<Options>> add(CLI::App& parent, const char* name,
                                                     const char* description, const char* examples,
                                                     Finish<Options> finish = nullptr);
  static void add_server(CLI::App& app, std::string& server, const char* flag = "--server");
  static void add_data(CLI::App& app, std::filesystem::path& folder);
  static void add_build_flags(CLI::App& app, BuildOptions& options, bool with_dataflow = true);

  void add_run();
  void add_build_and_validate();
  void add_test();
  void add_service();
  void add_generate();
  void add_topic();
  void add_produce();
  void add_consume();
  void add_sql_and_others();

  CLI::App root_{kDescription, "gameflow"};
  std::optional<Command> command_;
};

template <class Options>
std::pair<CLI::App*, std::shared_ptr<Options>> CommandTree::add(CLI::App& parent, const char* name,
                                                                const char* description,
                                                                const char* examples,
                                                                Finish<Options> finish) {
  auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand(name, description);
  app->footer(fmt::format("Examples:\n{}", examples));
  app->callback([this, options, finish] {
    if (finish) finish(*options);
    command_ = *options;
  });
  return {app, options};
}

void CommandTree::add_server(CLI::App& app, std::string& server, const char* flag) {
  server = "http://127.0.0.1:3001";
  app.add_option(flag, server, "The gameflow to talk to")
      ->envname("GAMEFLOW_SERVER")
      ->type_name("URL")
      ->capture_default_str();
}

void CommandTree::add_data(CLI::App& app, std::filesystem::path& folder) {
  app.add_option("--data", folder, "Topics and state")
      ->envname("GAMEFLOW_DATA")
      ->type_name("DIR")
      ->capture_default_str();
}

void CommandTree::add_build_flags(CLI::App& app, BuildOptions& options, bool with_dataflow) {
  if (with_dataflow) {
    app.add_option("dataflow", options.dataflow, "The dataflow.yaml")
        ->required()
        ->type_name("FILE");
  }
  app.add_option("--cache", options.cache_folder,
                 "Where built operators are kept [$XDG_CACHE_HOME/gameflow or ~/.cache/gameflow]")
      ->envname("GAMEFLOW_CACHE")
      ->type_name("DIR");
  app.add_option("--compiler", options.compiler, "The C++ compiler for operators")
      ->envname("GAMEFLOW_CXX")
      ->type_name("PROGRAM")
      ->capture_default_str();
}

CommandTree::CommandTree() {
  root_.footer(kExamples);
  root_.require_subcommand(1);
  root_.set_help_flag("-h,--help", "Print this help");
  root_.set_version_flag("--version", "gameflow " GAMEFLOW_VERSION, "Print the version");
  root_.get_formatter()->column_width(34);
  add_run();
  add_build_and_validate();
  add_test();
  add_service();
  add_generate();
  add_topic();
  add_produce();
  add_consume();
  add_sql_and_others();
}

void CommandTree::add_run() {
  auto [app, options] = add<RunOptions>(
      root_, "run", "Run a dataflow: topics, engine, HTTP API and dashboards",
      "  gameflow run games/gaming-analytics/dataflow.yaml\n"
      "  gameflow run dataflow.yaml --listen 127.0.0.1:8080 --data /var/lib/gameflow");
  add_build_flags(*app, options->build);
  app->add_option("--listen", options->listen, "Address and port; port 0 takes a free one")
      ->envname("GAMEFLOW_LISTEN")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  app->add_flag("--insecure-no-auth", options->insecure_no_auth,
                "Listen on an address that other machines reach, though nobody has to log in");
  add_data(*app, options->data_folder);
  static const std::map<std::string, log::Durability> kDurabilities{
      {"fsync", log::Durability::kFsync},
      {"interval", log::Durability::kInterval},
      {"none", log::Durability::kNone}};
  app->add_option("--durability", options->durability,
                  "What an acknowledged record survives [fsync]\n"
                  "fsync: a power loss; interval: that, but for the last second;\n"
                  "none: a crash of gameflow only")
      ->transform(one_of(kDurabilities))
      ->envname("GAMEFLOW_DURABILITY")
      ->type_name("fsync|interval|none");
  app->add_option("--disk-free-min", options->disk_free_bytes_min,
                  "Refuse records while the disk has less than this free [256MiB]")
      ->transform(size())
      ->envname("GAMEFLOW_DISK_FREE_MIN")
      ->type_name("SIZE");
  app->add_option("--memory-max", options->memory_bytes_max,
                  "Refuse records near this, and hold services with large states back\n"
                  "[80 % of what the machine, the container or the address space has]")
      ->transform(size())
      ->envname("GAMEFLOW_MEMORY_MAX")
      ->type_name("SIZE");
  app->add_option("--threads", options->threads, "Workers of the engine; 0: one for each core")
      ->check(whole_number(0, 256))
      ->envname("GAMEFLOW_THREADS")
      ->type_name("N")
      ->capture_default_str();
  app->add_flag("--clear-state", options->clear_state,
                "Forget state, windows and offsets of this dataflow first; topics stay");
  app->add_option("--web", options->web_folder, "Serve pages from here, not the built-in ones")
      ->check(CLI::ExistingDirectory.description(""))
      ->envname("GAMEFLOW_WEB")
      ->type_name("DIR");
  app->add_option("--log-level", options->log_level, "How much to log on stderr")
      ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}).description(""))
      ->envname("GAMEFLOW_LOG_LEVEL")
      ->type_name("debug|info|warn|error|off")
      ->capture_default_str();
}

void CommandTree::add_build_and_validate() {
  auto [build, build_options] =
      add<BuildOptions>(root_, "build", "Check a dataflow and build its operators, without running",
                        "  gameflow build dataflow.yaml");
  add_build_flags(*build, *build_options);
  auto [validate, validate_options] = add<ValidateOptions>(
      root_, "validate", "Report every mistake in a dataflow.yaml",
      "  gameflow validate dataflow.yaml\n  gameflow validate --operators dataflow.yaml");
  add_build_flags(*validate, validate_options->build);
  validate->add_flag("--operators", validate_options->operators,
                     "Have the compiler check run: blocks");
}

void CommandTree::add_test() {
  auto [app, options] =
      add<TestOptions>(root_, "test", "Run dataflow tests: timed input, and what must come out",
                       "  gameflow test tests/dataflow/*.test");
  app->add_option("files", options->files, "The cases; their format: docs/reference/testing.md")
      ->required()
      ->type_name("FILE");
  app->add_option("--threads", options->threads,
                  "Workers of the engine; given several times, each case runs with each [1 and 3]")
      ->check(whole_number(1, 256))
      ->allow_extra_args(false)
      ->type_name("N");
  add_build_flags(*app, options->build, false);
}

void CommandTree::add_service() {
  CLI::App* service =
      root_.add_subcommand("service", "What is stored of services, while the server is stopped");
  service->require_subcommand(1);
  service->footer(
      "Examples:\n  gameflow service list\n  gameflow service forget old-counts --data data");
  auto [list, list_options] =
      add<ServiceListOptions>(*service, "list", "List the services that are stored",
                              "  gameflow service list --data /var/lib/gameflow");
  add_data(*list, list_options->data_folder);

  auto [reset, reset_options] = add<ServiceResetWatermarkOptions>(
      *service, "reset-watermark", "Set back a watermark that is ahead of the clock",
      "  gameflow service reset-watermark counting");
  reset->add_option("service", reset_options->service, "Its name")
      ->required()
      ->type_name("SERVICE");
  add_data(*reset, reset_options->data_folder);

  auto [forget, forget_options] =
      add<ServiceForgetOptions>(*service, "forget", "Throw away state, windows and offsets of one",
                                "  gameflow service forget old-counts");
  forget->add_option("service", forget_options->service, "Its name")
      ->required()
      ->type_name("SERVICE");
  add_data(*forget, forget_options->data_folder);
}

Timestamp parse_start_time(const std::string& text) {
  i64 ms = 0;
  if (!parse_time(text, &ms)) {
    throw CLI::ValidationError(
        "--start-time",
        fmt::format("'{}' is not an ISO time; write it like 2024-11-12T10:15:30Z", text));
  }
  return {ms};
}

void CommandTree::add_generate() {
  using generate::EventKind;
  const auto to_stdout = std::make_shared<bool>(false);
  const auto positions = std::make_shared<bool>(false);
  auto [app, options] = add<GenerateOptions>(
      root_, "generate", "Make synthetic events of players, purchases and servers",
      "  gameflow generate --rate 100\n"
      "  gameflow generate --rate max --events 1000000 --only player\n"
      "  gameflow generate --stdout --seed 7 --events 1000 --start-time 2024-11-12T10:00:00Z",
      [to_stdout, positions](GenerateOptions& parsed) {
        if (*to_stdout) parsed.server.clear();
        if (parsed.kinds.empty()) {
          parsed.kinds = {EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer};
          if (*positions) parsed.kinds.push_back(EventKind::kPosition);
        }
      });
  GenerateOptions* const target = options.get();
  app->add_option_function<std::string>(
         "--rate", [target](const std::string& text) { target->rate = parse_rate(text); },
         "Events per second of each kind, or max [100]")
      ->type_name("N|max");
  app->add_option("--events", target->events, "Stop after so many of each kind [no end]")
      ->check(whole_number(0))
      ->type_name("N");
  app->add_option("--seed", target->seed, "The same seed makes the same events [random]")
      ->check(whole_number(0))
      ->type_name("N");
  app->add_option("--players", target->players, "How many players there are")
      ->check(whole_number(1, generate::kPlayersMax))
      ->type_name("N")
      ->capture_default_str();
  static const std::map<std::string, EventKind> kKinds{{"player", EventKind::kPlayer},
                                                       {"purchase", EventKind::kPurchase},
                                                       {"server", EventKind::kServer},
                                                       {"position", EventKind::kPosition}};
  app->add_option("--only", target->kinds, "Only these kinds; may be repeated")
      ->transform(one_of(kKinds))
      ->allow_extra_args(false)
      ->type_name("player|purchase|server|position");
  app->add_flag("--positions", *positions, "Player positions too, to topic player-positions");
  app->add_option_function<std::string>(
         "--start-time",
         [target](const std::string& text) { target->start_time = parse_start_time(text); },
         "Event time of the first event [now]; it then advances\n"
         "with --rate (100 a second for max), not with the clock")
      ->type_name("TIME");
  add_server(*app, target->server, "--to");
  app->add_flag("--stdout", *to_stdout, "Print the events instead of sending them");
  app->add_option("--producer-id", target->producer_id,
                  "Continue the stream that an earlier run with this id began [random]")
      ->type_name("ID");
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
      "  gameflow consume player-events --offset -10 -n 10",
      [beginning](ConsumeOptions& parsed) {
        if (*beginning) parsed.offset = "beginning";
      });
  app->add_option("topic", options->topic, "The topic")->required()->type_name("TOPIC");
  CLI::Option* const offset = app->add_option("--offset", options->offset,
                                              "Where to begin in each partition: beginning, end,\n"
                                              "a number, or -N for its last N records")
                                  ->type_name("beginning|end|N|-N")
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
  app->add_option("-o,--output", options->output,
                  "The value alone, or an object with partition, offset, timestamp and key [value]")
      ->transform(one_of(kOutputs))
      ->type_name("value|json");
  add_server(*app, options->server);
}

void CommandTree::add_sql_and_others() {
  auto [sql, options] = add<SqlOptions>(
      root_, "sql", "Query live state",
      "  gameflow sql 'select _key, count from events_per_user order by count desc limit 10'\n"
      "  gameflow sql --format csv - < query.sql > answer.csv");
  sql->add_option("query", options->query, "A SELECT; - is stdin")->required()->type_name("QUERY");
  static const std::map<std::string, SqlFormat> kFormats{
      {"table", SqlFormat::kTable}, {"json", SqlFormat::kJson}, {"csv", SqlFormat::kCsv}};
  sql->add_option("--format", options->format, "[table on a terminal, csv elsewhere]")
      ->transform(one_of(kFormats))
      ->type_name("table|json|csv");
  add_server(*sql, options->server);
  add<SchemaOptions>(root_, "schema", "Print the JSON schema of dataflow.yaml, for editors",
                     "  gameflow schema > dataflow.schema.json");
  add<VersionOptions>(root_, "version", "Print the version", "  gameflow version");
}

// The command that the arguments have reached: `topic` of `topic lsit`.
CLI::App& deepest(CLI::App& root) {
  CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

// "did you mean …?" for the first of the arguments that `app` does not know, or nothing.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& unknown) {
  if (unknown.empty()) return "";
  std::vector<std::string> names;
  if (unknown[0].starts_with("--")) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else {
    for (const CLI::App* command : app.get_subcommands(nullptr))
      names.push_back(command->get_name());
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string word = unknown[0].substr(0, unknown[0].find('='));
  const std::string_view best = closest(word, candidates);
  return best.empty() ? "" : fmt::format("did you mean '{}'?\n", best);
}

ParsedCommandLine usage_error(CLI::App& root, const CLI::ParseError& error) {
  CLI::App& app = deepest(root);
  std::string path = app.get_name();
  for (const CLI::App* at = app.get_parent(); at != nullptr; at = at->get_parent()) {
    path.insert(0, at->get_name() + ' ');
  }
  ParsedCommandLine parsed;
  parsed.exit_code = kExitUsage;
  const std::vector<std::string> unknown = root.remaining(true);
  std::string message = error.what();
  // CLI11 lists what it does not know back to front, and misses a command before a flag is unknown.
  const bool extras = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr ||
                      dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (extras && !unknown.empty()) {
    const std::string& word = unknown[0];
    if (word.starts_with("-")) {
      message = fmt::format("'{}' is not a flag of {}", word, path);
    } else if (app.get_subcommands(nullptr).empty()) {
      message = fmt::format("'{}' is one argument too many for {}", word, path);
    } else {
      message = fmt::format("'{}' is not a command of {}", word, path);
    }
  }
  parsed.err =
      fmt::format("gameflow: {}\n{}Try '{} --help'.\n", message, suggestion(app, unknown), path);
  return parsed;
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments) {
  CommandTree tree;
  CLI::App& root = tree.root();
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 wants it
    root.parse(std::move(reversed));
  } catch (const CLI::Success& success) {  // --help, --version
    ParsedCommandLine parsed;
    std::ostringstream out;
    root.exit(success, out, out);
    parsed.out = std::move(out).str();
    return parsed;
  } catch (const CLI::ParseError& error) {
    return usage_error(root, error);
  }
  ParsedCommandLine parsed;
  parsed.command = std::move(tree.command());
  return parsed;
}

}  // namespace gameflow::app
