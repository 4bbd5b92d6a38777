#include "app/cli.h"

#include <algorithm>
#include <array>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/cli_tree.h"
#include "app/cli_values.h"
#include "base/closest.h"
#include "client/http_client.h"

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

}  // namespace

void CommandTree::add_server(CLI::App& app, client::ServerAddress& server, const char* flag) {
  server.url = "http://127.0.0.1:3001";
  app.add_option(flag, server.url, "The gameflow to talk to")
      ->envname("GAMEFLOW_SERVER")
      ->type_name("URL")
      ->capture_default_str();
  app.add_option("--ca-file", server.ca_file,
                 "Who may have signed its certificate (PEM), for https [whom the system trusts]")
      ->envname("GAMEFLOW_CA_FILE")
      ->type_name("FILE");
  app.add_option(
         "--token", server.token,
         "What it lets one in by, or @FILE with that in it; others on this machine can see\n"
         "what a command line says")
      ->transform(token())
      ->envname("GAMEFLOW_TOKEN")
      ->type_name("TOKEN|@FILE");
}

void CommandTree::add_auth(CLI::App& app, std::filesystem::path& file) {
  app.add_option("--auth", file, "The file of tokens")
      ->required()
      ->envname("GAMEFLOW_AUTH")
      ->type_name("FILE");
}

void CommandTree::add_data(CLI::App& app, std::filesystem::path& folder) {
  app.add_option("--data", folder, "Topics and state")
      ->envname("GAMEFLOW_DATA")
      ->type_name("DIR")
      ->capture_default_str();
}

void CommandTree::add_package_path(CLI::App& app, std::vector<std::string>& folders) {
  app.add_option("--package-path", folders,
                 "Folders of packages, NAMESPACE/NAME or NAME in each; may be repeated")
      ->allow_extra_args(false)
      ->delimiter(':')
      ->envname("GAMEFLOW_PACKAGE_PATH")
      ->type_name("DIR");
}

void CommandTree::add_library(CLI::App& app, std::string& library) {
  app.add_option("--library", library, "A library with kinds of connectors of one's own")
      ->envname("GAMEFLOW_CONNECTORS")
      ->type_name("FILE");
}

void CommandTree::add_secrets(CLI::App& app, std::string& file) {
  app.add_option("--secrets", file,
                 "Lines NAME=VALUE, for ${{ secrets.NAME }} of connectors [the environment]")
      ->envname("GAMEFLOW_SECRETS")
      ->type_name("FILE");
}

void CommandTree::add_dataflow(CLI::App& app, std::string& file) {
  file = dataflow_in("");
  app.add_option("dataflow", file, "The dataflow, or its folder [dataflow.yaml]")
      ->transform(dataflow_file())
      ->type_name("FILE|DIR");
}

void CommandTree::add_build_flags(CLI::App& app, BuildOptions& options, bool with_dataflow) {
  if (with_dataflow) add_dataflow(app, options.dataflow);
  add_package_path(app, options.package_folders);
  app.add_option("--cache", options.cache_folder,
                 "Where built operators are kept [$XDG_CACHE_HOME/gameflow or ~/.cache/gameflow]")
      ->envname("GAMEFLOW_CACHE")
      ->type_name("DIR");
  app.add_option("--compiler", options.compiler, "The C++ compiler for operators")
      ->envname("GAMEFLOW_CXX")
      ->type_name("PROGRAM")
      ->capture_default_str();
}

CommandTree::CommandTree() : root_(kDescription, "gameflow") {
  root_.footer(kExamples);
  root_.require_subcommand(1);
  root_.set_help_flag("-h,--help", "Print this help");
  root_.set_version_flag("-V,--version", "gameflow " GAMEFLOW_VERSION, "Print the version");
  root_.get_formatter()->column_width(34);
  add_new();
  add_run();
  add_build_and_validate();
  add_explain();
  add_test();
  add_service();
  add_backup_and_verify();
  add_player();
  add_token();
  add_generate();
  add_topic();
  add_produce();
  add_consume();
  add_sql();
  add_dead_letters();
  add_connect();
  add_connector();
  add_others();
}

namespace {

// The command that the arguments have reached: `topic` of `topic lsit`.
CLI::App& deepest(CLI::App& root) {
  CLI::App* app = &root;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return *app;
}

// `gameflow help topic list` is `gameflow topic list --help`; words that are no command are told.
bool is_command(const CLI::App& root, std::span<const std::string> words) {
  const CLI::App* app = &root;
  for (const std::string& word : words) {
    const auto commands = app->get_subcommands(nullptr);
    const auto found = std::ranges::find_if(
        commands, [&word](const CLI::App* command) { return command->check_name(word); });
    if (found == commands.end()) return false;
    app = *found;
  }
  return true;
}

// What people are used to from rpk, kcat, fluvio and Kafka's own tools, and what it is here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 23> kElsewhere{{
    {"--brokers", "--server"},
    {"--bootstrap-server", "--server"},
    {"--broker-list", "--server"},
    {"-b", "--server"},
    {"-X", "--server"},
    {"--host", "--server"},
    {"--url", "--server"},
    {"--from-beginning", "--beginning"},
    {"--start", "--offset"},
    {"--num", "--num-records"},
    {"--max-messages", "--num-records"},
    {"--limit", "--num-records"},
    {"-c", "--num-records"},
    {"-e", "--disable-continuous"},
    {"--partition-count", "--partitions"},
    {"-f", "--output"},
    {"--format", "--output"},
    {"--port", "--listen"},
    {"--data-dir", "--data"},
    {"--key-separator", "--key-field"},
    {"-K", "--key-field"},
    {"--retention-time", "--retention-age"},
    {"--retention-size", "--retention-bytes"},
}};

// "did you mean …?" for the first of the arguments that `app` does not know, or nothing.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& unknown) {
  if (unknown.empty()) return "";
  const std::string word = unknown[0].substr(0, unknown[0].find('='));
  for (const auto& [elsewhere, here] : kElsewhere) {
    if (word == elsewhere && app.get_option_no_throw(std::string(here)) != nullptr)
      return fmt::format("did you mean '{}'?\n", here);
  }
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

ParsedCommandLine parse_command_line(std::vector<std::string> arguments) {
  CommandTree tree;
  CLI::App& root = tree.root();
  if (!arguments.empty() && arguments[0] == "help") {
    arguments.erase(arguments.begin());
    if (is_command(root, arguments)) arguments.emplace_back("--help");
  }
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
