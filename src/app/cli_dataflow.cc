// The commands that work on a dataflow, and on the data folder of a server.
#include <map>
#include <memory>
#include <string>

#include "app/cli_tree.h"
#include "app/cli_values.h"
#include "app/flag_file.h"
#include "auth/access.h"
#include "log/store.h"

namespace gameflow::app {

void CommandTree::add_new() {
  auto [app, options] =
      add<NewOptions>(root_, "new", "Make a dataflow that runs, with a test, to start from",
                      "  gameflow new\n"
                      "  gameflow new scores --template window");
  app->add_option("folder", options->folder, "Where [a folder of its name]")->type_name("DIR");
  app->add_option("--name", options->name, "Its name [asked for, or that of the folder]")
      ->type_name("NAME");
  app->add_option("--template", options->template_name,
                  "What it does [asked for, or counter]\n"
                  "counter: events and points of each player, minute by minute;\n"
                  "window: the best players of each 10 seconds;\n"
                  "filter: one topic into another")
      ->check(CLI::IsMember({"counter", "window", "filter"}).description(""))
      ->type_name("counter|window|filter");
}

namespace {

// How much `who` may send.
void add_quota(CLI::App& app, auth::Quota& quota, const std::string& who, bool by_variable) {
  CLI::Option* const records =
      app.add_option("--quota-records", quota.records,
                     who + " so many records a second; more are refused [any number]")
          ->check(whole_number(1, 1'000'000'000))
          ->type_name("N");
  CLI::Option* const bytes =
      app.add_option("--quota-bytes", quota.bytes, "And so many bytes a second [any number]")
          ->transform(size())
          ->type_name("SIZE");
  if (!by_variable) return;
  records->envname("GAMEFLOW_QUOTA_RECORDS");
  bytes->envname("GAMEFLOW_QUOTA_BYTES");
}

// Where it listens, and for whom.
void add_reach(CLI::App& app, RunOptions& options) {
  app.add_option("--listen", options.listen, "Address and port; port 0 takes a free one")
      ->envname("GAMEFLOW_LISTEN")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  app.add_option("--auth", options.auth_file,
                 "The tokens by which it lets clients in (`gameflow token create`) [nobody needs\n"
                 "one]")
      ->envname("GAMEFLOW_AUTH")
      ->type_name("FILE");
  // As where a script's variable is not set: it would go on without TLS.
  const auto is_given = [](const std::string& file) {
    return file.empty() ? std::string("it names no file") : std::string();
  };
  CLI::Option* const certificate =
      app.add_option("--tls-cert", options.tls_certificate,
                     "Speak https, with this certificate and those that signed it (PEM) [http];\n"
                     "SIGHUP has it and its key read again")
          ->check(is_given)
          ->envname("GAMEFLOW_TLS_CERT")
          ->type_name("FILE");
  CLI::Option* const key =
      app.add_option("--tls-key", options.tls_key, "Its key (PEM), which is not encrypted")
          ->check(is_given)
          ->envname("GAMEFLOW_TLS_KEY")
          ->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag("--insecure-no-auth", options.insecure_no_auth,
               "Listen on an address that other machines reach, though nobody needs a token");
  app.add_option("--allow-origin", options.allowed_origins,
                 "Pages of this site may send records, too; may be repeated; * is all")
      ->transform(origin())
      ->allow_extra_args(false)
      ->envname("GAMEFLOW_ALLOW_ORIGIN")
      ->type_name("ORIGIN");
  app.add_option("--public-url", options.public_urls,
                 "Where it is reached from outside, such as https://stats.example.com/gameflow;\n"
                 "may be repeated")
      ->check(public_url())
      ->allow_extra_args(false)
      ->envname("GAMEFLOW_PUBLIC_URL")
      ->type_name("URL");
  app.add_option("--max-connections", options.connections_max,
                 "At most so many at a time; fewer where the process may not have so many files")
      ->check(whole_number(16, 1'000'000))
      ->envname("GAMEFLOW_MAX_CONNECTIONS")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--max-connections-per-address", options.connections_per_address_max,
                 "And from one address [half of all; no limit for this machine]")
      ->check(whole_number(1, 1'000'000))
      ->envname("GAMEFLOW_MAX_CONNECTIONS_PER_ADDRESS")
      ->type_name("N");
  add_quota(app, options.quota_of_address, "One address may send", /*by_variable=*/true);
}

void add_flag_file(CLI::App& app) {
  // Behind the environment and in front of what is required: where CLI11 asks for the values.
  app.add_option_function<std::string>(
         "--config",
         [&app](const std::string& file) {
           if (app.parsed() && app.get_help_ptr()->count() == 0) take_flag_file(app, file);
         },
         "More flags, in YAML: a line for each, such as 'threads: 4'; what the command\n"
         "line or the environment say counts more [gameflow.yaml, here or beside the\n"
         "dataflow]")
      ->force_callback()
      ->configurable(false)
      ->envname("GAMEFLOW_CONFIG")
      ->type_name("FILE");
}

// What is for one start: no file of flags has it.
void add_one_start(CLI::App& app, RunOptions& options) {
  app.add_flag("--accept-loss", options.accept_loss,
               "Start once more though acknowledged records are missing in the data\n"
               "folder, with what was written before them")
      ->configurable(false);
  CLI::Option* const clear =
      app.add_option("--clear-state", options.cleared,
                     "First throw away what this service has counted; may be repeated")
          ->allow_extra_args(false)
          ->configurable(false)
          ->type_name("SERVICE");
  app.add_option("--from",
                 "Where these go on: at the end of what they have read, or with what\n"
                 "was appended from then on, which publishes results once more [end]")
      ->each([&options](const std::string& where) { options.cleared_from = starts_from(where); })
      ->needs(clear)
      ->configurable(false)
      ->type_name("beginning|end|TIME");
}

}  // namespace

void CommandTree::add_run() {
  auto [app, options] = add<RunOptions>(
      root_, "run", "Run a dataflow: topics, engine, HTTP API and dashboards",
      "  gameflow run games/gaming-analytics/dataflow.yaml\n"
      "  gameflow run dataflow.yaml --listen 127.0.0.1:8080 --data /var/lib/gameflow");
  add_flag_file(*app);
  add_build_flags(*app, options->build);
  add_secrets(*app, options->secrets_file);
  add_library(*app, options->kinds_library);
  add_reach(*app, *options);
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
  add_one_start(*app, *options);
  app->add_flag("--watch", options->watch, "Take over changes of the dataflow while it runs");
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
  auto [build, build_options] = add<BuildCommandOptions>(
      root_, "build", "Check a dataflow and build its operators, without running",
      "  gameflow build dataflow.yaml");
  add_build_flags(*build, build_options->build);
  auto [validate, validate_options] = add<ValidateOptions>(
      root_, "validate", "Report every mistake in a dataflow.yaml",
      "  gameflow validate dataflow.yaml\n  gameflow validate --operators dataflow.yaml");
  add_build_flags(*validate, validate_options->build);
  add_library(*validate, validate_options->kinds_library);
  validate->add_flag("--operators", validate_options->operators,
                     "Have the compiler check run: blocks");
}

void CommandTree::add_explain() {
  auto [app, options] =
      add<ExplainOptions>(root_, "explain", "Show what a dataflow does: its graph",
                          "  gameflow explain dataflow.yaml\n"
                          "  gameflow explain --format dot dataflow.yaml | dot -Tsvg > graph.svg");
  add_dataflow(*app, options->dataflow);
  add_package_path(*app, options->package_folders);
  static const std::map<std::string, ExplainFormat> kFormats{{"text", ExplainFormat::kText},
                                                             {"json", ExplainFormat::kJson},
                                                             {"dot", ExplainFormat::kDot},
                                                             {"mermaid", ExplainFormat::kMermaid}};
  CLI::Option* const format =
      app->add_option("--format", options->format, "Text, data, or a picture [text]")
          ->transform(one_of(kFormats))
          ->type_name("text|json|dot|mermaid");
  add_json(*app, *format, options->format, ExplainFormat::kJson);
}

void CommandTree::add_test() {
  auto [app, options] =
      add<TestOptions>(root_, "test", "Run dataflow tests: timed input, and what must come out",
                       "  gameflow test\n"
                       "  gameflow test tests/dataflow --filter late\n"
                       "  gameflow test counting.test --update",
                       [](TestOptions& parsed) {
                         if (parsed.paths.empty()) parsed.paths = {"."};
                       });
  app->add_option("paths", options->paths,
                  "Cases, and folders: all *.test in them [.]; their format:\n"
                  "docs/reference/testing.md")
      ->type_name("FILE|DIR");
  app->add_option("--filter", options->filter,
                  "Only cases whose path or first comment has this in it; with * or ? a\n"
                  "pattern for the path")
      ->type_name("TEXT");
  app->add_flag("--update", options->update, "Write what came in place of what the cases expect");
  app->add_option("--junit", options->junit, "Write the verdicts there too, as JUnit XML")
      ->type_name("FILE");
  app->add_option("--threads", options->threads,
                  "Workers of the engine; given several times, each case runs with each [1 and 3]")
      ->check(whole_number(1, 256))
      ->allow_extra_args(false)
      ->type_name("N");
  add_build_flags(*app, options->build, false);
  add_test_function(*app);
}

void CommandTree::add_test_function(CLI::App& test) {
  const auto output = std::make_shared<std::string>("v");
  auto [app, options] = add<TestFunctionOptions>(
      test, "function", "Run one operator of a dataflow on values",
      "  gameflow test function user --value '{\"user\":\"ann\",\"at\":\"\"}' dataflow.yaml\n"
      "  gameflow test function counting/update-state --state-key ann --value-file event.json "
      "dataflow.yaml",
      [output](TestFunctionOptions& parsed) { parsed.output_key = *output == "kv"; });
  app->add_option("name", options->name,
                  "Its C++ name, or SERVICE/OPERATOR, such as counting/filter/2")
      ->required()
      ->type_name("NAME");
  add_build_flags(*app, options->build);
  app->add_option("-v,--value", options->values, "A value in JSON; may be repeated")
      ->allow_extra_args(false)
      ->type_name("JSON");
  app->add_option("--value-file", options->value_files, "A file with a value; may be repeated")
      ->allow_extra_args(false)
      ->type_name("FILE");
  app->add_option("-k,--key", options->key, "The key of the records")->type_name("TEXT");
  app->add_option("-s,--state-key", options->state_key,
                  "The key of the rows, instead of what assign-key says")
      ->type_name("KEY");
  app->add_option("-o,--output", *output, "Print values, or objects of key and value [v]")
      ->check(CLI::IsMember({"v", "kv"}).description(""))
      ->type_name("v|kv");
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

void CommandTree::add_backup_and_verify() {
  auto [backup, backup_options] =
      add<BackupOptions>(root_, "backup", "Copy the data of a running server, as of one moment",
                         "  gameflow backup /var/lib/gameflow/backups/$(date +%F)");
  backup->add_option("folder", backup_options->folder, "The copy: a new folder on its machine")
      ->required()
      ->type_name("DIR");
  add_server(*backup, backup_options->server);

  auto [verify, verify_options] =
      add<VerifyOptions>(root_, "verify", "Read all of a data folder against its checksums",
                         "  gameflow verify --data /var/lib/gameflow/backups/2024-11-12");
  add_data(*verify, verify_options->data_folder);
}

void CommandTree::add_token() {
  CLI::App* token =
      root_.add_subcommand("token", "Who may talk to a server: the file of its --auth");
  token->require_subcommand(1);
  token->footer(
      "Examples:\n  gameflow token create ann --role admin --auth tokens\n"
      "  gameflow run dataflow.yaml --auth tokens");
  auto [create, create_options] = add<TokenCreateOptions>(
      *token, "create", "Make a token, and print it: only now can it be seen",
      "  gameflow token create dashboards --role read --auth tokens\n"
      "  gameflow token create web-game --role ingest --topic 'player-*' --auth tokens");
  create->add_option("name", create_options->name, "Its name")->required()->type_name("NAME");
  static const std::map<std::string, auth::Role> kRoles{
      {"ingest", auth::Role::kIngest}, {"read", auth::Role::kRead}, {"admin", auth::Role::kAdmin}};
  create
      ->add_option(
          "--role", create_options->roles,
          "What it may: write, see everything, or all of that and make and delete topics;\n"
          "may be repeated")
      ->required()
      ->transform(one_of(kRoles))
      ->allow_extra_args(false)
      ->type_name("ingest|read|admin");
  create
      ->add_option("--topic", create_options->topics,
                   "It writes to this topic only; * is any text; may be repeated [all topics]")
      ->allow_extra_args(false)
      ->type_name("PATTERN");
  add_quota(*create, create_options->quota, "All who use it together may send",
            /*by_variable=*/false);
  add_auth(*create, create_options->auth_file);

  auto [list, list_options] =
      add<TokenListOptions>(*token, "list", "List the tokens: names, roles, topics",
                            "  gameflow token list --auth tokens");
  add_auth(*list, list_options->auth_file);

  auto [revoke, revoke_options] = add<TokenRevokeOptions>(
      *token, "revoke", "Let nobody in by this token any more; a running server sees it at once",
      "  gameflow token revoke web-game --auth tokens");
  revoke->add_option("name", revoke_options->name, "Its name")->required()->type_name("NAME");
  add_auth(*revoke, revoke_options->auth_file);
}

}  // namespace gameflow::app
