// The system's C++ compiler.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "opbuild/process.h"

namespace gameflow::opbuild {

// Arguments for libraries.
struct Linking {
  std::vector<std::string> flags;      // in front of the source
  std::vector<std::string> libraries;  // behind it

  void append(const Linking& other) {
    flags.insert(flags.end(), other.flags.begin(), other.flags.end());
    libraries.insert(libraries.end(), other.libraries.begin(), other.libraries.end());
  }
};

// As pkg-config knows the library. An error says what to install.
Result<Linking> find_library(const std::string& name);

struct Compiler {
  std::filesystem::path path;
  std::string version;             // the first line of --version
  std::vector<std::string> flags;  // without -I, -o and the source
  Linking linking = {};
};

// Finds `name` (a path, or a program in PATH) and asks for its version. kCompilerMissing.
Result<Compiler> find_compiler(const std::string& name);

// Compiles `source` into the shared object `output`, or only checks it where `output` is empty.
// Success means that the compiler ran: whether it liked the source is in the exit code.
Result<ProcessResult> compile(const Compiler& compiler, const std::filesystem::path& source,
                              const std::filesystem::path& include_folder,
                              const std::filesystem::path& output);

}  // namespace gameflow::opbuild
