// Dashboards: what they become, and what is said of mistakes.
#include "spec/dashboard.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

namespace json = boost::json;

constexpr std::string_view kGood = R"(title: Players
description: Who plays now.
order: 1
time: { range: 1h, zone: UTC }
every: 5s
variables:
  platform:
    title: Platform
    query: select distinct platform from purchases order by 1
  level: { options: [level_01, level_02], default: level_01, required: true }
rows:
  - title: Right now
    height: 4
    panels:
      - title: Active players
        type: figure
        width: 3
        query: select count(*) as players from t where level = :level and platform = :platform
        unit: players
        thresholds: [{ from: -1.5, state: bad }, { from: 10, state: good }]
        sparkline: { query: "select at, n from t where at >= :from", value: n }
        link: { dashboard: player, variables: { player: players } }
      - type: time-series
        query: |
          select at, low, high, average
          from t where at >= :from -- not :this
          order by at
        values: [average]
        bands: [{ lower: low, upper: high, title: Usual }]
        echarts: { legend: { show: false } }
  - panels:
      - type: table
        query: select * from t where zone = :zone
        columns: [{ column: name, title: Name, link: { dashboard: player } }, { column: n, unit: ms }]
        sort: { column: n, order: descending }
      - { type: text, width: 4, text: "Words." }
)";

std::string told(std::string_view text) {
  const DashboardResult result = parse_dashboard(text, "dashboards/players.yaml");
  EXPECT_EQ(result.dashboard.has_value(), !has_errors(result.diagnostics));
  return render(result.diagnostics, "d", text);
}

// As a person reads it: a line for each value.
void list_values(const json::value& value, const std::string& path, std::string& out) {
  if (const json::object* const map = value.if_object(); map != nullptr && !map->empty()) {
    for (const auto& [key, inner] : *map)
      list_values(inner, path + (path.empty() ? "" : ".") + std::string(key), out);
  } else if (const json::array* const list = value.if_array(); list != nullptr && !list->empty()) {
    for (std::size_t i = 0; i < list->size(); ++i)
      list_values((*list)[i], path + "." + std::to_string(i), out);
  } else {
    out += path + ": " + json::serialize(value) + "\n";
  }
}

TEST(Dashboard, IsAsItIsWrittenWithDefaults) {
  ASSERT_EQ(told(kGood), "");
  std::string values;
  list_values(parse_dashboard(kGood, "dashboards/players.yaml").dashboard->json, "", values);
  EXPECT_EQ(values, R"(name: "players"
title: "Players"
description: "Who plays now."
order: 1
time.range: "1h"
time.zone: "UTC"
every: 5000
variables.0.name: "platform"
variables.0.query: "select distinct platform from purchases order by 1"
variables.0.parameters: []
variables.0.title: "Platform"
variables.0.required: false
variables.1.name: "level"
variables.1.options.0: "level_01"
variables.1.options.1: "level_02"
variables.1.default: "level_01"
variables.1.required: true
rows.0.title: "Right now"
rows.0.height: 4
rows.0.panels.0.query: "select count(*) as players from t where level = :level and platform = :platform"
rows.0.panels.0.parameters.0: "level"
rows.0.panels.0.parameters.1: "platform"
rows.0.panels.0.type: "figure"
rows.0.panels.0.title: "Active players"
rows.0.panels.0.width: 3
rows.0.panels.0.thresholds.0.from: -1.5E0
rows.0.panels.0.thresholds.0.state: "bad"
rows.0.panels.0.thresholds.1.from: 10
rows.0.panels.0.thresholds.1.state: "good"
rows.0.panels.0.sparkline.query: "select at, n from t where at >= :from"
rows.0.panels.0.sparkline.parameters.0: "from"
rows.0.panels.0.sparkline.value: "n"
rows.0.panels.0.unit: "players"
rows.0.panels.0.link.dashboard: "player"
rows.0.panels.0.link.variables.player: "players"
rows.0.panels.1.query: "select at, low, high, average\nfrom t where at >= :from -- not :this\norder by at\n"
rows.0.panels.1.parameters.0: "from"
rows.0.panels.1.type: "time-series"
rows.0.panels.1.values.0: "average"
rows.0.panels.1.style: "line"
rows.0.panels.1.bands.0.lower: "low"
rows.0.panels.1.bands.0.upper: "high"
rows.0.panels.1.bands.0.title: "Usual"
rows.0.panels.1.echarts.legend.show: false
rows.0.panels.1.width: 9
rows.1.panels.0.query: "select * from t where zone = :zone"
rows.1.panels.0.parameters.0: "zone"
rows.1.panels.0.type: "table"
rows.1.panels.0.columns.0.column: "name"
rows.1.panels.0.columns.0.title: "Name"
rows.1.panels.0.columns.0.link.dashboard: "player"
rows.1.panels.0.columns.1.column: "n"
rows.1.panels.0.columns.1.unit: "ms"
rows.1.panels.0.page_size: 20
rows.1.panels.0.sort.column: "n"
rows.1.panels.0.sort.order: "descending"
rows.1.panels.0.width: 8
rows.1.panels.1.type: "text"
rows.1.panels.1.width: 4
rows.1.panels.1.text: "Words."
rows.1.height: 9
)");
}

