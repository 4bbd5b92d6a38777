// The system's C++ compiler.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "opbuild/process.h"

namespace gameflow::opbuild {

struct Compiler {
  std::filesystem::path path;
  std::string version;             // the first line of --version
  std::vector<std::string> flags;  // without -I, -o and the source
};

// Finds `name` (a path, or a program in PATH) and asks for its version. kCompilerMissing.
Result<Compiler> find_compiler(const std::string& name);

// Compiles `source` into the shared object `output`, or only checks it where `output` is empty.
// Success means that the compiler ran: whether it liked the source is in the exit code.
Result<ProcessResult> compile(const Compiler& compiler, const std::filesystem::path& source,
                              const std::filesystem::path& include_folder,
                              const std::filesystem::path& output);

}  // namespace gameflow::opbuild
