// gameflow new: a folder with a dataflow that runs, its test and a README.

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/new/templates.h"
#include "app/terminal.h"
#include "base/ascii.h"
#include "spec/names.h"

namespace gameflow::app {
namespace {

namespace fs = std::filesystem;

bool can_ask(const NewOptions& options) {
  return !options.json && is_terminal(STDIN_FILENO) && is_terminal(STDOUT_FILENO);
}

// What was typed, or `otherwise` for an empty line and at the end of input.
std::string ask(const std::string& question, const std::string& otherwise) {
  fmt::print("{} [{}]: ", question, otherwise);
  std::fflush(stdout);
  std::string line;
  if (!std::getline(std::cin, line) || line.empty()) return otherwise;
  return line;
}

// "My Scores" -> "my-scores".
std::string name_from(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const char small = lower_case(c);
    const bool fits = (small >= 'a' && small <= 'z') || (small >= '0' && small <= '9');
    if (fits)
      name += small;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (name.ends_with('-')) name.pop_back();
  return spec::is_lower_name(name) ? name : "my-dataflow";
}

const Template* find_template(const std::string& name) {
  const auto all = all_templates();
  const auto found = std::ranges::find(all, name, &Template::name);
  return found == all.end() ? nullptr : &*found;
}

Result<const Template*> choose_template(const NewOptions& options) {
  const auto all = all_templates();
  if (!options.template_name.empty()) return find_template(options.template_name);
  if (!can_ask(options)) return &all.front();
  fmt::print("What shall it do?\n");
  for (std::size_t i = 0; i < all.size(); ++i)
    fmt::print("  {}  {:8} {}\n", i + 1, all[i].name, all[i].purpose);
  const std::string typed = ask("A number or a name", "1");
  std::size_t number = 0;
  const auto parsed = std::from_chars(typed.data(), typed.data() + typed.size(), number);
  const bool is_number = parsed.ec == std::errc{} && number >= 1 && number <= all.size();
  const Template* const chosen = is_number ? &all[number - 1] : find_template(typed);
  if (chosen == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is none of them: counter, window or filter", typed));
  }
  return chosen;
}

struct Place {
  fs::path folder;
  std::string name;
};

Result<Place> choose_place(const NewOptions& options) {
  Place place{options.folder, options.name};
  const std::string suggested =
      place.folder.empty()
          ? "scores"
          : name_from(fs::absolute(place.folder).lexically_normal().filename().string());
  if (place.name.empty() && can_ask(options)) place.name = ask("Name of the dataflow", suggested);
  if (place.name.empty() && place.folder.empty()) {
    return fail(ErrorCode::kUsage, "say where: gameflow new DIR, or --name NAME");
  }
  if (place.name.empty()) place.name = suggested;
  if (!spec::is_lower_name(place.name)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no name of a dataflow: small letters and digits, a letter "
                            "first, single '-' or '_' between",
                            place.name));
  }
  if (place.folder.empty()) place.folder = place.name;
  return place;
}

Status write_files(const fs::path& folder,
                   const std::vector<std::pair<std::string, std::string>>& files) {
  for (const auto& [name, text] : files) {
    if (fs::exists(folder / name)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("'{}' is there already, and stays as it is: choose another folder",
                              (folder / name).string()));
    }
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return fail(ErrorCode::kDataUnwritable,
                fmt::format("cannot create folder '{}': {}", folder.string(), error.message()));
  }
  for (const auto& [name, text] : files) {
    std::ofstream out(folder / name, std::ios::binary);
    out << text;
    out.close();
    if (!out) {
      return fail(ErrorCode::kDataUnwritable,
                  fmt::format("cannot write '{}'", (folder / name).string()));
    }
  }
  return {};
}

Status make(const NewOptions& options) {
  GF_ASSIGN(const Place place, choose_place(options));
  GF_ASSIGN(const Template* const chosen, choose_template(options));
  GF_TRY(write_files(place.folder,
                     {{"dataflow.yaml", filled(chosen->dataflow, place.name)},
                      {fmt::format("{}.test", chosen->name), filled(chosen->test, place.name)},
                      {"README.md", readme(*chosen, place.name)}}));
  const std::string folder = place.folder.string();
  const std::string dataflow = (place.folder / "dataflow.yaml").string();
  const boost::json::object made{
      {"name", place.name}, {"folder", folder}, {"dataflow", dataflow}, {"template", chosen->name}};
  print_document(made, options.json, [&](const auto&) {
    fmt::print(
        "dataflow {} is in {}. To test it and to run it:\n\n  gameflow test {}\n  gameflow run "
        "--watch {}\n",
        place.name, folder, folder, dataflow);
  });
  return {};
}

}  // namespace

int new_command(const NewOptions& options) {
  const Status status = make(options);
  if (status) return kExitFine;
  print_error(status.error());
  return status.error().code == ErrorCode::kUsage ? kExitUsage : kExitFailed;
}

}  // namespace gameflow::app
