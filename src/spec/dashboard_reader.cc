#include <algorithm>
#include <map>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "spec/dashboard.h"
#include "spec/dashboard_actions.h"
#include "spec/dashboard_checks.h"
#include "spec/dashboard_sections.h"
#include "spec/reader.h"

namespace gameflow::spec {
namespace {

namespace json = boost::json;

const Node& empty_map() {
  static const Node kNothing = {.kind = NodeKind::kMap};
  return kNothing;
}

NameUse use_of(const Node& node) {
  return {node.text, node.position, node.length};
}

// A scalar as JSON has it: what stands in quotes is a text.
json::value scalar_json(const Node& node) {
  if (node.style == ScalarStyle::kPlain) {
    json::error_code error;
    json::value value = json::parse(node.text, error);
    if (!error && !value.is_structured() && !value.is_string()) return value;
  }
  return json::string(node.text);
}

json::value any_json(const Node& node) {
  switch (node.kind) {
    case NodeKind::kNull:
      return nullptr;
    case NodeKind::kScalar:
      return scalar_json(node);
    case NodeKind::kList: {
      json::array list;
      for (const Node& item : node.items) list.push_back(any_json(item));
      return list;
    }
    case NodeKind::kMap:
      break;
  }
  json::object map;
  for (std::size_t i = 0; i < node.keys.size(); ++i)
    map[node.keys[i].text] = any_json(node.items[i]);
  return map;
}

// A map of the file, while it is read.
struct Place {
  std::string name;                  // "a figure"
  std::optional<std::size_t> query;  // whose columns are meant, in Dashboard::queries
};

class DashboardReader {
 public:
  DashboardReader(Report& report, std::string_view source, Dashboard& dashboard)
      : report_(report), source_(source), dashboard_(dashboard) {}

  void read(const Node& root);

 private:
  using Rows = std::initializer_list<std::span<const Field>>;

  json::object read_map(const Node& node, const Section& section, Place place);
  json::object read_panel(const Node& node, Place place);
  json::object read_fields(const Fields& fields, Rows rows, Place& place);
  json::value read_value(const Fields& fields, const Field& field, const Place& place);
  json::value read_list(const Node& list, const Field& field, const Place& place);
  json::value read_named(const Node& map, const Field& field);
  json::value read_columns(const Node& node, const Field& field, const Place& place);
  json::value read_columns_by_name(const Node& map, const Field& field, const Place& place);
  json::value read_any_map(const Node& node, const Field& field);
  void read_query(const Fields& fields, const Field& field, Place& place, json::object& object);
  std::optional<std::string> read_column(const Node& node, const Place& place, bool takes);

  void check_parameters(bool has_time);
  void note_link(const Node& node);
  void note_metric(const Node& key, const Node& body, const json::object& read, std::size_t query);