TEST(Dashboard, WidthsThatAreLeftAreShared) {
  const auto widths = [](const std::string& panels) {
    const std::string text = "title: T\nrows:\n  - panels:\n" + panels;
    std::string all;
    const DashboardResult result = parse_dashboard(text, "t.yaml");
    EXPECT_EQ(render(result.diagnostics, "t", text), "");
    if (!result.dashboard) return all;
    for (const json::value& panel : result.dashboard->json.at("rows").at(0).at("panels").as_array())
      all += json::serialize(panel.at("width")) + " ";
    return all;
  };
  const std::string free = "      - { type: text, text: a }\n";
  const std::string five = "      - { type: text, text: a, width: 5 }\n";
  EXPECT_EQ(widths(free), "12 ");
  EXPECT_EQ(widths(free + five + free), "3 5 4 ");
  EXPECT_EQ(widths(five + five), "5 5 ");
  EXPECT_EQ(widths(five + free), "5 7 ");
}

TEST(Dashboard, EveryKindHasItsQueryAndItsPlaces) {
  const DashboardResult result = parse_dashboard(kGood, "dashboards/players.yaml");
  ASSERT_TRUE(result.dashboard);
  std::string all;
  for (const DashboardQuery& query : result.dashboard->queries) {
    all += query.of + (query.is_of_variable ? " (variable):" : ":");
    for (const NameUse& column : query.columns)
      all += " " + column.name + "@" + std::to_string(column.position.line) + ":" +
             std::to_string(column.position.column);
    for (const std::string& open : query.open) all += " " + open + "?";
    all += "\n";
  }
  EXPECT_EQ(all, R"(variable 'platform' (variable):
a figure: players@22:57 value?
'sparkline': n@21:77
a time-series: average@28:18 low@29:26 high@29:38 time?
a table: name@34:29 n@34:89 n@35:25
)");
}

class WrongDashboards : public testing::TestWithParam<Edit> {};

TEST_P(WrongDashboards, AreToldWithPlaceAndHint) {
  EXPECT_EQ(told(edited(kGood, GetParam())), GetParam().expected);
}

