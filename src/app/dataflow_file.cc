#include "app/dataflow_file.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "app/terminal.h"
#include "app/text_file.h"
#include "base/sleep.h"
#include "query/query.h"
#include "runtime/tables.h"
#include "spec/diagnostic.h"
#include "spec/model.h"
#include "spec/package_probe.h"
#include "spec/packages.h"
#include "spec/yaml_tree.h"

namespace gameflow::app {
namespace {

// Tells them, and sums up the errors.
Status report(const std::vector<spec::Diagnostic>& diagnostics,
              const std::vector<spec::SourceFile>& files, Mistakes* mistakes) {
  tell(diagnostics, files, mistakes);
  const auto errors = std::ranges::count_if(
      diagnostics, [](const auto& d) { return d.severity == spec::Severity::kError; });
  if (errors == 0) return {};
  return fail(ErrorCode::kInvalidDataflow, fmt::format("{} has {} mistake{}", files.front().name,
                                                       errors, errors == 1 ? "" : "s"));
}

Result<std::filesystem::path> cache_folder(const BuildOptions& options) {
  if (!options.cache_folder.empty()) return options.cache_folder;
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::filesystem::path(cache) / "gameflow";
  const char* const home = std::getenv("HOME");
  std::error_code error;
  if (home != nullptr && *home == '/' && std::filesystem::is_directory(home, error))
    return std::filesystem::path(home) / ".cache/gameflow";
  return fail(
      ErrorCode::kDataUnwritable,
      fmt::format("this user has no home folder for built operators ($HOME is {}): say where "
                  "with --cache DIR, a folder that this user may write to",
                  home == nullptr || *home == '\0' ? "not set"
                                                   : fmt::format("{}, which is not there", home)));
}

// Says that something takes a while, unless it is over before.
class PatienceNote {
 public:
  explicit PatienceNote(std::string text)
      : thread_([text = std::move(text)](const std::stop_token& stop) {
          if (sleep_unless_stopped(std::chrono::milliseconds(200), stop)) print_note(text);
        }) {}

