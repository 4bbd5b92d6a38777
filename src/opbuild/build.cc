#include <chrono>
#include <map>
#include <optional>

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/statvfs.h>

#include "opbuild/block.h"
#include "opbuild/cache.h"
#include "opbuild/compiler.h"
#include "opbuild/messages.h"
#include "opbuild/opbuild.h"
#include "opbuild/sdk_files.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "spec/diagnostic.h"
#include "spec/function.h"

namespace gameflow::opbuild {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLibrariesKept = 64;
constexpr const char* kDoNotCompile = "the operators do not compile";

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

using Mistakes = std::vector<spec::Diagnostic>;

// What the block of a step cannot call.
class Forbiddances {
 public:
  Forbiddances(const plan::Graph& graph, plan::ServiceId service)
      : service_(graph.services[service]), id_(service), keyed_(graph.keyed_of(service)) {}

  std::vector<Forbidden> of(const plan::Step& step) const {
    std::vector<Forbidden> forbidden;
    const bool has_window = keyed_ != nullptr && keyed_->window;
    const bool reads_own = step.place == plan::Place::kFlush || step.place == plan::Place::kEach ||
                           step.place == plan::Place::kSink;
    const bool reads_others = std::ranges::any_of(
        service_.reads, [this](const auto& reference) { return !plan::is_own(reference, id_); });
    if (!reads_own && !reads_others) forbidden.push_back(sql(has_window));
    const bool is_in_window = step.place == plan::Place::kRows ||
                              step.place == plan::Place::kFlush || step.place == plan::Place::kEach;
    if (!has_window) {
      forbidden.push_back({"window", false, "window() can be used in a window only", ""});
    } else if (!is_in_window) {
      forbidden.push_back(
          {"window", false, "window() can be used in update-state and flush only", ""});
    }
    const bool has_key = step.place == plan::Place::kRows || step.place == plan::Place::kEach ||
                         step.place == plan::Place::kExpired ||
                         step.place == plan::Place::kJoined ||
                         (step.place == plan::Place::kSink && !has_window);
    if (!has_key) {
      forbidden.push_back({"key", false, "key() can be used behind assign-key only",
                           "a function may take the key of its record: (Optional<Text> key, …)"});
    }
    for (const plan::Reference& reference : service_.reads)
      add(step, reference, reads_own, forbidden);
    return forbidden;
  }

 private:
  static Forbidden sql(bool has_window) {
    if (has_window)
      return {"sql", true, "sql() can be used in flush only", "keep what it asks for in a state"};
    return {"sql", true, "there is nothing that sql() could read here",
            "it sees 'tables', states with 'from', and in the sinks the states of the service"};
  }

  void add(const plan::Step& step, const plan::Reference& reference, bool reads_own,
           std::vector<Forbidden>& forbidden) const {
    const std::string& name = reference.accessor;
    if (!plan::is_own(reference, id_)) {
      forbidden.push_back(
          {name, false, fmt::format("{}() takes a key", name), fmt::format("{}(key)", name)});
      return;
    }
    if (step.place != plan::Place::kRows) {
      forbidden.push_back({name, false, fmt::format("{}() can be used in 'partition' only", name),
                           step.place == plan::Place::kFlush
                               ? fmt::format("use sql<T>(\"select … from {}\")", name)
                           : step.place == plan::Place::kExpired || step.place == plan::Place::kEach
                               ? "the row is its argument"
                           : spec::info_of(step.kind).is_transform ? "no key is known here"
                                                                   : "no key is known yet"});
    }
    if (!reads_own) {
      forbidden.push_back({name, true,
                           fmt::format("{}(key) can be used in sinks and flush only", name),
                           "rows of other keys change while this runs"});
    }
  }