const Edit kMistakes[] = {
    // cases begin
    Edit{"NoTitle", "title: Players\n", "",
         "d:1:1: error: a dashboard needs 'title'\n"
         "    1 | description: Who plays now.\n"
         "      | ^\n"
         "      = write 'title: Players'\n"},
    Edit{"NoRows", "rows:\n  - title: Right now\n    height: 4\n    panels:",
         "panels:\n  - title: Right now\n    height: 4\n    panels:",
         "d:11:1: error: panels stand in rows\n"
         "   11 | panels:\n"
         "      | ^~~~~~\n"
         "      = write 'rows: [{ panels: … }]'\n"},
    Edit{"UnknownKey", "description:", "descripton:",
         "d:2:1: error: unknown key 'descripton' in a dashboard\n"
         "    2 | descripton: Who plays now.\n"
         "      | ^~~~~~~~~~\n"
         "      = did you mean 'description'?\n"},
    Edit{"KeyOfOtherTools", "every: 5s", "refresh: 5s",
         "d:5:1: error: how often queries are asked is 'every' here\n"
         "    5 | refresh: 5s\n"
         "      | ^~~~~~~\n"
         "      = write 'every: 5s'\n"},
    Edit{"Named", "order: 1", "name: players",
         "d:3:1: error: a dashboard is called as its file is\n"
         "    3 | name: players\n"
         "      | ^~~~\n"
         "      = remove 'name', or rename the file\n"},
    Edit{"Address", "order: 1", "address: /players",
         "d:3:10: error: '/players' cannot be the name of a page that leads to a dashboard\n"
         "    3 | address: /players\n"
         "      |          ^~~~~~~~\n"
         "      = '/stat/NAME.html', of small letters, digits, '-', '_' and '.'; index, "
         "page-echarts "
         "and sign_in are pages of the program\n"},
    Edit{"OwnAddress", "order: 1", "address: /stat/page-echarts.html",
         "d:3:10: error: '/stat/page-echarts.html' cannot be the name of a page that leads to a "
         "dashboard\n"
         "    3 | address: /stat/page-echarts.html\n"
         "      |          ^~~~~~~~~~~~~~~~~~~~~~~\n"
         "      = '/stat/NAME.html', of small letters, digits, '-', '_' and '.'; index, "
         "page-echarts "
         "and sign_in are pages of the program\n"},
    Edit{"Order", "order: 1", "order: first",
         "d:3:8: error: 'order' has to be a whole number from 0 to 1000000\n"
         "    3 | order: first\n"
         "      |        ^~~~~\n"},
    Edit{"Every", "every: 5s", "every: 50ms",
         "d:5:8: error: 'every' has to be 100ms to 36500d\n"
         "    5 | every: 50ms\n"
         "      |        ^~~~\n"},
    Edit{"NoDuration", "every: 5s", "every: 5",
         "d:5:8: error: 'every' has to be a duration\n"
         "    5 | every: 5\n"
         "      |        ^\n"
         "      = a whole number and a unit: 250ms, 5s, 10m, 1h or 7d\n"},
    Edit{"Range", "range: 1h", "range: 1m",
         "d:4:16: error: 'range' has to be 5m to 90d, 'today' or 'yesterday'\n"
         "    4 | time: { range: 1m, zone: UTC }\n"
         "      |                ^~\n"
         "      = for example 'range: 1h'\n"},
    Edit{"RangeWord", "range: 1h", "range: tomorrow",
         "d:4:16: error: 'range' has to be 5m to 90d, 'today' or 'yesterday'\n"
         "    4 | time: { range: tomorrow, zone: UTC }\n"
         "      |                ^~~~~~~~\n"
         "      = for example 'range: 1h'\n"},
    Edit{"Zone", "zone: UTC", "zone: Europe/Berln",
         "d:4:26: error: there is no time zone 'Europe/Berln'\n"
         "    4 | time: { range: 1h, zone: Europe/Berln }\n"
         "      |                          ^~~~~~~~~~~~\n"
         "      = did you mean 'Europe/Berlin'?\n"},
    Edit{"VariableName", "  level: {", "  Level: {",
         "d:10:3: error: 'Level' cannot be the name of a variable\n"
         "   10 |   Level: { options: [level_01, level_02], default: level_01, required: true }\n"
         "      |   ^~~~~\n"
         "      = small letters, digits and '_', a letter first, at most 100; 'from', 'to', 'now' "
         "and 'zone' are always there, 'range' and 'wall' are the page's own\n"
         "d:18:64: error: there is no variable 'level'\n"
         "   18 |         query: select count(*) as players from t where level = :level and "
         "platform = :platform\n"
         "      |                                                                ^~~~~~\n"
         "      = known: platform, from, to, now, zone\n"},
    Edit{"AmbientName", "  level: {", "  from: {",
         "d:10:3: error: 'from' cannot be the name of a variable\n"
         "   10 |   from: { options: [level_01, level_02], default: level_01, required: true }\n"
         "      |   ^~~~\n"
         "      = small letters, digits and '_', a letter first, at most 100; 'from', 'to', 'now' "
         "and 'zone' are always there, 'range' and 'wall' are the page's own\n"
         "d:18:64: error: there is no variable 'level'\n"
         "   18 |         query: select count(*) as players from t where level = :level and "
         "platform = :platform\n"
         "      |                                                                ^~~~~~\n"
         "      = known: platform, from, to, now, zone\n"},
    Edit{"NameOfThePage", "  level: {", "  range: {",
         "d:10:3: error: 'range' cannot be the name of a variable\n"
         "   10 |   range: { options: [level_01, level_02], default: level_01, required: true }\n"
         "      |   ^~~~~\n"
         "      = small letters, digits and '_', a letter first, at most 100; 'from', 'to', 'now' "
         "and 'zone' are always there, 'range' and 'wall' are the page's own\n"
         "d:18:64: error: there is no variable 'level'\n"
         "   18 |         query: select count(*) as players from t where level = :level and "
         "platform = :platform\n"
         "      |                                                                ^~~~~~\n"
         "      = known: platform, from, to, now, zone\n"},
    Edit{"QueryAndOptions", "title: Platform", "options: [ios]",
         "d:8:14: error: there are 'query' and 'options'\n"
         "    8 |     options: [ios]\n"
         "      |              ^\n"
         "      = keep one of them\n"},
    Edit{"Options", "options: [level_01, level_02]", "options: level_01",
         "d:10:21: error: 'options' has to be a list of values\n"
         "   10 |   level: { options: level_01, default: level_01, required: true }\n"
         "      |                     ^~~~~~~~\n"
         "      = for example 'options: [ios, android]'\n"},
    Edit{"Default", "default: level_01", "default: level_1",
         "d:10:52: error: 'level_1' is not among the options\n"
         "   10 |   level: { options: [level_01, level_02], default: level_1, required: true }\n"
         "      |                                                    ^~~~~~~\n"
         "      = did you mean 'level_01'?\n"},
    Edit{"DefaultList", "default: level_01", "default: [level_01]",
         "d:10:52: error: 'default' has to be one value, this is a list\n"
         "   10 |   level: { options: [level_01, level_02], default: [level_01], required: true }\n"
         "      |                                                    ^\n"},
    Edit{"Required", "required: true", "required: yes",
         "d:10:72: error: 'required' has to be true or false\n"
         "   10 |   level: { options: [level_01, level_02], default: level_01, required: yes }\n"
         "      |                                                                        ^~~\n"},
    Edit{"VariableUsesVariable", "from purchases order",
         "from purchases where level = :level order",
         "d:9:66: error: the query of a variable cannot use another one, :level\n"
         "    9 |     query: select distinct platform from purchases where level = :level order by "
         "1\n"
         "      |                                                                  ^~~~~~\n"
         "      = it may use :now, and with 'time' :from and :to\n"},
    Edit{"VariableOfNoUse", "platform = :platform", "platform is not null",
         "d:7:3: warning: variable 'platform' is in no query\n"
         "    7 |   platform:\n"
         "      |   ^~~~~~~~\n"
         "      = write :platform in one, or remove it\n"},
    Edit{"RowKey", "    height: 4", "    heigth: 4",
         "d:13:5: error: unknown key 'heigth' in a row\n"
         "   13 |     heigth: 4\n"
         "      |     ^~~~~~\n"
         "      = did you mean 'height'?\n"},
    Edit{"Height", "height: 4", "height: 400",
         "d:13:13: error: 'height' has to be a whole number from 1 to 50\n"
         "   13 |     height: 400\n"
         "      |             ^~~\n"},
    Edit{"NoPanels", "  - panels:\n      - type: table",
         "  - panels: []\n  - panels:\n      - type: table",
         "d:31:13: error: 'panels' is empty\n"
         "   31 |   - panels: []\n"
         "      |             ^\n"
         "      = write 'panels: [{ type: figure, query: … }]'\n"},
    Edit{"PanelIsNoMap", "      - { type: text, width: 4, text: \"Words.\" }", "      - text",
         "d:36:9: error: an item of 'panels' has to be a map, this is a single value\n"
         "   36 |       - text\n"
         "      |         ^~~~\n"
         "      = write 'panels: [{ type: figure, query: … }]'\n"},
    Edit{"NoType", "        type: figure\n", "",
         "d:15:9: error: a panel needs 'type'\n"
         "   15 |       - title: Active players\n"
         "      |         ^\n"
         "      = write 'type: figure', 'time-series', 'table' …\n"},
    Edit{"Type", "type: figure", "type: figur",
         "d:16:15: error: unknown type of a panel 'figur'\n"
         "   16 |         type: figur\n"
         "      |               ^~~~~\n"
         "      = did you mean 'figure'?\n"},
    Edit{"TypeOfOtherTools", "type: figure", "type: gauge",
         "d:16:15: error: unknown type of a panel 'gauge'\n"
         "   16 |         type: gauge\n"
         "      |               ^~~~~\n"
         "      = known: figure, time-series, top-list, table, heatmap, funnel, retention, "
         "box-plot, status-grid, alert-list, timeline, text\n"},
    Edit{"KeyOfOtherType", "        width: 3", "        page_size: 3",
         "d:17:9: error: unknown key 'page_size' in a figure\n"
         "   17 |         page_size: 3\n"
         "      |         ^~~~~~~~~\n"
         "      = known: type, title, width, definition, query, value, before, better, thresholds, "
         "sparkline, unit, decimals, link\n"},
    Edit{"TypeInPlaceOfKey", "        unit: players", "        units: players",
         "d:19:9: error: unknown key 'units' in a figure\n"
         "   19 |         units: players\n"
         "      |         ^~~~~\n"
         "      = did you mean 'unit'?\n"},
    Edit{"Width", "width: 3", "width: 13",
         "d:17:16: error: 'width' has to be a whole number from 1 to 12\n"
         "   17 |         width: 13\n"
         "      |                ^~\n"},
    Edit{"WidthsOfRow", "width: 4, text", "width: 12, text",
         "d:36:30: error: the row is full: with this panel its width is 13, of 12\n"
         "   36 |       - { type: text, width: 12, text: \"Words.\" }\n"
         "      |                              ^~\n"
         "      = make panels narrower, or begin another row\n"},
    Edit{"WidthsOfThree", "width: 4, text: \"Words.\" }",
         "width: 8, text: a }\n      - { type: text, width: 7, text: b }",
         "d:37:30: error: the row is full: with this panel its width is 16, of 12\n"
         "   37 |       - { type: text, width: 7, text: b }\n"
         "      |                              ^\n"
         "      = make panels narrower, or begin another row\n"},
    Edit{"NoQuery",
         "        query: select count(*) as players from t where level = :level and platform = "
         ":platform\n",
         "",
         "d:15:9: error: a figure needs 'query'\n"
         "   15 |       - title: Active players\n"
         "      |         ^\n"
         "      = write 'query: select … from …'\n"},
    Edit{"QueryIsAMap", "query: select * from t where zone = :zone", "query: { sql: x }",
         "d:33:16: error: 'query' has to be a text, this is a map\n"
         "   33 |         query: { sql: x }\n"
         "      |                ^\n"},
    Edit{"UnknownVariable", "platform = :platform", "platform = :platfrom",
         "d:18:86: error: there is no variable 'platfrom'\n"
         "   18 |         query: select count(*) as players from t where level = :level and "
         "platform = :platfrom\n"
         "      |                                                                                  "
         "    ^~~~~~~~~\n"
         "      = did you mean 'platform'?\n"},
    Edit{"UnknownInBlock", "at >= :from -- not :this", "at >= :fron -- not :this",
         "d:26:30: error: there is no variable 'fron'\n"
         "   26 |           from t where at >= :fron -- not :this\n"
         "      |                              ^~~~~\n"
         "      = did you mean 'from'?\n"},
    Edit{"NoTime", "time: { range: 1h, zone: UTC }\n", "",
         "d:20:62: error: :from needs a range of time, and this dashboard has none\n"
         "   20 |         sparkline: { query: \"select at, n from t where at >= :from\", value: n "
         "}\n"
         "      |                                                              ^~~~~\n"
         "      = write 'time: { range: 1h }'\n"
         "d:25:30: error: :from needs a range of time, and this dashboard has none\n"
         "   25 |           from t where at >= :from -- not :this\n"
         "      |                              ^~~~~\n"
         "      = write 'time: { range: 1h }'\n"},
    Edit{"UnitNearlyKnown", "unit: ms", "unit: percnt",
         "d:34:98: warning: unit 'percnt' is shown as it is\n"
         "   34 |         columns: [{ column: name, title: Name, link: { dashboard: player } }, { "
         "column: n, unit: percnt }]\n"
         "      |                                                                                  "
         "                ^~~~~~\n"
         "      = did you mean 'percent'?\n"},
    Edit{"Threshold", "from: -1.5", "from: low",
         "d:20:30: error: 'from' has to be a number\n"
         "   20 |         thresholds: [{ from: low, state: bad }, { from: 10, state: good }]\n"
         "      |                              ^~~\n"},
    Edit{"ThresholdState", "state: good", "state: fine",
         "d:20:69: error: unknown 'state' 'fine'\n"
         "   20 |         thresholds: [{ from: -1.5, state: bad }, { from: 10, state: fine }]\n"
         "      |                                                                     ^~~~\n"
         "      = known: good, warning, bad\n"},
    Edit{"ThresholdsFall", "from: 10", "from: -10",
         "d:20:58: error: thresholds go from the lowest to the highest\n"
         "   20 |         thresholds: [{ from: -1.5, state: bad }, { from: -10, state: good }]\n"
         "      |                                                          ^~~\n"
         "      = put the lower one first\n"},
    Edit{"LinkName", "dashboard: player, variables", "dashboard: Player Page, variables",
         "d:22:28: error: 'Player Page' cannot be the name of a dashboard\n"
         "   22 |         link: { dashboard: Player Page, variables: { player: players } }\n"
         "      |                            ^~~~~~~~~~~\n"
         "      = small letters, digits and '-', a letter first, at most 100\n"},
    Edit{"LinkVariables", "variables: { player: players }", "variables: [player]",
         "d:22:47: error: 'variables' has to be a map from names to columns\n"
         "   22 |         link: { dashboard: player, variables: [player] }\n"
         "      |                                               ^\n"
         "      = for example 'variables: { player: player_id }'\n"},
    Edit{"Sparkline", ", value: n }", ", values: n }",
         "d:21:70: error: unknown key 'values' in 'sparkline'\n"
         "   21 |         sparkline: { query: \"select at, n from t where at >= :from\", values: n "
         "}\n"
         "      |                                                                      ^~~~~~\n"
         "      = did you mean 'value'?\n"},
    Edit{"Values", "values: [average]", "values: average",
         "d:28:17: error: 'values' has to be a list of columns\n"
         "   28 |         values: average\n"
         "      |                 ^~~~~~~\n"
         "      = for example 'values: [a, b]'\n"},
    Edit{"Band", "upper: high", "uper: high",
         "d:29:31: error: unknown key 'uper' in a band\n"
         "   29 |         bands: [{ lower: low, uper: high, title: Usual }]\n"
         "      |                               ^~~~\n"
         "      = did you mean 'upper'?\n"},
    Edit{"Echarts", "echarts: { legend: { show: false } }", "echarts: none",
         "d:30:18: error: 'echarts' has to be a map, this is a single value\n"
         "   30 |         echarts: none\n"
         "      |                  ^~~~\n"},
    Edit{
        "TableColumn", "{ column: n, unit: ms }", "n",
        "d:34:79: error: an item of 'columns' has to be a map, this is a single value\n"
        "   34 |         columns: [{ column: name, title: Name, link: { dashboard: player } }, n]\n"
        "      |                                                                               "
        "^\n"
        "      = for example '- column: player_id'\n"},
    Edit{"SortOrder", "order: descending", "order: down",
         "d:35:35: error: unknown 'order' 'down'\n"
         "   35 |         sort: { column: n, order: down }\n"
         "      |                                   ^~~~\n"
         "      = known: ascending, descending\n"},
    Edit{"Text", "text: \"Words.\" ", "",
         "d:36:9: error: a text needs 'text'\n"
         "   36 |       - { type: text, width: 4, }\n"
         "      |         ^\n"
         "      = write 'text: …'\n"},
    Edit{"NoNameOfAParameter", "zone = :zone", "zone = ?",
         "d:33:45: error: a parameter has no name\n"
         "   33 |         query: select * from t where zone = ?\n"
         "      |                                             ^\n"
         "      = write :NAME, and NAME in 'variables'\n"},
    // cases end
};
INSTANTIATE_TEST_SUITE_P(Mistakes, WrongDashboards, testing::ValuesIn(kMistakes), name_of);