  Report& report_;
  std::string_view source_;
  Dashboard& dashboard_;
  std::map<std::string, const Node*> variables_;  // where each is named
};

// ---- values by the rows of their section

void DashboardReader::read_query(const Fields& fields, const Field& field, Place& place,
                                 json::object& object) {
  const Node* const node = fields.find(field.key);
  const auto text = node != nullptr ? read_text(report_, *node, "'query'") : std::nullopt;
  if (!text) return;
  DashboardQuery query{.sql = sql_text(*node, source_), .of = place.name};
  json::array parameters;
  for (const SqlParameter& parameter : sql_parameters(query.sql.text)) {
    const json::value name = json::string(parameter.name);
    if (!parameter.name.empty() && parameter.name != "now" &&
        std::ranges::find(parameters, name) == parameters.end())
      parameters.push_back(name);
  }
  object[field.key] = *text;
  object["parameters"] = std::move(parameters);
  place.query = dashboard_.queries.size();
  dashboard_.queries.push_back(std::move(query));
}

json::object DashboardReader::read_fields(const Fields& fields, Rows rows, Place& place) {
  json::object object;
  if (!fields.is_map()) return object;
  for (const std::span<const Field> some : rows) {
    const auto query = std::ranges::find(some, ValueKind::kSql, &Field::kind);
    if (query == some.end()) continue;
    place.query.reset();
    read_query(fields, *query, place, object);
  }
  for (const std::span<const Field> some : rows) {
    for (const Field& field : some) {
      if (field.kind == ValueKind::kSql) continue;
      json::value value = read_value(fields, field, place);
      if (!value.is_null()) object[field.key] = std::move(value);
    }
  }
  return object;
}

// Null where it is absent and nothing counts then, and where it is wrong.
json::value DashboardReader::read_value(const Fields& fields, const Field& field,
                                        const Place& place) {
  const auto or_null = [](const auto& value) {
    return value ? json::value(*value) : json::value(nullptr);
  };
  switch (field.kind) {
    case ValueKind::kText:
    case ValueKind::kName:
      if (field.key == "unit") {
        if (const Node* const unit = fields.find(field.key)) check_unit(report_, *unit);
      }
      return or_null(fields.text(field.key));
    case ValueKind::kWord: {
      const auto word = fields.word(field.key);
      return word ? json::value(json::string(field.words[*word])) : json::value(nullptr);
    }
    case ValueKind::kBool:
      return or_null(fields.flag(field.key));
    case ValueKind::kCount:
      return or_null(fields.count(field.key));
    case ValueKind::kNumber: {
      const auto number = fields.number(field.key);
      if (!number) return nullptr;
      const json::value written = scalar_json(*fields.find(field.key));
      return written.is_number() ? written : json::value(*number);
    }
    case ValueKind::kDuration: {
      const auto duration = fields.duration(field.key);
      return duration ? json::value(duration->ms) : json::value(nullptr);
    }
    default:
      break;
  }
  const Node* const node = fields.find(field.key);
  if (node == nullptr) {
    const bool is_column =
        field.kind == ValueKind::kAnswerColumn || field.kind == ValueKind::kAnswerColumns;
    if (is_column && field.min > 0 && place.query)
      dashboard_.queries[*place.query].open.emplace_back(field.key);
    return nullptr;
  }
  switch (field.kind) {
    case ValueKind::kAnswerColumn:
      return or_null(read_column(*node, place, true));
    case ValueKind::kAnswerColumns:
      return read_columns(*node, field, place);
    case ValueKind::kColumnsByName:
      return read_columns_by_name(*node, field, place);
    case ValueKind::kList:
      return read_list(*node, field, place);
    case ValueKind::kNamed:
      return read_named(*node, field);
    case ValueKind::kMap:
      if (field.section == nullptr) return read_any_map(*node, field);
      return read_map(*node, *field.section, {std::string(field.section->name), place.query});
    default:
      return any_json(*node);
  }
}

json::value DashboardReader::read_any_map(const Node& node, const Field& field) {
  if (node.kind == NodeKind::kMap) return any_json(node);
  report_.error(node,
                fmt::format("'{}' has to be a map, this is {}", field.key, describe(node.kind)));
  return nullptr;
}

std::optional<std::string> DashboardReader::read_column(const Node& node, const Place& place,
                                                        bool takes) {
  auto name = read_text(report_, node, "a column");
  if (!name || !place.query) return name;
  DashboardQuery& query = dashboard_.queries[*place.query];
  query.columns.push_back(use_of(node));
  if (takes) query.taken.push_back(*name);
  return name;
}

json::value DashboardReader::read_columns(const Node& node, const Field& field,
                                          const Place& place) {
  if (node.kind != NodeKind::kList || node.items.empty()) {
    report_.error(node, fmt::format("'{}' has to be a list of columns", field.key),
                  fmt::format("for example '{}: [a, b]'", field.key));
    return nullptr;
  }
  json::array columns;
  for (const Node& item : node.items) {
    if (const auto name = read_column(item, place, true)) columns.push_back(json::string(*name));
  }
  return columns;
}

json::value DashboardReader::read_columns_by_name(const Node& map, const Field& field,
                                                  const Place& place) {
  if (map.kind != NodeKind::kMap) {
    report_.error(map, fmt::format("'{}' has to be a map from names to columns", field.key),
                  fmt::format("for example '{}: {{ player: player_id }}'", field.key));
    return nullptr;
  }
  json::object columns;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const Node& key = map.keys[i];
    if (!check_name(report_, key, *field.names, key.text)) continue;
    if (const auto name = read_column(map.items[i], place, false)) columns[key.text] = *name;
  }
  return columns;
}

json::value DashboardReader::read_list(const Node& list, const Field& field, const Place& place) {
  if (list.kind == NodeKind::kList && list.items.empty() && field.min > 0) {
    report_.error(list, fmt::format("'{}' is empty", field.key), std::string(field.hint));
    return nullptr;
  }
  json::array items;
  for (const Node* node :
       maps_of(report_, &list, fmt::format("'{}'", field.key), std::string(field.hint))) {
    items.push_back(
        read_map(*node, *field.section, {std::string(field.section->name), place.query}));
  }
  if (field.section == &kThreshold) check_thresholds(report_, list, items);
  return items;
}

// As a list of what has a `name`.
json::value DashboardReader::read_named(const Node& map, const Field& field) {
  if (map.kind != NodeKind::kMap) {
    report_.error(map,
                  fmt::format("'{}' has to be a map, this is {}", field.key, describe(map.kind)));
    return nullptr;
  }
  json::array items;
  std::size_t query = dashboard_.queries.size();
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const Node& key = map.keys[i];
    if (!check_name(report_, key, *field.names, key.text)) continue;
    const Node& body = map.items[i].kind == NodeKind::kNull ? empty_map() : map.items[i];
    json::object item = {{"name", key.text}};
    const json::object read = read_map(
        body, *field.section, {fmt::format("{} '{}'", field.names->what, key.text), std::nullopt});
    item.insert(read.begin(), read.end());
    items.push_back(std::move(item));
    if (field.section == &kDashboardMetric) note_metric(key, body, read, query);
    if (field.section != &kDashboardVariable) continue;
    for (; query < dashboard_.queries.size(); ++query)
      dashboard_.queries[query].is_of_variable = true;
    dashboard_.variables.push_back(key.text);
    variables_[key.text] = &key;
    check_variable(report_, body, read);
  }
  return items;
}

