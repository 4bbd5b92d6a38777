#include "app/flag_file.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/terminal.h"
#include "app/text_file.h"
#include "spec/reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::app {
namespace {

namespace fs = std::filesystem;
using spec::Node;
using spec::NodeKind;

constexpr const char* kName = "gameflow.yaml";

// Where a dataflow has that name, it is no file of flags.
std::string find_flag_file(const CLI::App& app) {
  const CLI::Option* const option = app.get_option_no_throw("dataflow");
  const fs::path dataflow = option->count() > 0 ? option->results().front() : "";
  std::error_code error;
  const bool is_folder = fs::is_directory(dataflow, error);
  for (const fs::path& folder : {fs::path(), is_folder ? dataflow : dataflow.parent_path()}) {
    const fs::path file = folder / kName;
    if (fs::exists(file, error) && !fs::equivalent(file, dataflow, error)) return file.string();
  }
  return {};
}

// What the keys of the file may be.
std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_configurable())
      names.push_back(option->get_name().substr(option->get_positional() ? 0 : 2));
  }
  return names;
}

// Null: there is none of that name. The dataflow has no dashes.
CLI::Option* option_of(CLI::App& app, const std::string& name) {
  if (CLI::Option* const option = app.get_option_no_throw("--" + name)) return option;
  CLI::Option* const option = app.get_option_no_throw(name);
  return option != nullptr && option->get_positional() && option->get_name() == name ? option
                                                                                     : nullptr;
}

// As the command line would.
void give(CLI::Option& option, const Node& value, spec::Report& report) {
  const bool is_flag = option.get_items_expected_max() == 0;
  const bool is_list = option.get_items_expected_max() > 1 && value.kind == NodeKind::kList;
  const auto values = is_list ? std::span<const Node>(value.items) : std::span(&value, 1);
  for (const Node& one : values) {
    if (one.kind != NodeKind::kScalar)
      return report.error(one, is_flag ? "it must be true or false" : "it must be a text");
    if (is_flag && one.text != "true" && one.text != "false")
      return report.error(one, fmt::format("it is '{}': it must be true or false", one.text));
    if (!is_flag || one.text == "true") option.add_result(one.text);
  }
  if (option.count() == 0) return;
  try {
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    report.error(values.front(), error.what());
  }
}

std::vector<std::string> take(const Node& root, CLI::App& app, spec::Report& report) {
  std::vector<std::string> taken;
  if (root.kind != NodeKind::kMap && root.kind != NodeKind::kNull)
    report.error(root, "this is no list of flags: write one a line, such as 'threads: 4'");
  const std::vector<std::string> all = names_of(app);
  const std::vector<std::string_view> names(all.begin(), all.end());
  for (std::size_t i = 0; i < root.keys.size(); ++i) {
    const Node& key = root.keys[i];
    if (key.text == "apiVersion") {
      report.error(key, "this is a dataflow, no list of flags",
                   "give it another name; or name another file with --config");
      return taken;
    }
    CLI::Option* const option = option_of(app, key.text);
    if (option == nullptr) {
      report.error(key, fmt::format("there is no flag '{}'", key.text),
                   spec::did_you_mean(key.text, names));
    } else if (!option->get_configurable()) {
      report.error(key, fmt::format("'{}' is for one start", key.text),
                   "it belongs on the command line");
    } else if (option->count() == 0) {
      give(*option, root.items[i], report);
      taken.push_back(key.text);
    }
  }
  return taken;
}

}  // namespace

void take_flag_file(CLI::App& app, const std::string& named) {
  const std::string name = named.empty() ? find_flag_file(app) : named;
  if (name.empty()) return;
  const auto text = read_text_file(name);
  if (!text) throw CLI::ConfigError("the file of flags: " + text.error().message);
  spec::Tree tree = spec::read_yaml(*text);
  spec::Report report(std::move(tree.diagnostics));
  std::vector<std::string> taken;
  if (tree.root) taken = take(*tree.root, app, report);
  if (std::string told = spec::render(report.take(), name, *text); !told.empty()) {
    told.pop_back();  // the end of its last line
    throw CLI::ConfigError(told);
  }
  print_note(fmt::format("flags from {}: {}", name,
                         taken.empty() ? "none" : fmt::format("{}", fmt::join(taken, ", "))));
}

}  // namespace gameflow::app