TEST(Dashboard, TellsWhatIsNoDashboardAtAll) {
  EXPECT_EQ(told(""),
            "d: error: the file is empty\n"
            "      = a dashboard starts with 'title:' and 'rows:'\n");
  EXPECT_EQ(told("- a\n"),
            "d:1:1: error: a dashboard has to be a map, this is a list\n"
            "    1 | - a\n"
            "      | ^\n"
            "      = its keys are title, description, order, address, try, time, every, variables, "
            "metrics, "
            "rows\n");
  EXPECT_EQ(told("title: [\n"),
            "d:2:1: error: this is not YAML: end of sequence flow not found\n"
            "    2 | \n"
            "      | ^\n"
            "      = check the indentation, colons and quotes here and just above\n");
  const DashboardResult result = parse_dashboard("title: T\n", "dashboards/My Players.yaml");
  EXPECT_EQ(render(result.diagnostics, "d", "title: T\n"),
            "d:1:1: error: 'My Players' cannot be the name of a dashboard\n"
            "    1 | title: T\n"
            "      | ^\n"
            "      = small letters, digits and '-', a letter first, at most 100\n");
}

TEST(Dashboard, LinksAreToOthersAndTheirVariables) {
  const auto read = [](std::string_view text, std::string_view file) {
    return *parse_dashboard(text, file).dashboard;
  };
  const std::string to =
      "title: To\nvariables: { player: }\nrows: [{ panels: [{ type: figure, "
      "query: 'select 1 as n where :player is null' }] }]\n";
  const auto from = [&](const std::string& link) {
    const std::string text =
        "title: From\nrows:\n  - panels: [{ type: figure, query: select 1 as n, "
        "link: " +
        link + " }]\n";
    const std::vector<Dashboard> all = {read(text, "from.yaml"), read(to, "player.yaml")};
    return render(link_mistakes(all[0], all), "from", text);
  };
  EXPECT_EQ(from("{ dashboard: player, variables: { player: n } }"), "");
  EXPECT_EQ(
      from("{ dashboard: palyer }"),
      "from:3:71: error: there is no dashboard 'palyer'\n"
      "    3 |   - panels: [{ type: figure, query: select 1 as n, link: { dashboard: palyer } }]\n"
      "      |                                                                       ^~~~~~\n"
      "      = did you mean 'player'?\n");
  EXPECT_EQ(from("{ dashboard: player, variables: { palyer: n } }"),
            "from:3:92: error: dashboard 'player' has no variable 'palyer'\n"
            "    3 |   - panels: [{ type: figure, query: select 1 as n, link: { dashboard: player, "
            "variables: { palyer: n } } }]\n"
            "      |                                                                               "
            "             ^~~~~~\n"
            "      = did you mean 'player'?\n");
}