// `query`: the first one that may be its own.
void DashboardReader::note_metric(const Node& key, const Node& body, const json::object& read,
                                  std::size_t query) {
  for (; query < dashboard_.queries.size(); ++query) {
    DashboardQuery& own = dashboard_.queries[query];
    if (own.is_of_metric) continue;
    own.is_of_metric = true;
    NameUse value = use_of(*body.find("query"));
    value.name = "value";
    own.columns.push_back(std::move(value));
  }
  const auto text = [&](const char* name) {
    const json::value* const found = read.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : "";
  };
  DashboardMetric metric{.name = key.text,
                         .help = text("help"),
                         .query = text("query"),
                         .is_counter = text("type") == "counter"};
  if (const json::value* const max = read.if_contains("max_series"))
    metric.series_max = max->to_number<std::size_t>();
  if (const json::value* const every = read.if_contains("every"))
    metric.every_ms = every->to_number<std::int64_t>();
  std::ranges::replace(metric.help, '\n', ' ');
  if (metric.is_counter != metric.name.ends_with("_total")) {
    report_.error(key,
                  metric.is_counter ? fmt::format("counter '{}' has to end in '_total'", key.text)
                                    : fmt::format("'{}' ends in '_total' as a counter does, and is "
                                                  "a gauge",
                                                  key.text),
                  metric.is_counter ? fmt::format("write '{}_total:'", key.text)
                                    : "write 'type: counter', or another name");
  }
  dashboard_.metrics.push_back(std::move(metric));
}

// ---- maps

json::object DashboardReader::read_map(const Node& node, const Section& section, Place place) {
  if (&section == &kPanel) return read_panel(node, std::move(place));
  const Fields fields(report_, node, section);
  json::object object = read_fields(fields, {section.fields}, place);
  if (&section == &kDashboardRow) check_row(report_, node, object);
  if (&section == &kDashboardTime) check_time(report_, fields);
  if (&section == &kPanelLink) note_link(node);
  if (&section == &kPanelAction && place.query) {
    read_action(report_, node, object, dashboard_.queries[*place.query], dashboard_.actions);
  }
  return object;
}

