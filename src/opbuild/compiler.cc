#include "opbuild/compiler.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

namespace gameflow::opbuild {
namespace {

namespace fs = std::filesystem;

// -fPIC's default thread-local model stays: initial-exec is no faster per record (1.9 against 2.1
// ns for a counting update-state in batches of 4096, the address is computed once per batch), and
// it would let only a few kilobytes of thread-locals be loaded per process. A wild index ends the
// process (_GLIBCXX_ASSERTIONS) instead of damaging the engine's memory.
constexpr std::string_view kFlags[] = {
    "-std=c++20",
    "-O2",
    "-shared",
    "-fPIC",
    "-pipe",
    "-fvisibility=hidden",
    "-D_GLIBCXX_ASSERTIONS",
    "-Wl,-z,defs",
    "-Werror=return-type",
    "-fdiagnostics-color=never",
};
// Without unique symbols nothing of a library is shared with another one. Clang has none. A
// function of a block is inlined into its chain even where several chains have it; -O2 alone stops
// at 15 instructions.
constexpr std::string_view kGccFlags[] = {"-fno-gnu-unique", "-fdiagnostics-column-unit=byte",
                                          "--param=max-inline-insns-auto=300"};

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

fs::path find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return is_program(name) ? fs::path(name) : fs::path();
  const char* const variable = std::getenv("PATH");
  std::string_view folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty() && !folders.empty()) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    fs::path path = fs::path(folders.substr(0, end)) / name;
    if (path.is_absolute() && is_program(path)) return path;
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return {};
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" \t\n");
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

}  // namespace

Result<Linking> find_library(const std::string& name) {
  const fs::path program = find_program("pkg-config");
  if (program.empty()) {
    return fail(ErrorCode::kCompilerMissing,
                "libraries are found by pkg-config, which is not installed: apt-get install "
                "pkg-config");
  }
  const auto ask = [&](const char* what) { return run_process({program.string(), what, name}); };
  const auto flags = ask("--cflags"), libraries = ask("--libs");
  if (!flags || flags->exit_code != 0 || !libraries || libraries->exit_code != 0) {
    const std::string package = name.starts_with("lib") ? name : "lib" + name;
    return fail(ErrorCode::kCompilerMissing,
                fmt::format("pkg-config does not know it: apt-get install {}-dev, or what the "
                            "package is called where you are",
                            package));
  }
  return Linking{words_of(flags->output), words_of(libraries->output)};
}

Result<Compiler> find_compiler(const std::string& name) {
  constexpr std::string_view kAdvice =
      "operators are C++ and are compiled when a dataflow changes: install a compiler (Debian and "
      "Ubuntu: apt-get install g++) or name one in GAMEFLOW_CXX";
  Compiler compiler{.path = find_program(name), .version = {}, .flags = {}};
  if (compiler.path.empty()) {
    return fail(ErrorCode::kCompilerMissing,
                fmt::format("there is no C++ compiler '{}'; {}", name, kAdvice));
  }
  const auto asked = run_process({compiler.path.string(), "--version"});
  if (!asked || asked->exit_code != 0 || asked->output.empty()) {
    return fail(ErrorCode::kCompilerMissing,
                fmt::format("'{}' does not run as a C++ compiler{}; {}", compiler.path.string(),
                            asked ? "" : " (" + asked.error().message + ")", kAdvice));
  }
  compiler.version = asked->output.substr(0, asked->output.find('\n'));
  compiler.flags.assign(std::begin(kFlags), std::end(kFlags));
  if (compiler.version.find("clang") == std::string::npos) {
    compiler.flags.insert(compiler.flags.end(), std::begin(kGccFlags), std::end(kGccFlags));
  }
  return compiler;
}

Result<ProcessResult> compile(const Compiler& compiler, const fs::path& source,
                              const fs::path& include_folder, const fs::path& output) {
  std::vector<std::string> arguments{compiler.path.string()};
  arguments.insert(arguments.end(), compiler.flags.begin(), compiler.flags.end());
  arguments.push_back("-I" + include_folder.string());
  if (output.empty()) {
    arguments.push_back("-fsyntax-only");
  } else {
    arguments.insert(arguments.end(), {"-o", output.string()});
  }
  const Linking& linking = compiler.linking;
  arguments.insert(arguments.end(), linking.flags.begin(), linking.flags.end());
  arguments.insert(arguments.end(), {"-x", "c++", source.string()});
  if (!output.empty() && !linking.libraries.empty()) {
    arguments.insert(arguments.end(), {"-x", "none"});
    arguments.insert(arguments.end(), linking.libraries.begin(), linking.libraries.end());
  }
  return run_process(arguments);
}

}  // namespace gameflow::opbuild