TEST(Dashboard, ParametersAreFoundOutsideOfStringsAndComments) {
  const auto names = [](std::string_view sql) {
    std::string all;
    for (const SqlParameter& parameter : sql_parameters(sql))
      all += parameter.name + "@" + std::to_string(parameter.offset) + " ";
    return all;
  };
  EXPECT_EQ(names("select :a, @b, $c"), "a@7 b@11 c@15 ");
  EXPECT_EQ(names("':a' \":b\" [:c] `:d` 'it''s :e' -- :f\n/* :g */ :h"), "h@46 ");
  EXPECT_EQ(names("a$b : c x:y ::z 'open :q"), "y@9 z@13 ");
  EXPECT_EQ(names("?, ?1"), "@0 @3 ");
  EXPECT_EQ(names("/* open :a"), "");
  EXPECT_EQ(names(""), "");
}

TEST(Dashboard, BytesOfSqlAreFoundInTheFile) {
  const auto places = [](const std::string& yaml) {
    const Tree tree = read_yaml(yaml);
    const SqlText sql = sql_text(*tree.root->find("q"), yaml);
    std::string all;
    for (const char c : {'a', 'b', 'c'}) {
      const Diagnostic at = sql.mistake(sql.text.find(c), 1, "");
      all += std::to_string(at.position.line) + ":" + std::to_string(at.position.column) + " ";
    }
    return all;
  };
  EXPECT_EQ(places("q: a b c\n"), "1:4 1:6 1:8 ");
  EXPECT_EQ(places("q: a\n  b\n\n  c\n"), "1:4 2:3 4:3 ");
  EXPECT_EQ(places("q: |-\n    a\n      b\n    c\n"), "2:5 3:7 4:5 ");
  EXPECT_EQ(places("q: >\n  a\n  b\n\n  c\n"), "2:3 3:3 5:3 ");
  EXPECT_EQ(places("q: 'a''b c'\n"), "1:5 1:8 1:10 ");
  EXPECT_EQ(places("q: \"a\\\"b \\\n  c\"\n"), "1:5 1:8 2:3 ");
}

