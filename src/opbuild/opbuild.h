// Operator libraries: C++ source from the graph, the system's compiler, dlopen.
//
// A library is cached as <cache>/<hash of source, SDK and ABI version>-<hash of compiler version
// and flags>.so, written under a temporary name and renamed, and never unloaded. Where there is no
// compiler, one that another compiler made of the same source is as good; so the cache may be built
// elsewhere, and be read-only. The SDK's headers are inside this program and are written to
// <cache>/sdk-<hash>/ for the compiler.
//
// Threads  functions may run at the same time in any number of threads and processes.
// Errors   kCompileFailed, kCompilerMissing, kLibraryInvalid, kDataUnwritable (the cache folder).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "record/type.h"
#include "spec/diagnostic.h"

namespace gameflow::opbuild {

struct Options {
  std::filesystem::path cache_folder;
  std::string compiler = "c++";  // found in PATH; another one has to be there, even if not needed
  bool syntax_only = false;      // check, do not build: `gameflow validate --operators`
};

struct Library {
  plan::Functions functions;  // empty with syntax_only; valid for the life of the process
  std::filesystem::path file;
  bool was_cached = false;
  double build_seconds = 0;
};

// The whole translation unit. Pure: the same graph gives the same text.
std::string generate_source(const plan::Graph& graph);

// kCompileFailed: what is wrong is added to `mistakes`, each placed in dataflow.yaml; where nothing
// can be placed, the message is what the compiler said.
Result<Library> build(const plan::Graph& graph, const Options& options,
                      std::vector<spec::Diagnostic>& mistakes);

// A sql<T>("…") with a literal query in some run: block, for checking against the states before
// anything runs.
struct SqlUse {
  std::size_t service;  // index in the graph
  std::string query;
  // T's items; null if T is not a list of objects (then the compiler complains).
  const record::Type* item;
  spec::Position position;           // of the literal, in dataflow.yaml
  const spec::Code* code;            // the block, of the graph
  const plan::Step* step;            // it
  std::size_t arguments;             // behind the literal
  std::vector<std::size_t> offsets;  // where in `code` each byte of `query` stands

  // The place of a byte of `query` in dataflow.yaml; of the literal, where there is no such byte.
  spec::Position position_at(std::size_t byte) const;
};
std::vector<SqlUse> find_sql(const plan::Graph& graph);

}  // namespace gameflow::opbuild
