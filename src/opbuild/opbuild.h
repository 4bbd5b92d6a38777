// Operator libraries: C++ source from the plan, the system's compiler, dlopen.
//
// A library is cached as <cache>/HASH.so, the SHA-256 of source, SDK, ABI version, compiler version
// and flags. It is written under a temporary name and renamed, and never unloaded. The SDK's
// headers are inside this program and are written to <cache>/sdk-HASH/ for the compiler.
//
// Threads  functions may run at the same time in any number of threads and processes.
// Errors   kCompileFailed (the compiler's messages, placed in the user's dataflow.yaml),
//          kCompilerMissing, kLibraryInvalid, kDataUnwritable (the cache folder).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "plan/plan.h"
#include "record/type.h"
#include "spec/diagnostic.h"

namespace gameflow::opbuild {

struct Options {
  std::filesystem::path cache_folder;
  std::string compiler = "c++";  // found in PATH
  bool syntax_only = false;      // check, do not build: `gameflow validate --operators`
};

struct Library {
  // Services in the plan's order. Valid for the life of the process.
  const abi::Library* functions = nullptr;
  std::filesystem::path file;
  bool was_cached = false;
  double build_seconds = 0;
};

// The whole translation unit. Pure: the same plan gives the same text.
std::string generate_source(const plan::Plan& plan);

Result<Library> build(const plan::Plan& plan, const Options& options);

// A sql<T>("…") with a literal query in some run: block, for checking against the states before
// anything runs.
struct SqlUse {
  std::size_t service;  // index in the plan
  std::string query;
  // T's items; null if T is not a list of objects (then the compiler complains).
  const record::Type* item;
  spec::Position position;  // of the literal, in dataflow.yaml
};
std::vector<SqlUse> find_sql(const plan::Plan& plan);

}  // namespace gameflow::opbuild
