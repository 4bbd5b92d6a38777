// Dashboards held against a dataflow, and as pages get them.
#include "api/dashboards.h"

#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "api/dashboard_check.h"
#include "plan/graph.h"
#include "spec/model.h"

namespace gameflow::api {
namespace {

namespace json = boost::json;

constexpr std::string_view kDataflow = R"(apiVersion: 0.6.0
meta: { name: test, version: 0.1.0 }
types:
  event: { type: object, properties: { user: { type: string }, points: { type: i64 }, scores: { type: list, items: { type: i64 }, optional: true }, by-name: { type: map, values: { type: i64 }, optional: true } } }
  user: { type: object, properties: { name: { type: string } } }
topics:
  game-events: { schema: { value: { type: event } } }
  points: { schema: { value: { type: event } } }
  raw: {}
tables:
  users: { file: users.csv, key: name, type: user }
services:
  one:
    sources: [{ type: topic, id: game-events }]
    states: &states
      points: { type: keyed-state, properties: { key: { type: string }, value: { type: u32 } } }
      best:
        type: keyed-state
        properties:
          key: { type: string }
          value: { type: arrow-row, properties: { score: { type: i64 } } }
    partition: &partition
      assign-key: { run: "Text user(const Event& event) { return event.user; }" }
      update-state: { run: "void count(const Event&) {}" }
  two:
    sources: [{ type: topic, id: game-events }]
    states:
      points: { type: keyed-state, properties: { key: { type: string }, value: { type: u32 } } }
    partition: *partition
)";

plan::Graph graph() {
  const spec::ParseResult result = spec::parse(kDataflow, "dataflow.yaml");
  EXPECT_TRUE(result.dataflow) << spec::render(result.diagnostics, "dataflow.yaml", kDataflow);
  return plan::lower(*result.dataflow);
}

std::string dashboard(const std::string& panel) {
  return "title: T\nrows:\n  - panels:\n      - " + panel + "\n";
}

std::string held(const std::string& panel) {
  const std::string text = dashboard(panel);
  const spec::DashboardResult result = spec::parse_dashboard(text, "t.yaml");
  EXPECT_EQ(spec::render(result.diagnostics, "t", text), "");
  if (!result.dashboard) return {};
  static const plan::Graph kGraph = graph();
  DashboardCheck check(kGraph);
  return spec::render(check.check(*result.dashboard), "t", text);
}

TEST(DashboardCheck, KnowsWhatSqlKnows) {
  for (const char* table :
       {"game_events", "\"game-events\"", "best", "one__points", "two__points", "users", "points"})
    EXPECT_EQ(held("{ type: figure, query: 'select count(*) as n from " + std::string(table) +
                   " where :now > 0' }"),
              "")
        << table;
}

struct Wrong {
  const char* panel;
  const char* told;
};

TEST(DashboardCheck, TellsMistakesWithTheirPlace) {
  const Wrong rows[] = {
      {"{ type: figure, query: select score from bets }",
       "t:4:50: error: no such table: bets; the tables are: best, one__points, two__points, users, "
       "_metrics, _progress, dead-letters, dead_letters, "
       "game-events, game_events, points\n"
       "    4 |       - { type: figure, query: select score from bets }\n"
       "      |                                                  ^~~~\n"},
      {"{ type: figure, query: select scor from best }",
       "t:4:39: error: no such column: scor; best has: _key, score, _updated_at\n"
       "    4 |       - { type: figure, query: select scor from best }\n"
       "      |                                       ^~~~\n"},
      {"{ type: figure, query: select score form best }",
       "t:4:50: error: near \"best\": syntax error\n"
       "    4 |       - { type: figure, query: select score form best }\n"
       "      |                                                  ^~~~\n"},
      {"{ type: figure, query: selec 1 }",
       "t:4:32: error: near \"selec\": syntax error\n"
       "    4 |       - { type: figure, query: selec 1 }\n"
       "      |                                ^~~~~\n"},
      {"{ type: figure, query: delete from best }",
       "t:4:32: error: only SELECT is allowed: live state is changed by events alone\n"
       "    4 |       - { type: figure, query: delete from best }\n"
       "      |                                ^~~~~~~~~~~~~~~~\n"},
      {"{ type: figure, query: select load_extension('x') as n }",
       "t:4:39: error: function load_extension is not allowed\n"
       "    4 |       - { type: figure, query: select load_extension('x') as n }\n"
       "      |                                       ^~~~~~~~~~~~~~\n"},
      {"{ type: figure, value: scoer, query: select score from best }",
       "t:4:32: error: the query has no column 'scoer'\n"
       "    4 |       - { type: figure, value: scoer, query: select score from best }\n"
       "      |                                ^~~~~\n"
       "      = did you mean 'score'?\n"},
      {"{ type: figure, before: yesterday, query: select score from best }",
       "t:4:33: error: the query has no column 'yesterday'\n"
       "    4 |       - { type: figure, before: yesterday, query: select score from best }\n"
       "      |                                 ^~~~~~~~~\n"
       "      = the columns are: score\n"},
      {"{ type: top-list, query: select score from best }",
       "t:4:34: error: a top-list needs a column for 'value', and the query has no more\n"
       "    4 |       - { type: top-list, query: select score from best }\n"
       "      |                                  ^~~~~~~~~~~~~~~~~~~~~~\n"
       "      = select one more, or write 'value: COLUMN'\n"},
      {"{ type: time-series, query: select 1 as at }",
       "t:4:37: error: a time-series needs a column for 'values', and the query has no more\n"
       "    4 |       - { type: time-series, query: select 1 as at }\n"
       "      |                                     ^~~~~~~~~~~~~~\n"
       "      = select one more, or write 'values: COLUMN'\n"},
      {"{ type: box-plot, query: 'select 1 as a, 2 as b, 3 as c' }",
       "t:4:34: error: a box-plot needs a column for 'median', and the query has no more\n"
       "    4 |       - { type: box-plot, query: 'select 1 as a, 2 as b, 3 as c' }\n"
       "      |                                  ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
       "      = select one more, or write 'median: COLUMN'\n"},
      {"{ type: table, columns: [{ column: key }], query: select _key from best }",
       "t:4:44: error: the query has no column 'key'\n"
       "    4 |       - { type: table, columns: [{ column: key }], query: select _key from best }\n"
       "      |                                            ^~~\n"
       "      = did you mean '_key'?\n"},
      {"{ type: table, sort: { column: score }, query: select _key from best }",
       "t:4:40: error: the query has no column 'score'\n"
       "    4 |       - { type: table, sort: { column: score }, query: select _key from best }\n"
       "      |                                        ^~~~~\n"
       "      = the columns are: _key\n"},
      {"{ type: figure, link: { dashboard: t, variables: { a: user } }, query: select score from "
       "best }",
       "t:4:63: error: the query has no column 'user'\n"
       "    4 |       - { type: figure, link: { dashboard: t, variables: { a: user } }, query: "
       "select score from best }\n"
       "      |                                                               ^~~~\n"
       "      = the columns are: score\n"},
  };
  for (const Wrong& row : rows) EXPECT_EQ(held(row.panel), row.told) << row.panel;
}

TEST(DashboardCheck, RecordsOfActionsFitTheirTopics) {
  const auto told = [](const std::string& topic, const std::string& record,
                       const std::string& more = "") {
    const std::string text = held(
        "{ type: table, query: 'select _key as user, score from best', "
        "actions: [{ label: A, topic: " +
        topic + ", record: " + record + more + " }] }");
    // Without where it stands: its line, a copy of that, and what is underlined.
    const std::size_t at = text.find(" error: "), end = text.find('\n', at);
    const std::size_t hint = text.find("      = ");
    return at == std::string::npos
               ? text
               : text.substr(at + 8, end - at - 8) +
                     (hint == std::string::npos ? "" : "\n" + text.substr(hint + 8));
  };
  EXPECT_EQ(told("points", "{ user: ':user', points: ':score' }"), "");
  EXPECT_EQ(told("points", "{ user: ':now', points: 7 }", ", key: user"), "");
  EXPECT_EQ(told("points", "{ user: ':answer', points: 7 }", ", question: 'Who?'"), "");
  EXPECT_EQ(told("raw", "{ anything: ':id' }"), "");
  EXPECT_EQ(told("point", "{ user: a, points: 7 }"),
            "there is no topic 'point' in the dataflow\ndid you mean 'points'?\n");
  EXPECT_EQ(told("points", "{ usr: ':user', points: 7 }"),
            "records of topic 'points' have no field 'usr'\ndid you mean 'user'?\n");
  EXPECT_EQ(told("points", "{ user: ':user' }"),
            "the record does not fit topic 'points': points: missing field");
  EXPECT_EQ(told("points", "{ user: 7, points: 7 }"),
            "the record does not fit topic 'points': user: expected string, found number 7");
  // What is no column is a text.
  EXPECT_EQ(told("points", "{ user: ':now', points: ':now' }"),
            "'points' is i64, which ':now' cannot be");
  EXPECT_EQ(told("points", "{ user: ':id', points: ':id' }"),
            "'points' is i64, which ':id' cannot be");
  EXPECT_EQ(told("points", "{ user: a, points: ':answer' }", ", question: 'How many?'"),
            "'points' is i64, which ':answer' cannot be");
  EXPECT_EQ(
      told("points", "{ user: a, points: 7, scores: [':score', 1], by-name: { a: ':score' } }"),
      "");
  EXPECT_EQ(told("points", "{ user: a, points: 7, scores: [1, ':id'] }"),
            "'scores[1]' is i64, which ':id' cannot be");
  EXPECT_EQ(told("points", "{ user: a, points: 7, by-name: { a: ':now' } }"),
            "'by-name.a' is i64, which ':now' cannot be");
  EXPECT_EQ(told("points", "{ user: ':users', points: 7 }"),
            "the query has no column 'users'\ndid you mean 'user'?\n");
  const std::string hidden = held(
      "{ type: table, query: 'select _key as id, score from best', "
      "actions: [{ label: A, topic: raw, record: { event: ':id' } }] }");
  EXPECT_NE(hidden.find("error: ':id' is not column 'id' of the query, which it hides\n"),
            std::string::npos)
      << hidden;
  const spec::DashboardResult asks_nothing = spec::parse_dashboard(
      dashboard("{ type: table, query: select 1 as a, actions: [{ label: A, topic: points, record: "
                "{ user: ':answer' } }] }"),
      "t.yaml");
  const spec::DashboardResult within = spec::parse_dashboard(
      dashboard(
          "{ type: table, query: select 1 as who, actions: [{ label: A, topic: points, record: "
          "{ user: 'player :who', points: 10 } }, { label: A, topic: points, record: { user: "
          "'at 10:30 :)', points: 1 } }] }"),
      "t.yaml");
  ASSERT_EQ(within.diagnostics.size(), 1U);
  EXPECT_EQ(within.diagnostics[0].message,
            "'player :who' would be sent as it is: ':NAME' counts alone");
  ASSERT_EQ(asks_nothing.diagnostics.size(), 1U);
  EXPECT_EQ(asks_nothing.diagnostics[0].message,
            "there is no question that ':answer' would be the answer to");
}

TEST(Dashboards, AreInTheOrderOfTheNavigationAndReplacedTogether) {
  const auto make = [](const std::string& name, const std::string& more) {
    const std::string text = more + "\nrows: [{ panels: [{ type: text, text: a }] }]\n";
    return *spec::parse_dashboard(text, name + ".yaml").dashboard;
  };
  Dashboards dashboards;
  EXPECT_TRUE(dashboards.list()->empty());
  dashboards.replace({make("c", "title: B"), make("b", "title: A"), make("a", "title: Z\norder: 2"),
                      make("d", "title: Y\norder: 1\ndescription: More.")});
  const auto entries = dashboards.list();
  std::string names;
  for (const auto& entry : *entries) names += entry.name;
  EXPECT_EQ(names, "dabc");
  EXPECT_EQ((*entries)[0].description, "More.");
  const auto version = [&] { return json::parse((*dashboards.list())[0].json).at("version"); };
  const json::value before = version();
  dashboards.replace({make("d", "title: Y\norder: 1\ndescription: More.")});
  EXPECT_EQ(version(), before);
  dashboards.replace({make("d", "title: Y\norder: 1\ndescription: Less.")});
  EXPECT_NE(version(), before);
  EXPECT_EQ(entries->size(), 4U);
}

}  // namespace
}  // namespace gameflow::api