json::object DashboardReader::read_panel(const Node& node, Place place) {
  const Node* const type = node.find("type");
  const auto kind = std::ranges::find(panel_kinds(), type != nullptr ? type->text : std::string(),
                                      &PanelKind::type);
  if (kind == panel_kinds().end()) {
    // Which it is is told; the fields of any may be there.
    std::vector<Field> all;
    for (const PanelKind& each : panel_kinds())
      all.insert(all.end(), each.fields.begin(), each.fields.end());
    Fields(report_, node, kPanel, {}, all).word("type");
    return {};
  }
  place.name = kind->name;
  return read_fields(Fields(report_, node, kPanel, kind->name, kind->fields),
                     {kPanel.fields, kind->fields}, place);
}

void DashboardReader::note_link(const Node& node) {
  const Node* const dashboard = node.find("dashboard");
  if (dashboard == nullptr || !kDashboardName.is_valid(dashboard->text)) return;
  DashboardLink link{.dashboard = use_of(*dashboard), .variables = {}};
  if (const Node* const variables = node.find("variables")) {
    for (const Node& key : variables->keys) link.variables.push_back(use_of(key));
  }
  dashboard_.links.push_back(std::move(link));
}

// ---- the file

void DashboardReader::check_parameters(bool has_time) {
  std::vector<std::string_view> known(dashboard_.variables.begin(), dashboard_.variables.end());
  known.insert(known.end(), std::begin(kAmbientParameters), std::end(kAmbientParameters));
  for (const DashboardQuery& query : dashboard_.queries) {
    for (const auto& parameter : sql_parameters(query.sql.text)) {
      const auto& name = parameter.name;
      const auto tell = [&](std::string message, const std::string& hint) {
        report_.add(query.sql.mistake(parameter.offset, name.size() + 1, std::move(message), hint));
      };
      const bool is_variable = std::ranges::count(dashboard_.variables, name) != 0;
      if (is_variable && !query.is_of_metric) variables_.erase(name);
      if (query.is_of_metric && name != "now") {
        tell(fmt::format("the query of a metric cannot use :{}", name.substr(0, 60)),
             "nobody chooses anything there: it may use :now");
      } else if (name.empty()) {
        tell("a parameter has no name", "write :NAME, and NAME in 'variables'");
      } else if (is_variable && query.is_of_variable) {
        tell(fmt::format("the query of a variable cannot use another one, :{}", name),
             "it may use :now, and with 'time' :from and :to");
      } else if (std::ranges::count(known, std::string_view(name)) == 0) {
        tell(fmt::format("there is no variable '{}'", name.substr(0, 60)),
             did_you_mean(name, known));
      } else if (!has_time && (name == "from" || name == "to")) {
        tell(fmt::format(":{} needs a range of time, and this dashboard has none", name),
             "write 'time: { range: 1h }'");
      }
    }
  }
  for (const auto& [name, node] : variables_)
    report_.warning(*node, fmt::format("variable '{}' is in no query", name),
                    fmt::format("write :{} in one, or remove it", name));
}

void DashboardReader::read(const Node& root) {
  if (!check_name(report_, root, kDashboardName, dashboard_.name)) return;
  const Fields fields(report_, root, kDashboard);
  Place place{.name = "a dashboard", .query = {}};
  json::object read = read_fields(fields, {kDashboard.fields}, place);
  if (!fields.is_map()) return;
  check_parameters(root.find("time") != nullptr);
  if (const json::value* const title = read.if_contains("title"))
    dashboard_.title = title->as_string();
  if (const json::value* const address = read.if_contains("address"))
    dashboard_.address = address->as_string();
  dashboard_.json = {{"name", dashboard_.name}};
  dashboard_.json.insert(read.begin(), read.end());
}

}  // namespace

DashboardResult parse_dashboard(std::string_view source, std::string_view file_name) {
  DashboardResult result;
  Dashboard dashboard;
  const std::string_view file = file_name.substr(file_name.rfind('/') + 1);
  dashboard.name = file.substr(0, file.rfind('.'));
  Tree tree = read_yaml(source);
  Report report(std::move(tree.diagnostics));
  if (tree.root && tree.root->kind != NodeKind::kNull) {
    const std::string text = normalized(source);
    DashboardReader(report, text, dashboard).read(*tree.root);
  } else if (tree.root || report.is_empty()) {
    report.error(Position{}, "the file is empty", "a dashboard starts with 'title:' and 'rows:'");
  }
  result.diagnostics = report.take();
  if (!has_errors(result.diagnostics)) result.dashboard = std::move(dashboard);
  return result;
}

}  // namespace gameflow::spec
