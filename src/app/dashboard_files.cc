#include "app/dashboard_files.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "api/dashboard_check.h"
#include "app/text_file.h"
#include "spec/diagnostic.h"

namespace gameflow::app {
namespace {

// A file on the way to its dashboard.
struct Draft {
  std::string file, text;
  spec::DashboardResult result;
};

Result<Draft> read_draft(const std::string& file) {
  GF_ASSIGN(std::string text, read_text_file(file));
  spec::DashboardResult result = spec::parse_dashboard(text, file);
  return Draft{file, std::move(text), std::move(result)};
}

void add(std::vector<spec::Diagnostic> more, Draft& draft) {
  for (spec::Diagnostic& diagnostic : more)
    draft.result.diagnostics.push_back(std::move(diagnostic));
}

// Tells them, and sums up the errors.
Status report(std::vector<Draft>& drafts, Mistakes* mistakes) {
  std::size_t errors = 0, files = 0;
  for (Draft& draft : drafts) {
    std::vector<spec::Diagnostic>& told = draft.result.diagnostics;
    if (told.empty()) continue;
    std::ranges::stable_sort(told, {}, &spec::Diagnostic::position);
    const spec::SourceFile source{draft.file, {}, draft.text};
    tell(told, {&source, 1}, mistakes);
    const auto count =
        std::ranges::count(told, spec::Severity::kError, &spec::Diagnostic::severity);
    errors += static_cast<std::size_t>(count);
    files += count != 0 ? 1 : 0;
  }
  if (errors == 0) return {};
  return fail(ErrorCode::kInvalidDataflow,
              fmt::format("{} dashboard{} {} {} mistake{}", files, files == 1 ? "" : "s",
                          files == 1 ? "has" : "have", errors, errors == 1 ? "" : "s"));
}

// Of the file as a whole.
void add(std::string message, std::string hint, Draft& draft) {
  draft.result.diagnostics.push_back(
      {.position = {}, .message = std::move(message), .hint = std::move(hint)});
}

// Each name, address and metric has one dashboard.
void check_owners(std::vector<Draft>& drafts) {
  std::map<std::string, const Draft*> names, addresses, metrics;
  for (Draft& draft : drafts) {
    if (!draft.result.dashboard) continue;
    const spec::Dashboard& dashboard = *draft.result.dashboard;
    if (const auto [other, is_new] = names.emplace(dashboard.name, &draft); !is_new)
      add(fmt::format("two dashboards are called '{}': {} and {}", dashboard.name,
                      other->second->file, draft.file),
          "rename one of the files", draft);
    const auto [at, is_first] = addresses.emplace(dashboard.address, &draft);
    if (!is_first && !dashboard.address.empty())
      add(fmt::format("two dashboards have the address '{}': {} and {}", dashboard.address,
                      at->second->file, draft.file),
          "remove one of them", draft);
    for (const spec::DashboardMetric& metric : dashboard.metrics) {
      const auto [other, is_new] = metrics.emplace(metric.name, &draft);
      if (!is_new)
        add(fmt::format("two metrics are called '{}': in {} and in {}", metric.name,
                        other->second->file, draft.file),
            "rename one of them", draft);
    }
  }
}

}  // namespace

std::vector<std::string> dashboard_files(const DataflowFile& file) {
  if (file.dashboards) return *file.dashboards;
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  std::error_code error;
  const fs::path folder = fs::path(file.name).parent_path() / "dashboards";
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& path = entry->path();
    // Editors keep what they work on in files that begin with a point.
    if (path.extension() == ".yaml" && !path.filename().string().starts_with('.'))
      files.push_back(path.string());
  }
  std::ranges::sort(files);
  return files;
}

Result<std::vector<spec::Dashboard>> read_dashboards(const DataflowFile& file, Mistakes* mistakes) {
  std::vector<Draft> drafts;
  for (const std::string& name : dashboard_files(file)) {
    GF_ASSIGN(Draft draft, read_draft(name));
    drafts.push_back(std::move(draft));
  }
  std::vector<spec::Dashboard> dashboards;
  if (drafts.empty()) return dashboards;
  api::DashboardCheck check(*file.graph);
  for (Draft& draft : drafts) {
    if (!draft.result.dashboard) continue;
    add(check.check(*draft.result.dashboard), draft);
    dashboards.push_back(*draft.result.dashboard);
  }
  // One that has mistakes is there all the same: whoever links to it made none.
  if (dashboards.size() == drafts.size()) {
    for (Draft& draft : drafts)
      add(spec::link_mistakes(*draft.result.dashboard, dashboards), draft);
  }
  check_owners(drafts);
  GF_TRY(report(drafts, mistakes));
  return dashboards;
}

}  // namespace gameflow::app
