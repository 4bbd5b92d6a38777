#include "spec/dashboard_checks.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/closest.h"
#include "base/time.h"
#include "spec/dashboard.h"
#include "spec/dashboard_sections.h"

namespace gameflow::spec {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kRowWidth = 12;
constexpr Duration kRangeMin = {5 * 60'000}, kRangeMax = {std::int64_t{90} * 24 * 3'600'000};
// That pages show in their own way; any other text stands behind the number.
constexpr std::string_view kUnits[] = {"ms",    "s",       "min",   "h",    "d",
                                       "bytes", "percent", "ratio", "count"};

// Pages of the program itself.
constexpr std::string_view kOwnPages[] = {"index.html", "page-echarts.html", "sign_in.html"};

bool is_address(std::string_view address) {
  constexpr std::string_view kFolder = "/stat/", kEnding = ".html";
  if (!address.starts_with(kFolder) || !address.ends_with(kEnding)) return false;
  const std::string_view page = address.substr(kFolder.size());
  return page.size() > kEnding.size() && page.size() <= 100 &&
         std::ranges::count(kOwnPages, page) == 0 && std::ranges::all_of(page, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

}  // namespace

constexpr NameRule kDashboardAddress = {
    "page that leads to a dashboard", is_address,
    "'/stat/NAME.html', of small letters, digits, '-', '_' and '.'; index, page-echarts and "
    "sign_in are pages of the program",
    "^/stat/(?!(index|page-echarts|sign_in)\\.html$)[a-z0-9._-]{1,95}\\.html$"};

// Gives the panels the widths that are left, and the row its height.
void check_row(Report& report, const Node& node, json::object& row) {
  const Node* const list = node.find("panels");
  json::array none;
  json::array& panels = row.contains("panels") ? row["panels"].as_array() : none;
  if (list == nullptr || list->items.size() != panels.size()) return;
  std::uint64_t used = 0, without = 0, height = 1;
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const json::object& panel = panels[i].as_object();
    const json::value* const width = panel.if_contains("width");
    used += width != nullptr ? width->to_number<std::uint64_t>() : 0;
    without += width == nullptr ? 1 : 0;
    const json::value* const type = panel.if_contains("type");
    if (type == nullptr) return;
    height = std::max(height, std::ranges::find(panel_kinds(), std::string_view(type->as_string()),
                                                &PanelKind::type)
                                  ->height);
    if (used + without <= kRowWidth) continue;
    const Node* const at = list->items[i].find("width");
    report.error(at != nullptr ? *at : list->items[i],
                 fmt::format("the row is full: with this panel its width is {}, of {}",
                             used + without, kRowWidth),
                 "make panels narrower, or begin another row");
    return;
  }
  for (json::value& value : panels) {
    json::object& panel = value.as_object();
    if (panel.contains("width")) continue;
    const std::uint64_t share = (kRowWidth - used) / without--;
    panel["width"] = share;
    used += share;
  }
  if (!row.contains("height")) row["height"] = height;
}

void check_time(Report& report, const Fields& fields) {
  if (!fields.is_map()) return;
  fields.time_zone("zone");
  const Node* const node = fields.find("range");
  if (node == nullptr || node->text == "today" || node->text == "yesterday") return;
  const auto range = parse_duration(node->text);
  if (!range || *range < kRangeMin || *range > kRangeMax)
    report.error(*node, "'range' has to be 5m to 90d, 'today' or 'yesterday'",
                 "for example 'range: 1h'");
}

void check_thresholds(Report& report, const Node& list, const json::array& thresholds) {
  for (std::size_t i = 1; i < thresholds.size(); ++i) {
    const json::value* const before = thresholds[i - 1].as_object().if_contains("from");
    const json::value* const from = thresholds[i].as_object().if_contains("from");
    if (before == nullptr || from == nullptr ||
        before->to_number<double>() < from->to_number<double>())
      continue;
    const Node* const at = list.items[i].find("from");
    report.error(at != nullptr ? *at : list, "thresholds go from the lowest to the highest",
                 "put the lower one first");
  }
}

void check_unit(Report& report, const Node& node) {
  if (std::ranges::count(kUnits, std::string_view(node.text)) != 0) return;
  const std::string_view meant = closest(node.text, kUnits);
  if (!meant.empty())
    report.warning(node, fmt::format("unit '{}' is shown as it is", node.text),
                   fmt::format("did you mean '{}'?", meant));
}

void check_variable(Report& report, const Node& node, const json::object& variable) {
  const Node* const options = node.find("options");
  const Node* const chosen = node.find("default");
  if (chosen != nullptr && chosen->kind != NodeKind::kScalar && chosen->kind != NodeKind::kNull)
    report.error(*chosen,
                 fmt::format("'default' has to be one value, this is {}", describe(chosen->kind)));
  if (options == nullptr) return;
  if (variable.contains("query"))
    report.error(*options, "there are 'query' and 'options'", "keep one of them");
  const auto is_value = [](const Node& item) { return item.kind == NodeKind::kScalar; };
  if (options->kind != NodeKind::kList || options->items.empty() ||
      !std::ranges::all_of(options->items, is_value)) {
    report.error(*options, "'options' has to be a list of values",
                 "for example 'options: [ios, android]'");
    return;
  }
  if (chosen == nullptr || chosen->kind != NodeKind::kScalar) return;
  std::vector<std::string_view> known;
  for (const Node& item : options->items) known.emplace_back(item.text);
  if (std::ranges::count(known, std::string_view(chosen->text)) == 0)
    report.error(*chosen, fmt::format("'{}' is not among the options", chosen->text.substr(0, 60)),
                 did_you_mean(chosen->text, known));
}

std::vector<Diagnostic> link_mistakes(const Dashboard& dashboard, std::span<const Dashboard> all) {
  Report report({});
  std::vector<std::string_view> names;
  for (const Dashboard& each : all) names.emplace_back(each.name);
  const auto tell = [&](const NameUse& at, std::string message, std::string hint) {
    report.add({.severity = Severity::kError,
                .position = at.position,
                .length = at.length,
                .message = std::move(message),
                .hint = std::move(hint)});
  };
  for (const DashboardLink& link : dashboard.links) {
    const auto target = std::ranges::find(all, link.dashboard.name, &Dashboard::name);
    if (target == all.end()) {
      tell(link.dashboard, fmt::format("there is no dashboard '{}'", link.dashboard.name),
           did_you_mean(link.dashboard.name, names));
      continue;
    }
    const std::vector<std::string_view> variables(target->variables.begin(),
                                                  target->variables.end());
    for (const NameUse& variable : link.variables) {
      if (std::ranges::count(target->variables, variable.name) != 0) continue;
      tell(variable,
           fmt::format("dashboard '{}' has no variable '{}'", target->name, variable.name),
           did_you_mean(variable.name, variables));
    }
  }
  return report.take();
}

}  // namespace gameflow::spec