  const plan::Service& service_;
  const plan::ServiceId id_;
  const plan::Keyed* const keyed_;
};

// At the place where the dataflow names it. That it has no function is fine.
Mistakes header_mistakes(const plan::Graph::Header& header) {
  const Block block = parse_block({header.text + "\ninline void end_() {}\n", {1, 1}}, header.file);
  Mistakes mistakes = block.mistakes;
  for (spec::Diagnostic& mistake : mistakes) {
    mistake.message = fmt::format("{}:{}: {}", header.file, mistake.position.line, mistake.message);
    mistake.position = header.position;
  }
  for (const Block::Include& include : block.includes) {
    if (include.text.find('"') == std::string::npos) continue;
    mistakes.push_back({.severity = spec::Severity::kError,
                        .position = header.position,
                        .message = fmt::format("{}:{}: a header cannot include one of its own",
                                               header.file, include.position.line),
                        .hint = "name both in 'functions', in the order in which they are needed"});
  }
  return mistakes;
}

// What can be said without asking the compiler.
Status check_blocks(const plan::Graph& graph, Mistakes& mistakes) {
  const std::size_t before = mistakes.size();
  for (const plan::Graph::Header& header : graph.headers) {
    for (const spec::Diagnostic& mistake : header_mistakes(header)) mistakes.push_back(mistake);
  }
  for (plan::ServiceId id = 0; id < graph.services.size(); ++id) {
    const Forbiddances forbiddances(graph, id);
    for (const plan::Step* step : plan::steps_of(graph, graph.services[id])) {
      const Block block = parse_block(step->code, step->name);
      mistakes.insert(mistakes.end(), block.mistakes.begin(), block.mistakes.end());
      for (const Forbidden& function : forbiddances.of(*step)) {
        const Mistakes found = find_forbidden(step->code, function);
        mistakes.insert(mistakes.end(), found.begin(), found.end());
      }
    }
  }
  if (mistakes.size() == before) return {};
  return fail(ErrorCode::kCompileFailed, kDoNotCompile);
}

std::string sdk_hash() {
  std::vector<std::string_view> parts;
  for (const SdkFile& file : sdk_files()) parts.insert(parts.end(), {file.name, file.text});
  return sha256_of(parts);
}

std::string source_key(std::string_view source) {
  const std::string sdk = sdk_hash(), version = std::to_string(abi::kVersion);
  return sha256_of({source, sdk, version});
}

std::string cache_key(std::string_view source, const Compiler& compiler) {
  std::vector<std::string_view> parts{compiler.version};
  for (const auto* flags : {&compiler.flags, &compiler.linking.flags, &compiler.linking.libraries})
    parts.insert(parts.end(), flags->begin(), flags->end());
  return fmt::format("{}-{}", source_key(source), sha256_of(parts).substr(0, 16));
}

// What the libraries of the operators need: arguments of the compiler, in front of the source and
// behind it. A library that is not there is told at each place that names it.
Result<Linking> find_libraries(const plan::Graph& graph, Mistakes& mistakes) {
  Linking linking;
  std::map<std::string, Result<Linking>, std::less<>> known;
  const std::size_t before = mistakes.size();
  for (const plan::Service& service : graph.services) {
    for (const plan::Step* step : plan::steps_of(graph, service)) {
      for (const spec::Dependency& dependency : step->dependencies) {
        auto found = known.find(dependency.name);
        const bool is_new = found == known.end();
        if (is_new) found = known.emplace(dependency.name, find_library(dependency.name)).first;
        if (!found->second) {
          mistakes.push_back({.severity = spec::Severity::kError,
                              .position = dependency.position,
                              .length = static_cast<std::uint32_t>(dependency.name.size()),
                              .message = fmt::format("there is no library '{}'", dependency.name),
                              .hint = found->second.error().message});
        } else if (is_new) {
          linking.append(*found->second);
        }
      }
    }
  }
  if (mistakes.size() == before) return linking;
  return fail(ErrorCode::kCompileFailed, kDoNotCompile);
}

// The folder for the compiler's -I.
Result<fs::path> write_sdk(Cache& cache) {
  const fs::path folder = "sdk-" + sdk_hash().substr(0, 16);
  fs::path written;
  for (const SdkFile& file : sdk_files()) {
    GF_ASSIGN(written, cache.write(folder / "gameflow" / file.name, file.text));
  }
  return written.parent_path().parent_path();
}

Error compile_error(const ProcessResult& result, const plan::Graph& graph, Mistakes& mistakes) {
  if (result.timed_out) {
    return {ErrorCode::kCompileFailed,
            fmt::format(
                "the compiler did not finish within {} s of CPU time, or {} min in all; is there a "
                "template in a run: block that never ends?",
                ProcessLimits{}.cpu_time_max.count(), ProcessLimits{}.time_max.count() / 60'000)};
  }
  const auto placed = read_compiler_output(result.output, graph.files, graph.headers);
  mistakes.insert(mistakes.end(), placed.begin(), placed.end());
  if (!placed.empty()) return {ErrorCode::kCompileFailed, kDoNotCompile};
  constexpr std::size_t kBytesMax = 4096;
  return {ErrorCode::kCompileFailed, fmt::format("{}; the compiler says:\n{}", kDoNotCompile,
                                                 result.output.substr(0, kBytesMax))};
}

// Compiles into the cache, or only checks. The source is kept beside the library, for the curious.
Status compile_source(const plan::Graph& graph, std::string_view source, std::string_view key,
                      bool syntax_only, const Compiler& compiler, Cache& cache,
                      Mistakes& mistakes) {
  GF_ASSIGN(const fs::path sdk, write_sdk(cache));
  GF_ASSIGN(const fs::path file, cache.write(cache.temporary().filename(), source));
  const fs::path output = syntax_only ? fs::path() : cache.temporary();
  const auto result = compile(compiler, file, sdk, output);
  std::error_code ignored;
  if (!result || result->exit_code != 0 || syntax_only) {
    fs::remove(file, ignored);
    fs::remove(output, ignored);
    if (!result) return fail(result.error());
    if (result->exit_code != 0) return fail(compile_error(*result, graph, mistakes));
    return {};
  }
  fs::rename(file, cache.path_of(key).replace_extension(".cc"), ignored);
  GF_TRY(cache.add(output, key));
  cache.prune(kLibrariesKept);
  return {};
}

// Loads the library, for good.
Result<plan::Functions> load(const fs::path& file, const plan::Graph& graph) {
  const auto invalid = [&](std::string_view why) {
    return fail(ErrorCode::kLibraryInvalid,
                fmt::format("the operator library {} cannot be used: {}", file.string(), why));
  };
  void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const std::string why = ::dlerror();
    struct statvfs system {};
    if (::statvfs(file.c_str(), &system) == 0 && (system.f_flag & ST_NOEXEC) != 0) {
      return invalid(
          fmt::format("the file system of {} is mounted noexec, so that no program may "
                      "run from there: choose a folder on another one with --cache DIR "
                      "({})",
                      file.parent_path().string(), why));
    }
    return invalid(why);
  }
  const auto entry = reinterpret_cast<abi::LibraryFn>(::dlsym(handle, abi::kLibrarySymbol));
  if (entry == nullptr) return invalid(fmt::format("it has no {}", abi::kLibrarySymbol));
  auto functions = plan::Functions::bind(*entry(), graph);
  if (!functions) return invalid(functions.error().message);
  return functions;
}

// What was built of the same source by whatever compiler, for a machine without one; nothing if
// there is none. An error: why what is there cannot be used.
Result<std::optional<Library>> find_built(const plan::Graph& graph, const Options& options) {
  GF_ASSIGN(const Cache cache, Cache::open(options.cache_folder));
  Status unusable;
  for (const std::string& key : cache.keys_of(source_key(generate_source(graph)))) {
    Library library{.file = cache.path_of(key), .was_cached = true};
    if (!cache.has(key)) continue;
    auto functions = load(library.file, graph);
    if (!functions) {
      unusable = fail(std::move(functions).error());
      continue;
    }
    library.functions = std::move(*functions);
    return library;
  }
  if (!unusable) return fail(std::move(unusable).error());
  return std::nullopt;
}

}  // namespace

Result<Library> build(const plan::Graph& graph, const Options& options, Mistakes& mistakes) {
  const auto start = std::chrono::steady_clock::now();
  GF_TRY(check_blocks(graph, mistakes));
  auto compiler = find_compiler(options.compiler);
  if (!compiler) {
    // A compiler that is named is wanted; the usual one only for what is new.
    const bool is_usual = options.compiler == Options{}.compiler;
    if (!is_usual) return fail(compiler.error());
    auto library = find_built(graph, options);
    if (library && *library) return **std::move(library);
    if (library) return fail(compiler.error());
    return fail(library.error().code,
                fmt::format("{}. Without it they would have to be built here: {}",
                            library.error().message, compiler.error().message));
  }
  GF_ASSIGN(compiler->linking, find_libraries(graph, mistakes));
  GF_ASSIGN(Cache cache, Cache::open(options.cache_folder));
  const std::string source = generate_source(graph);
  const std::string key = cache_key(source, *compiler);

  Library library;
  library.file = cache.path_of(key);
  library.was_cached = cache.has(key);
  if (options.syntax_only) {
    if (!library.was_cached)
      GF_TRY(compile_source(graph, source, key, true, *compiler, cache, mistakes));
    library.build_seconds = seconds_since(start);
    return library;
  }
  auto functions = library.was_cached ? load(library.file, graph) : plan::Functions();
  // Otherwise it was built on another kind of machine, or by a compiler that only looks the same.
  library.was_cached = library.was_cached && functions;
  if (!library.was_cached) {
    GF_TRY(compile_source(graph, source, key, false, *compiler, cache, mistakes));
    functions = load(library.file, graph);
    if (!functions) return fail(functions.error());
  }
  library.functions = std::move(*functions);
  library.build_seconds = seconds_since(start);
  return library;
}

}  // namespace gameflow::opbuild