 private:
  std::jthread thread_;
};

// What an operator sees in SQL, as tables without rows: all that a check needs. Own rows belong to
// flush and the sinks.
std::vector<query::Table> empty_tables(const plan::Graph& graph, plan::ServiceId service,
                                       bool sees_own) {
  std::vector<query::Table> tables;
  for (const plan::Reference& reference : graph.services[service].reads) {
    if (plan::is_own(reference, service) && !sees_own) continue;
    if (const auto* const of = std::get_if<plan::Reference::OfTable>(&reference.to)) {
      tables.push_back(runtime::make_table(graph.tables[of->table]));
    } else {
      const auto& state = std::get<plan::Reference::OfState>(reference.to);
      tables.push_back(runtime::make_table(*graph.keyed_of(state.service),
                                           static_cast<std::uint32_t>(state.state),
                                           reference.accessor));
    }
  }
  return tables;
}

bool sees_own(const plan::Step& step) {
  return step.place == plan::Place::kFlush || step.place == plan::Place::kEach ||
         step.place == plan::Place::kSink;
}

std::string_view word_at(std::string_view sql, std::size_t at) {
  const auto is_word = [](char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  const auto end =
      std::find_if_not(sql.begin() + static_cast<std::ptrdiff_t>(at), sql.end(), is_word);
  return sql.substr(at, static_cast<std::size_t>(end - sql.begin()) - at);
}

spec::Diagnostic sql_mistake(const opbuild::SqlUse& use, std::string message,
                             std::optional<std::size_t> at) {
  spec::Diagnostic mistake{.severity = spec::Severity::kError,
                           .position = use.position,
                           .length = 1,
                           .message = std::move(message),
                           .hint = {}};
  if (!at) return mistake;
  const std::string_view word = word_at(use.query, *at);
  mistake.position = use.position_at(*at);
  mistake.length = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(word.size()));
  return mistake;
}

// The mistakes in the SQL texts of run: blocks.
Result<std::vector<spec::Diagnostic>> sql_mistakes(const DataflowFile& file) {
  std::vector<spec::Diagnostic> diagnostics;
  const plan::Graph& graph = *file.graph;
  const std::vector<opbuild::SqlUse> uses = opbuild::find_sql(graph);
  for (const opbuild::SqlUse& use : uses) {
    if (use.item == nullptr) continue;
    const std::vector<query::Table> tables =
        empty_tables(graph, static_cast<plan::ServiceId>(use.service), sees_own(*use.step));
    query::Database database;  // after the tables: it borrows them
    for (const query::Table& table : tables) GF_TRY(database.set_table(&table));
    std::optional<std::size_t> at;
    const Status status = database.check(use.query, *use.item, &at, use.arguments);
    if (!status) diagnostics.push_back(sql_mistake(use, status.error().message, at));
  }
  return diagnostics;
}

// Those that stand beside the dataflow.
std::vector<spec::Diagnostic> read_headers(plan::Graph& graph) {
  std::vector<spec::Diagnostic> mistakes;
  const auto folder = std::filesystem::path(graph.file_name).parent_path();
  for (plan::Graph::Header& header : graph.headers) {
    if (auto text = read_text_file((folder / header.file).string())) {
      header.text = std::move(*text);
    } else {
      mistakes.push_back({.severity = spec::Severity::kError,
                          .position = header.position,
                          .length = static_cast<std::uint32_t>(header.file.size()),
                          .message = text.error().message,
                          .hint = "headers are looked for beside the dataflow"});
    }
  }
  return mistakes;
}

std::vector<spec::Diagnostic> missing_tables(const spec::Dataflow& dataflow) {
  std::vector<spec::Diagnostic> mistakes;
  const auto folder = std::filesystem::path(dataflow.file_name).parent_path();
  for (const spec::Table& table : dataflow.tables) {
    if (table.file.empty()) continue;
    const std::string name = (folder / table.file).string();
    std::error_code error;
    std::string problem;
    if (!std::filesystem::exists(name, error)) {
      problem = error ? error.message() : "there is no such file";
    } else if (std::filesystem::is_directory(name, error)) {
      problem = "it is a folder";
    }
    if (problem.empty()) continue;
    mistakes.push_back(
        {.severity = spec::Severity::kError,
         .position = table.position,
         .length = static_cast<std::uint32_t>(table.name.size()),
         .message = fmt::format("table '{}': cannot read '{}': {}", table.name, name, problem),
         .hint = "files of tables are looked for beside the dataflow"});
  }
  return mistakes;
}

}  // namespace

Result<DataflowFile> read_dataflow(const std::string& name, const PackageFolders& packages,
                                   Mistakes* mistakes) {
  GF_ASSIGN(const std::string source, read_text_file(name));
  const std::filesystem::path path(name);
  if (path.filename() != spec::kPackageFile)
    return check_dataflow(name, source, packages, mistakes);
  const spec::Tree tree = spec::read_yaml(source);
  if (!tree.root) GF_TRY(report(tree.diagnostics, {{name, name, source}}, mistakes));
  if (!tree.root) return fail(ErrorCode::kInvalidDataflow, name + " is not a package");
  return check_dataflow((path.parent_path() / "a dataflow of this package").string(),
                        spec::dataflow_around(*tree.root), packages, mistakes);
}

Result<DataflowFile> check_dataflow(const std::string& name, const std::string& source,
                                    const PackageFolders& packages, Mistakes* mistakes) {
  const spec::PackageSearch search{
      .folders = packages, .read = [](const std::string& file) -> std::optional<std::string> {
        auto text = read_text_file(file);
        return text ? std::optional(std::move(*text)) : std::nullopt;
      }};
  spec::ParseResult parsed = spec::parse(source, name, search);
  GF_TRY(report(parsed.diagnostics, parsed.files, mistakes));
  if (!parsed.dataflow) return fail(ErrorCode::kInvalidDataflow, name + " is not a dataflow");
  plan::Graph graph = plan::lower(*parsed.dataflow);
  std::vector<spec::Diagnostic> missing = read_headers(graph);
  for (spec::Diagnostic& table : missing_tables(*parsed.dataflow))
    missing.push_back(std::move(table));
  GF_TRY(report(missing, parsed.files, mistakes));
  DataflowFile file{
      name, std::move(parsed.files), std::make_shared<const plan::Graph>(std::move(graph)), {}, {}};
  const auto folder = std::filesystem::path(name).parent_path();
  for (const auto& connector : parsed.dataflow->connectors)
    file.connectors.push_back((folder / connector.file).string());
  if (parsed.dataflow->dashboards) {
    std::vector<std::string>& names = file.dashboards.emplace();
    for (const auto& dashboard : *parsed.dataflow->dashboards)
      names.push_back((folder / dashboard.file).string());
  }
  return file;
}

std::vector<std::string> files_of(const DataflowFile& file) {
  std::vector<std::string> names;
  for (const spec::SourceFile& source : file.files) names.push_back(source.name);
  const auto folder = std::filesystem::path(file.name).parent_path();
  for (const plan::Graph::Header& header : file.graph->headers)
    names.push_back((folder / header.file).string());
  return names;
}

Status check_sql(const DataflowFile& file, Mistakes* mistakes) {
  GF_ASSIGN(const auto found, sql_mistakes(file));
  return report(found, file.files, mistakes);
}

Result<opbuild::Library> build_operators(const DataflowFile& file, const BuildOptions& options,
                                         bool syntax_only, Mistakes* mistakes) {
  GF_ASSIGN(auto found, sql_mistakes(file));
  // Operators that cannot be used are not built; but what else is wrong with them is told now.
  opbuild::Options build{.cache_folder = {},
                         .compiler = options.compiler,
                         .syntax_only = syntax_only || !found.empty()};
  GF_ASSIGN(build.cache_folder, cache_folder(options));
  auto library = [&] {
    const PatienceNote note(syntax_only ? "checking operators …" : "building operators …");
    return opbuild::build(*file.graph, build, found);
  }();
  if (const Status told = report(found, file.files, mistakes); !told)
    return fail(library ? told.error().code : library.error().code, told.error().message);
  return library;
}

}  // namespace gameflow::app