TEST(Dashboard, HasMetrics) {
  const std::string text = R"(title: T
metrics:
  game_players:
    help: |
      Players
      at once.
    query: select platform, count(*) as value from t where at >= :now
  game_sales_total: { type: counter, help: Sales., query: select 1 as value, max_series: 5, every: 1m }
rows: [{ panels: [{ type: text, text: t }] }]
)";
  ASSERT_EQ(told(text), "");
  const Dashboard dashboard = *parse_dashboard(text, "d.yaml").dashboard;
  ASSERT_EQ(dashboard.metrics.size(), 2U);
  const DashboardMetric &players = dashboard.metrics[0], &sales = dashboard.metrics[1];
  EXPECT_EQ(players.name, "game_players");
  EXPECT_EQ(players.help, "Players at once. ");
  EXPECT_EQ(players.query, "select platform, count(*) as value from t where at >= :now");
  EXPECT_FALSE(players.is_counter);
  EXPECT_EQ(players.series_max, 100U);
  EXPECT_EQ(players.every_ms, 15'000);
  EXPECT_TRUE(sales.is_counter);
  EXPECT_EQ(sales.series_max, 5U);
  EXPECT_EQ(sales.every_ms, 60'000);
  for (const DashboardQuery& query : dashboard.queries) {
    EXPECT_TRUE(query.is_of_metric);
    ASSERT_EQ(query.columns.size(), 1U);
    EXPECT_EQ(query.columns[0].name, "value");
  }
}

TEST(Dashboard, SaysWhatIsWrongWithMetrics) {
  const std::string text = told(R"(title: T
time: { range: 1h }
variables: { level: { options: [a] } }
metrics:
  gameflow_up: { help: H., query: select 1 as value }
  sales: { type: counter, help: H., query: select 1 as value }
  rate_total: { help: H., query: select 1 as value }
  some: { query: "select :level as value where :from < 1", type: histogram, every: 10ms }
rows: [{ panels: [{ type: text, text: ":level" }] }]
)");
  for (const char* part :
       {"5:3: error: 'gameflow_up'", "6:3: error: counter 'sales' has to end in '_total'",
        "7:3: error: 'rate_total' ends in '_total' as a counter does, and is a gauge",
        "the query of a metric cannot use :level", "the query of a metric cannot use :from",
        "'histogram'", "'help'", "'every'"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace gameflow::spec
