// The tree of commands, as CLI11 has it, around the Command that parsing is to fill. For cli*.cc.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "client/http_client.h"

namespace gameflow::app {

// Builds the tree; each command puts its options into command() once it is parsed.
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
  // --json beside a flag that chooses among further forms.
  template <class Form, class Json>
  static void add_json(CLI::App& app, CLI::Option& forms, Form& form, Json json) {
    app.add_flag_callback(
           "--json", [&form, json] { form = json; },
           fmt::format("The same as {} json", forms.get_name()))
        ->excludes(&forms);
  }
  static void add_server(CLI::App& app, client::ServerAddress& server,
                         const char* flag = "--server");
  static void add_auth(CLI::App& app, std::filesystem::path& file);
  static void add_data(CLI::App& app, std::filesystem::path& folder);
  static void add_dataflow(CLI::App& app, std::string& file);
  static void add_package_path(CLI::App& app, std::vector<std::string>& folders);
  static void add_library(CLI::App& app, std::string& library);
  static void add_secrets(CLI::App& app, std::string& file);
  static void add_build_flags(CLI::App& app, BuildOptions& options, bool with_dataflow = true);

  void add_run();
  void add_build_and_validate();
  void add_explain();
  void add_test();
  void add_test_function(CLI::App& test);
  void add_service();
  void add_backup_and_verify();
  void add_player();
  void add_token();
  void add_generate();
  void add_topic();
  void add_produce();
  void add_consume();
  void add_sql();
  void add_dead_letters();
  static void add_filter(CLI::App& app, DeadLetterFilter& filter);
  void add_new();
  void add_connect();
  void add_connector();
  void add_connector_kit(CLI::App& connector);
  void add_others();

  CLI::App root_;
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
  // As in a shell.
  if (std::string_view(name) == "list") app->alias("ls");
  if (std::string_view(name) == "delete") app->alias("rm");
  if constexpr (requires { options->json; })
    app->add_flag("--json", options->json, "Print one line of JSON, for programs");
  app->callback([this, app, options, finish] {
    if (!app->get_subcommands().empty()) return;  // it was that command
    if (finish) finish(*options);
    command_ = *options;
  });
  return {app, options};
}

}  // namespace gameflow::app
