#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "opbuild/opbuild.h"
#include "opbuild/test_flow.h"

namespace gameflow::opbuild {
namespace {

// GAMEFLOW_UPDATE_GOLDEN=1 writes the files anew.
TEST(Source, IsAsTheGoldenFilesShow) {
  for (const std::string name : {"player_sessions", "transforms"}) {
    const std::string source = generate_source(graph_of(read_testdata(name + ".yaml")));
    const std::string golden = name + ".cc.golden";
    if (std::getenv("GAMEFLOW_UPDATE_GOLDEN") != nullptr)
      std::ofstream(std::string(GAMEFLOW_TESTDATA) + "/" + golden) << source;
    EXPECT_EQ(source, read_testdata(golden));
  }
}

TEST(Source, DoesNotDependOnWhereTheFileIs) {
  EXPECT_EQ(generate_source(graph_of(player_sessions(), "dataflow.yaml")),
            generate_source(graph_of(player_sessions(), "/some/where/else/dataflow.yaml")));
}

// Records that nobody reads once they are in their shards are not kept until then.
TEST(Source, SaysWhetherTheUpdateReadsTheRecord) {
  struct Row {
    std::string_view update;
    bool reads;
  };
  constexpr Row kRows[] = {
      {"void count(const PlayerEvent&) { events_per_user().count += 1; }", false},
      {"void count(const PlayerEvent& event) { events_per_user().count += 1; }", true},
      {"void count(const PlayerEvent /* e */ &) { events_per_user().count += 1; }", false},
      {"void count([[maybe_unused]] const PlayerEvent&) { events_per_user().count += 1; }", false},
      {"void count(PlayerEvent) { events_per_user().count += 1; }", true},  // might be a name
      {"[](const PlayerEvent&) { events_per_user().count += 1; }", false},
      {"[](const auto& event) { events_per_user().count += 1; }", true},
      {"[n = 1](const PlayerEvent&) { events_per_user().count += n; }", true},
      {"[f = [](const PlayerEvent&) { return 1; }](const PlayerEvent& e) { f(e); }", true},
      {"[]<class T>(const T&) { events_per_user().count += 1; }", true},
      {"void count(const PlayerEvent& e) {}\n            #if 0\n            void count(const "
       "PlayerEvent&) {}\n            #endif",
       true},
      {"void count(const PlayerEvent& e) {} void count(const Text&) {}", true},
      {"void count(const PlayerEvent& UNUSED(e)) {}", true},
      {"void count(const PlayerEvent& (e)) {}", true},
      {"void count(EVENT) {}", true},
      {"void (count)(const PlayerEvent& e) {} void count(const Text&) {}", true},
      {"void ((count))(const PlayerEvent& e) {} void count(const Text&) {}", true},
      {"void (count)(const PlayerEvent&) { events_per_user().count += 1; }", true},
      {"int one(const PlayerEvent&) { return 1; } void count(const PlayerEvent& e) { one(e); }",
       true},
      {"void count(const PlayerEvent&, Optional<Text> key) { events_per_user().count += 1; }",
       false},
      {"void count(const std::pair<int, PlayerEvent>& pair) {}", true},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.update);
    std::string yaml = player_sessions();
    const std::size_t start = yaml.find("i64 points(");
    yaml.replace(start, yaml.find("\n      flush:", start) - start, row.update);
    const std::string source = generate_source(graph_of(yaml));
    EXPECT_EQ(source.find("abi::kRecords") != std::string::npos, row.reads);
  }
}

struct SqlRow {
  std::string_view name, expression;
  std::string_view query;  // empty: not found
  bool has_item = true;
};

TEST(FindSql, FindsLiteralQueries) {
  constexpr SqlRow kRows[] = {
      {"alias", R"(sql<EventsCount>("select 1"))", "select 1"},
      {"list", R"(sql<List<PlayerEventCount>>("select 1"))", "select 1"},
      {"qualified", R"(gameflow::sql< ::dataflow::EventsCount >("select 1"))", "select 1"},
      {"adjacent literals", R"(sql<EventsCount>("select " /* one */ "1"))", "select 1"},
      {"raw", "sql<EventsCount>(R\"(select \"a\")\")", "select \"a\""},
      {"not a list of the dataflow", R"(sql<Text>("select 1"))", "select 1", false},
      {"computed", R"(sql<EventsCount>(text))", ""},
      {"partly computed", R"(sql<EventsCount>("select " + text))", ""},
      {"a comment", R"(EventsCount{} /* sql<EventsCount>("x") */)", ""},
      {"a member of something else", R"(other.sql<EventsCount>("x"))", ""},
  };
  for (const SqlRow& row : kRows) {
    SCOPED_TRACE(row.name);
    std::string yaml = player_sessions();
    const std::size_t start = yaml.find("[] {");
    yaml.replace(start, yaml.find("}\n", start) - start + 1,
                 "[] { return " + std::string(row.expression) + "; }");
    const plan::Graph graph = graph_of(yaml);
    const auto uses = find_sql(graph);
    if (row.query.empty()) {
      EXPECT_TRUE(uses.empty());
      continue;
    }
    ASSERT_EQ(uses.size(), 1u);
    EXPECT_EQ(uses[0].query, row.query);
    EXPECT_EQ(uses[0].service, 0u);
    EXPECT_EQ(uses[0].item != nullptr, row.has_item);
    if (row.has_item) {
      EXPECT_EQ(uses[0].item->name, "player-event-count");
    }
    const std::size_t quote = row.expression.find_first_of("\"R");
    EXPECT_EQ(uses[0].position.column, 11 + 12 + quote);
    EXPECT_EQ(uses[0].position_at(row.query.size()), uses[0].position);
    // Every letter of the query stands at its place.
    for (std::size_t i = 0; i < row.query.size(); ++i) {
      if (std::isalpha(static_cast<unsigned char>(row.query[i])) == 0) continue;
      const spec::Position at = uses[0].position_at(i);
      EXPECT_EQ(row.expression.at(at.column - 11 - 12), row.query[i]) << i;
    }
  }
}

}  // namespace
}  // namespace gameflow::opbuild
