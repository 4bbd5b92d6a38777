// gameflow connector new, build, test, package: connectors of one's own.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/connector_kit/templates.h"
#include "app/document.h"
#include "app/terminal.h"
#include "connect/library.h"
#include "opbuild/compiler.h"
#include "opbuild/process.h"
#include "opbuild/sdk_files.h"
#include "spec/names.h"

namespace gameflow::app {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

Status write_file(const fs::path& path, std::string_view text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (file.flush()) return {};
  return fail(ErrorCode::kFileUnreadable, fmt::format("'{}' cannot be written", path.string()));
}

// A folder of a connector, and what is made in it.
struct Kit {
  fs::path folder;
  std::string name;
  fs::path build() const { return folder / "build"; }
  fs::path shared_object() const { return build() / (name + ".so"); }
};

Result<Kit> open_kit(const ConnectorKitOptions& options) {
  std::error_code error;
  const fs::path folder =
      fs::weakly_canonical(options.folder.empty() ? "." : options.folder, error);
  if (!fs::exists(folder / "connector.cc", error)) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("'{}' has no connector.cc: is it the folder of a connector? 'gameflow "
                            "connector new NAME' makes one",
                            folder.string()));
  }
  return Kit{folder, folder.filename().string()};
}

// The .cc files: with `tests` those that end in _test.cc, too.
std::vector<std::string> sources(const Kit& kit, bool tests) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(kit.folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".cc") && (tests || !name.ends_with("_test.cc")))
      found.push_back(entry.path().string());
  }
  std::ranges::sort(found);
  return found;
}

std::vector<std::string> more_flags(const Kit& kit) {
  std::vector<std::string> flags;
  std::ifstream file(kit.folder / "flags");
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != '#') flags.push_back(line);
  }
  return flags;
}

Status compile(const Kit& kit, const ConnectorKitOptions& options, bool is_test,
               const fs::path& output) {
  const fs::path include = kit.build() / "include" / "gameflow";
  for (const opbuild::SdkFile& header : opbuild::connector_headers())
    GF_TRY(write_file(include / "connect" / header.name, header.text));
  GF_ASSIGN(const opbuild::Compiler compiler, opbuild::find_compiler(options.compiler));
  std::vector<std::string> arguments = {compiler.path.string(),
                                        "-std=c++20",
                                        "-O2",
                                        "-g",
                                        "-Wall",
                                        "-Wextra",
                                        "-Wno-missing-field-initializers",
                                        "-fPIC",
                                        "-I" + (kit.build() / "include").string(),
                                        "-o",
                                        output.string()};
  if (!is_test) arguments.insert(arguments.end(), {"-shared", "-Wl,-z,defs"});
  for (std::string& source : sources(kit, is_test)) arguments.push_back(std::move(source));
  for (std::string& flag : more_flags(kit)) arguments.push_back(std::move(flag));
  GF_ASSIGN(const opbuild::ProcessResult result, opbuild::run_process(arguments));
  std::fputs(result.output.c_str(), stderr);
  if (result.exit_code == 0) return {};
  return fail(ErrorCode::kCompileFailed, fmt::format("'{}' does not compile", kit.name));
}

// That a program would take it, and what it holds.
Result<std::vector<connect::Kind>> kinds_of(const fs::path& library) {
  GF_ASSIGN(const auto all, connect::kinds_with(library));
  GF_ASSIGN(const auto own, connect::kinds_with({}));
  return std::vector<connect::Kind>(all.begin() + static_cast<std::ptrdiff_t>(own.size()),
                                    all.end());
}

// What a step has made.
using Made = Result<json::object>;

Made build(const Kit& kit, const ConnectorKitOptions& options) {
  GF_TRY(compile(kit, options, false, kit.shared_object()));
  GF_ASSIGN(const auto kinds, kinds_of(kit.shared_object()));
  json::array types;
  for (const connect::Kind& kind : kinds) types.emplace_back(kind.type);
  return json::object{{"library", kit.shared_object().string()}, {"types", std::move(types)}};
}

void print_built(const json::object& made) {
  for (const json::value& type : made.at("types").as_array())
    fmt::print("{}: {}\n", std::string_view(made.at("library").as_string()),
               std::string_view(type.as_string()));
}

Made test(const Kit& kit, const ConnectorKitOptions& options) {
  const fs::path program = kit.build() / "test";
  GF_TRY(compile(kit, options, true, program));
  GF_ASSIGN(const opbuild::ProcessResult result, opbuild::run_process({program.string()}));
  std::fputs(result.output.c_str(), options.json ? stderr : stdout);
  if (result.exit_code == 0) return json::object{{"test", program.string()}, {"passed", true}};
  return fail(ErrorCode::kOperatorFailed,
              result.timed_out ? "the test does not end" : "the test has failed");
}

Made package(const Kit& kit, const ConnectorKitOptions& options) {
  GF_TRY(test(kit, options));
  GF_ASSIGN(json::object made, build(kit, options));
  // A shared object without its debug information, as its own manifest: the kinds are in it.
  const fs::path packaged =
      kit.build() / fmt::format("{}-interface-{}.so", kit.name, connect::kVersion);
  std::error_code error;
  fs::copy_file(kit.shared_object(), packaged, fs::copy_options::overwrite_existing, error);
  if (error) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("'{}' cannot be written: {}", packaged.string(), error.message()));
  }
  made["package"] = packaged.string();
  made["bytes"] = fs::file_size(packaged);
  return made;
}

void print_packaged(const json::object& made) {
  print_built(made);
  const fs::path packaged(std::string_view(made.at("package").as_string()));
  fmt::print("{} ({}): gameflow connect FILE --library {}\n", packaged.string(),
             with_unit(made.at("bytes").to_number<std::uint64_t>()), packaged.filename().string());
}

Status make_new(const ConnectorNewOptions& options) {
  const fs::path folder(options.name);
  const std::string name = folder.filename().string();
  if (!spec::is_lower_name(name) || name.find('_') != std::string::npos) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' cannot be the name of a connector: small letters and digits, a "
                            "letter first, single '-' between",
                            name));
  }
  std::error_code error;
  if (fs::exists(folder, error) && !fs::is_empty(folder, error)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' exists and is not empty", folder.string()));
  }
  for (const KitFile& file : options.is_sink ? sink_kit() : source_kit())
    GF_TRY(write_file(folder / filled_kit(file.name, name), filled_kit(file.text, name)));
  const char* const direction = options.is_sink ? "sink" : "source";
  print_document(
      json::object{{"name", name}, {"folder", folder.string()}, {"direction", direction}},
      options.json, [&](const auto&) {
        fmt::print(
            "{0}: a {1} that works; README.md says how. Try\n  cd {0} && gameflow connector test\n",
            folder.string(), direction);
      });
  return {};
}

}  // namespace

int connector_new_command(const ConnectorNewOptions& options) {
  const Status status = make_new(options);
  return status ? kExitFine : print_error(status.error());
}

int connector_kit_command(const ConnectorKitOptions& options) {
  const auto kit = open_kit(options);
  if (!kit) return print_error(kit.error());
  const Made made = options.step == KitStep::kBuild  ? build(*kit, options)
                    : options.step == KitStep::kTest ? test(*kit, options)
                                                     : package(*kit, options);
  if (!made) return print_error(made.error());
  print_document(*made, options.json, [&](const json::object& document) {
    if (options.step == KitStep::kBuild) print_built(document);
    if (options.step == KitStep::kPackage) print_packaged(document);
  });
  return kExitFine;
}

}  // namespace gameflow::app
