#include "spec/dashboard_sections.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "spec/names.h"

namespace gameflow::spec {
namespace {

using enum ValueKind;

constexpr std::uint64_t kDecimalsMax = 9;

bool is_dashboard_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name[0] >= 'a' && name[0] <= 'z' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_variable_name(std::string_view name) {
  return is_identifier(name) && name.size() <= 100 && name[0] != '_' &&
         std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         std::ranges::count(kAmbientParameters, name) == 0 && name != "range" && name != "wall";
}

constexpr NameRule kVariableName = {
    "variable", is_variable_name,
    "small letters, digits and '_', a letter first, at most 100; 'from', 'to', 'now' and 'zone' "
    "are always there, 'range' and 'wall' are the page's own",
    "^(?!(from|to|now|zone|range|wall)$)[a-z][a-z0-9_]{0,99}$"};

bool is_metric_name(std::string_view name) {
  return is_identifier(name) && name.size() <= 100 && name[0] != '_' &&
         std::ranges::none_of(name, [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         !name.starts_with("gameflow_") && !name.starts_with("process_");
}

constexpr NameRule kMetricName = {
    "metric", is_metric_name,
    "small letters, digits and '_', a letter first, at most 100; 'gameflow_' and 'process_' begin "
    "those of the program",
    "^(?!gameflow_|process_)[a-z][a-z0-9_]{0,99}$"};
constexpr std::string_view kMetricTypes[] = {"gauge", "counter"};

// ---- fields that several have

constexpr Field kQuery = {.key = "query",
                          .kind = kSql,
                          .is_required = true,
                          .doc = "a SELECT statement",
                          .hint = "write 'query: select … from …'"};
constexpr Field kUnit = {.key = "unit",
                         .doc =
                             "of the values: `ms`, `s`, `min`, `h`, `d`, `bytes`, `percent` (0 "
                             "to 100), `ratio` (0 to 1), `count`, a currency such as `USD`, or "
                             "any text"};
constexpr Field kDecimals = {.key = "decimals",
                             .kind = kCount,
                             .doc = "digits behind the point; without, by unit and size",
                             .max = kDecimalsMax};
constexpr Field kLink = {.key = "link",
                         .kind = kMap,
                         .doc = "the dashboard that a click leads to",
                         .section = &kPanelLink};
constexpr Field kEcharts = {.key = "echarts",
                            .kind = kMap,
                            .doc = "options of Apache ECharts, merged over those of the panel"};
constexpr Field kActions = {.key = "actions",
                            .kind = kList,
                            .doc = "buttons of each row, which send a record",
                            .hint = "for example '- { label: …, topic: …, record: { … } }'",
                            .section = &kPanelAction};
constexpr Field kThresholds = {.key = "thresholds",
                               .kind = kList,
                               .doc = "states of values, from the lowest to the highest",
                               .hint = "for example '- { from: 90, state: bad }'",
                               .section = &kThreshold};

// One that is found where it is left out.
constexpr Field column(std::string_view key, std::string_view doc) {
  return {.key = key, .kind = kAnswerColumn, .doc = doc, .min = 1};
}
// One that is not there where it is left out.
constexpr Field no_column(std::string_view key, std::string_view doc) {
  return {.key = key, .kind = kAnswerColumn, .doc = doc};
}
constexpr Field named_column(std::string_view key, std::string_view doc) {
  return {.key = key, .kind = kAnswerColumn, .is_required = true, .doc = doc};
}

constexpr Field kTime = column("time", "when: ms since 1970");
constexpr Field kLabel = column("label", "what it is called");
constexpr Field kValueColumn = column("value", "the number");

// ---- the file

constexpr Field kDashboardFields[] = {
    {.key = "title",
     .is_required = true,
     .doc = "above the page and in the navigation",
     .hint = "write 'title: Players'"},
    {.key = "description", .doc = "under the title"},
    {.key = "order",
     .kind = kCount,
     .doc = "where it stands in the navigation: by this number, then, as those without one, by "
            "title",
     .max = 1'000'000},
    {.key = "address",
     .kind = kName,
     .doc = "an old address that leads here, too, such as `/stat/table.html`",
     .names = &kDashboardAddress},
    {.key = "try",
     .doc = "a command that sends events, which the overview shows as long as there are none, with "
            "the server's address for `ORIGIN`"},
    {.key = "time",
     .kind = kMap,
     .doc = "the page has a choice of a range of time, and queries have `:from` and `:to`",
     .section = &kDashboardTime},
    {.key = "every",
     .kind = kDuration,
     .fallback = "1s",
     .doc = "how often queries are asked again at most",
     .min = 100},
    {.key = "variables",
     .kind = kNamed,
     .doc = "what one can choose: `:NAME` in queries, and part of the page's address",
     .names = &kVariableName,
     .section = &kDashboardVariable},
    {.key = "metrics",
     .kind = kNamed,
     .doc = "figures that [`/metrics`](metrics.md#of-dashboards) has, too, by their names there",
     .names = &kMetricName,
     .section = &kDashboardMetric},
    {.key = "rows",
     .kind = kList,
     .is_required = true,
     .doc = "of panels, from above",
     .hint = "write 'rows: [{ panels: [{ type: figure, query: … }] }]'",
     .min = 1,
     .section = &kDashboardRow},
};
constexpr KnownButRefused kDashboardRefused[] = {
    {"name", "a dashboard is called as its file is", "remove 'name', or rename the file"},
    {"panels", "panels stand in rows", "write 'rows: [{ panels: … }]'"},
    {"refresh", "how often queries are asked is 'every' here", "write 'every: 5s'"},
};

constexpr Field kTimeFields[] = {
    {.key = "range",
     .fallback = "1h",
     .doc = "at first: `5m` to `90d` until now, `today` or `yesterday`"},
    {.key = "zone", .fallback = "UTC", .doc = "at first: a time zone, such as `Europe/Berlin`"},
};

constexpr Field kMetricFields[] = {
    {.key = "type",
     .kind = kWord,
     .fallback = "gauge",
     .doc = "a `counter` only rises, but for restarts; its name ends in `_total`",
     .words = kMetricTypes},
    {.key = "help",
     .is_required = true,
     .doc = "what it is, for people",
     .hint = "write 'help: Players at once.'"},
    {.key = "query",
     .kind = kSql,
     .is_required = true,
     .doc = "a SELECT statement with a column `value`; its other columns are labels, a row is a "
            "series. It may use no parameter but `:now`",
     .hint = "write 'query: select platform, count(*) as value from … group by platform'"},
    {.key = "max_series",
     .kind = kCount,
     .fallback = "100",
     .doc = "how many series there are at most: the first ones of the answer. What is left out is "
            "counted",
     .min = 1,
     .max = 10'000},
    {.key = "every",
     .kind = kDuration,
     .fallback = "15s",
     .doc = "how often it is asked at most",
     .min = 1'000},
};

constexpr Field kVariableFields[] = {
    {.key = "title", .doc = "beside the choice; without, its name"},
    {.key = "query",
     .kind = kSql,
     .doc = "what there is to choose: the first column of the answer is the value, a second one, "
            "if there is one, is what is shown. It may use no variables"},
    {.key = "options",
     .kind = kValue,
     .doc = "instead of `query`: a list of values. Without either, one writes any text"},
    {.key = "default",
     .kind = kValue,
     .doc = "the value at first; without, none is chosen: it is `null` in queries"},
    {.key = "required",
     .kind = kBool,
     .fallback = "false",
     .doc = "whether there is always one chosen: without `default` the first one there is"},
};

constexpr Field kRowFields[] = {
    {.key = "title", .doc = "above the row"},
    {.key = "height",
     .kind = kCount,
     .doc = "of its panels, in units of 40 px; without, what the highest of them needs",
     .min = 1,
     .max = 50},
    {.key = "panels",
     .kind = kList,
     .is_required = true,
     .doc = "from the left",
     .hint = "write 'panels: [{ type: figure, query: … }]'",
     .min = 1,
     .section = &kPanel},
};

constexpr std::string_view kStateWords[] = {"good", "warning", "bad"};
constexpr Field kThresholdFields[] = {
    {.key = "from",
     .kind = kNumber,
     .is_required = true,
     .doc = "values from here on, up to the next threshold",
     .hint = "for example 'from: 90'"},
    {.key = "state",
     .kind = kWord,
     .is_required = true,
     .doc = "what they mean",
     .hint = "write 'state: good', 'warning' or 'bad'",
     .words = kStateWords},
};

constexpr Field kLinkFields[] = {
    {.key = "dashboard",
     .kind = kName,
     .is_required = true,
     .doc = "its name",
     .hint = "write 'dashboard: player'",
     .what = "the name of a dashboard",
     .names = &kDashboardName},
    {.key = "variables",
     .kind = kColumnsByName,
     .doc = "from its variables to columns: the values of the row that is clicked. Variables that "
            "both dashboards have are kept",
     .names = &kVariableName},
};

constexpr Field kSparklineFields[] = {
    kQuery, no_column("time", "when: ms since 1970; without, in the order of the answer"),
    kValueColumn};
constexpr Field kAnnotationFields[] = {kQuery, kTime, no_column("text", "what happened")};
constexpr Field kBandFields[] = {
    named_column("lower", "where it begins"),
    named_column("upper", "where it ends"),
    {.key = "title", .doc = "in the legend"},
};
constexpr Field kTableColumnFields[] = {
    named_column("column", "of the answer"),
    {.key = "title", .doc = "without, its name"},
    kUnit,
    kDecimals,
    kLink,
};
constexpr std::string_view kOrderWords[] = {"ascending", "descending"};
constexpr Field kSortFields[] = {
    named_column("column", "that rows are sorted by"),
    {.key = "order",
     .kind = kWord,
     .fallback = "ascending",
     .doc = "which comes first",
     .words = kOrderWords},
};

// ---- kinds of panels

constexpr std::string_view kBetterWords[] = {"higher", "lower"};
constexpr std::string_view kStyleWords[] = {"line", "area", "stacked", "bars"};

constexpr Field kFigureFields[] = {
    kQuery,
    kValueColumn,
    no_column("before", "the number of the period before: the change is shown, in %"),
    {.key = "better",
     .kind = kWord,
     .doc = "which change is a good one; without, none is",
     .words = kBetterWords},
    kThresholds,
    {.key = "sparkline", .kind = kMap, .doc = "a small curve below it", .section = &kSparkline},
    kUnit,
    kDecimals,
    kLink,
};
constexpr Field kTimeSeriesFields[] = {
    kQuery,
    kTime,
    no_column("series", "whose line it is: one for each different value"),
    {.key = "values",
     .kind = kAnswerColumns,
     .doc = "the numbers: a line for each of these columns",
     .min = 1},
    {.key = "style",
     .kind = kWord,
     .fallback = "line",
     .doc = "how they are drawn",
     .words = kStyleWords},
    {.key = "bands",
     .kind = kList,
     .doc = "areas behind the lines",
     .hint = "for example '- { lower: a, upper: b }'",
     .section = &kBand},
    {.key = "annotations",
     .kind = kMap,
     .doc = "moments that are marked",
     .section = &kAnnotations},
    kUnit,
    kDecimals,
    kLink,
    kEcharts,
};
constexpr Field kTopListFields[] = {
    kQuery,
    kLabel,
    kValueColumn,
    {.key = "limit",
     .kind = kCount,
     .fallback = "10",
     .doc = "how many rows of the answer are shown",
     .min = 1,
     .max = 100},
    kUnit,
    kDecimals,
    kLink,
};
constexpr Field kTableFields[] = {
    kQuery,
    {.key = "columns",
     .kind = kList,
     .doc = "those that are shown; without, all of the answer",
     .hint = "for example '- column: player_id'",
     .min = 1,
     .section = &kTableColumn},
    {.key = "page_size",
     .kind = kCount,
     .fallback = "20",
     .doc = "rows at a time",
     .min = 1,
     .max = 1'000},
    {.key = "sort",
     .kind = kMap,
     .doc = "at first; without, as the query says",
     .section = &kTableSort},
    kActions,
    kLink,
};
constexpr Field kHeatmapFields[] = {
    kQuery,
    column("x", "to the right"),
    column("y", "upwards"),
    kValueColumn,
    kUnit,
    kDecimals,
    kLink,
    kEcharts,
};
constexpr Field kFunnelFields[] = {
    kQuery, kLabel, kValueColumn, kUnit, kDecimals, kLink,
};
constexpr Field kRetentionFields[] = {
    kQuery,
    column("cohort", "who began together, such as a day"),
    column("age", "how much later: 0, 1, 2 …"),
    kValueColumn,
    no_column("size", "how many the cohort had"),
    kUnit,
    kDecimals,
    kLink,
};
constexpr Field kBoxPlotFields[] = {
    kQuery,
    kLabel,
    column("minimum", "the end of the lower whisker"),
    column("lower", "the lower quartile"),
    column("median", "the line in the box"),
    column("upper", "the upper quartile"),
    column("maximum", "the end of the upper whisker"),
    kUnit,
    kDecimals,
    kLink,
    kEcharts,
};
constexpr Field kStatusGridFields[] = {
    kQuery,
    kLabel,
    column("state", "`good`, `warning`, `bad` or `none`; with `thresholds`, a number"),
    no_column("value", "a number beside it"),
    kThresholds,
    kUnit,
    kDecimals,
    kLink,
};
constexpr Field kAlertListFields[] = {
    kQuery,
    column("state", "`firing`, `recovered` or any other word"),
    column("title_column", "what it is about"),
    no_column("text", "more about it"),
    no_column("since", "when it began: ms since 1970"),
    no_column("at", "when this was: ms since 1970"),
    kThresholds,
    kActions,
    kLink,
};
constexpr Field kTimelineFields[] = {
    kQuery,
    kTime,
    kLabel,
    no_column("text", "more about it"),
    no_column("kind", "which colour it has: one for each different value"),
    kLink,
};
constexpr Field kTextFields[] = {
    {.key = "text", .is_required = true, .doc = "what it says", .hint = "write 'text: …'"},
};

constexpr PanelKind kPanelKinds[] = {
    {"figure", "a figure", "One number, large.", 3, kFigureFields},
    {"time-series", "a time-series", "Numbers over time.", 7, kTimeSeriesFields},
    {"top-list", "a top-list", "Names with bars, in the order of the answer.", 7, kTopListFields},
    {"table", "a table", "The answer as it is.", 9, kTableFields},
    {"heatmap", "a heatmap", "A grid of coloured fields.", 8, kHeatmapFields},
    {"funnel", "a funnel", "Steps, each with how many came that far, in the order of the answer.",
     7, kFunnelFields},
    {"retention", "a retention", "A triangle of cohorts: how many came back, by age.", 8,
     kRetentionFields},
    {"box-plot", "a box-plot", "Distributions side by side.", 7, kBoxPlotFields},
    {"status-grid", "a status-grid", "A coloured field for each thing that has a state.", 5,
     kStatusGridFields},
    {"alert-list", "an alert-list", "Alerts, in the order of the answer.", 7, kAlertListFields},
    {"timeline", "a timeline", "What happened when.", 5, kTimelineFields},
    {"text", "a text", "Words between the others; no query.", 3, kTextFields},
};

constexpr auto kPanelTypes = [] {
  std::array<std::string_view, std::size(kPanelKinds)> types;
  std::ranges::transform(kPanelKinds, types.begin(), &PanelKind::type);
  return types;
}();
constexpr auto kPanelVariants = [] {
  std::array<Variant, std::size(kPanelKinds)> variants;
  std::ranges::transform(kPanelKinds, variants.begin(), [](const PanelKind& kind) {
    return Variant{kind.type, kind.fields};
  });
  return variants;
}();

constexpr Field kPanelFields[] = {
    {.key = "type",
     .kind = kWord,
     .is_required = true,
     .doc = "what it is",
     .hint = "write 'type: figure', 'time-series', 'table' …",
     .what = "type of a panel",
     .words = kPanelTypes},
    {.key = "title", .doc = "above it"},
    {.key = "width",
     .kind = kCount,
     .doc = "of the 12 that a row has; without, what is left is shared",
     .min = 1,
     .max = 12},
    {.key = "definition", .doc = "what exactly is shown, for those who ask"},
};

}  // namespace

std::span<const PanelKind> panel_kinds() {
  return kPanelKinds;
}

constexpr NameRule kDashboardName = {"dashboard", is_dashboard_name,
                                     "small letters, digits and '-', a letter first, at most 100",
                                     "^[a-z][a-z0-9-]{0,99}$"};

constexpr Section kDashboard = {"dashboard", "a dashboard", kDashboardFields, kDashboardRefused};
constexpr Section kDashboardTime = {"dashboard-time", "'time'", kTimeFields};
constexpr Section kDashboardVariable = {"dashboard-variable", "a variable", kVariableFields};
constexpr Section kDashboardMetric = {"dashboard-metric", "a metric", kMetricFields};
constexpr Section kDashboardRow = {"dashboard-row", "a row", kRowFields};
constexpr Section kPanel = {"panel", "a panel", kPanelFields, {}, kPanelVariants};
constexpr Section kPanelLink = {"panel-link", "'link'", kLinkFields};
constexpr Section kThreshold = {"threshold", "a threshold", kThresholdFields};
constexpr Section kSparkline = {"sparkline", "'sparkline'", kSparklineFields};
constexpr Section kBand = {"band", "a band", kBandFields};
constexpr Section kAnnotations = {"annotations", "'annotations'", kAnnotationFields};
constexpr Section kTableColumn = {"table-column", "a column", kTableColumnFields};
constexpr Section kTableSort = {"table-sort", "'sort'", kSortFields};

}  // namespace gameflow::spec
