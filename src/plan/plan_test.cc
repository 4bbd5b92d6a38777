#include <gtest/gtest.h>

#include "plan/describe.h"
#include "plan/explain.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "plan/table.h"

namespace gameflow::plan {
namespace {

using spec::FunctionKind;

spec::Function function(FunctionKind kind, std::string code) {
  return {.kind = kind, .code = {std::move(code), {}}, .position = {}};
}

// Two topics of events, counted by player: with `transforms` in all places where they may stand.
spec::Dataflow example(bool transforms = false) {
  spec::Dataflow flow;
  flow.name = "gaming-analytics";
  flow.version = "0.1.0";
  flow.types = std::make_shared<record::TypeTable>();
  record::TypeTable& types = *flow.types;
  const record::Type* text = types.scalar(record::Kind::kString);
  const record::Type* u32 = types.scalar(record::Kind::kU32);
  const record::Type* event = types.object("player-event", {{.name = "user_id", .type = text}});
  const record::Type* count = types.object(
      "player-count", {{.name = "player", .type = text}, {.name = "count", .type = u32}});
  const record::Type* row = types.object("", {{.name = "count", .type = u32}});
  flow.named_types = {event, count, types.list_of(count)};
  flow.type_names = {"player-event", "player-count", "player-counts"};
  flow.topics.resize(4);
  flow.topics[0].name = "player-events";
  flow.topics[0].type = event;
  flow.topics[0].partitions = 4;
  flow.topics[1].name = "summaries";
  flow.topics[1].type = types.list_of(count);
  flow.topics[2].name = "more-events";
  flow.topics[2].type = event;
  flow.topics[3].name = "anything";
  spec::Service service;
  service.name = "player-session-analytics";
  service.sources = {{.topic = "player-events", .start = spec::StartOffset::kEnd, .type = event}};
  service.states = {{.name = "events-per-user", .position = {}, .type = row}};
  service.window.emplace();
  service.partition.emplace().update_state = function(FunctionKind::kUpdateState, "update");
  service.window->shape = spec::Tumbling{{5000}, {}};
  service.sinks = {{.topic = "summaries", .type = types.list_of(count)}};
  if (transforms) {
    service.sources[0].transforms = {function(FunctionKind::kMap, "map 0")};
    service.sources.push_back({.topic = "more-events", .type = event});
    service.transforms = {function(FunctionKind::kFilter, "filter 1")};
    service.sinks.push_back({.topic = "anything"});
    service.sinks.back().transforms = {function(FunctionKind::kFlatMap, "flat-map 2")};
    service.window->late = spec::LatePolicy::kToTopic;
    service.window->late_topic = "anything";
  }
  flow.services = {service};
  return flow;
}

template <class Kind>
const Kind& at(const Graph& graph, NodeId node) {
  return std::get<Kind>(graph.nodes.at(node).kind);
}

TEST(Lower, MakesAGraphOfAWindowedService) {
  const Graph graph = lower(example());
  ASSERT_EQ(graph.services.size(), 1u);
  EXPECT_EQ(graph.services[0].scope, "player_session_analytics");
  ASSERT_EQ(graph.services[0].nodes, (std::vector<NodeId>{0, 1, 2, 3, 4}));

  EXPECT_EQ(at<Read>(graph, 0).topic, 0u);
  EXPECT_EQ(at<Read>(graph, 0).start, StartOffset::kEnd);
  EXPECT_EQ(graph.topics[0].readers, std::vector<NodeId>{0});
  EXPECT_EQ(graph.find_topic("player-events"), &graph.topics[0]);
  EXPECT_EQ(graph.find_topic("player-event"), nullptr);

  const Chain& chain = at<Chain>(graph, 1);
  EXPECT_EQ(chain.function, "player-session-analytics/source/0");
  ASSERT_EQ(chain.steps.size(), 2u);
  EXPECT_EQ(chain.steps[0].name, "assign-timestamp");
  EXPECT_EQ(chain.steps[1].name, "assign-key");
  EXPECT_EQ(graph.nodes[1].output, graph.topics[0].type);  // nothing changes it

  EXPECT_EQ(at<Exchange>(graph, 2).key, record::Kind::kString);
  const Keyed& keyed = at<Keyed>(graph, 3);
  EXPECT_EQ(keyed.update_function, "player-session-analytics/update");
  EXPECT_EQ(keyed.flush_function, "player-session-analytics/flush");
  EXPECT_EQ(keyed.window->duration().ms, 5000);
  EXPECT_EQ(keyed.window->late_topic, std::nullopt);
  ASSERT_EQ(keyed.states.size(), 1u);
  EXPECT_EQ(keyed.states[0].table, "events_per_user");
  EXPECT_EQ(graph.nodes[3].output, graph.topics[1].type);
  EXPECT_EQ(at<Write>(graph, 4).topic, 1u);
  for (NodeId node = 1; node < 5; ++node) {
    EXPECT_EQ(graph.nodes[node].inputs, std::vector<NodeId>{node - 1});
    EXPECT_EQ(graph.nodes[node - 1].outputs, std::vector<NodeId>{node});
  }
}

TEST(Lower, MergesSourcesAndSplitsToSinks) {
  const Graph graph = lower(example(true));
  // Read, chain, read, chain, exchange, keyed, write, chain, write.
  ASSERT_EQ(graph.nodes.size(), 9u);
  const Chain& first = at<Chain>(graph, 1);
  ASSERT_EQ(first.steps.size(), 4u);
  EXPECT_EQ(first.own_steps, 1u);
  EXPECT_EQ(first.steps[0].code.text, "map 0");
  EXPECT_EQ(first.steps[1].code.text, "filter 1");
  EXPECT_EQ(graph.nodes[1].output, nullptr);  // a map says so
  const Chain& second = at<Chain>(graph, 3);
  EXPECT_EQ(second.own_steps, 0u);
  EXPECT_EQ(second.steps.size(), 3u);
  EXPECT_EQ(graph.nodes[4].inputs, (std::vector<NodeId>{1, 3}));
  EXPECT_EQ(graph.nodes[5].outputs, (std::vector<NodeId>{6, 7}));
  EXPECT_EQ(at<Keyed>(graph, 5).window->late_topic, 3u);
  const Chain& of_sink = at<Chain>(graph, 7);
  EXPECT_EQ(of_sink.function, "player-session-analytics/sink/1");
  EXPECT_EQ(of_sink.own_steps, 1u);
  EXPECT_EQ(graph.nodes[7].output, nullptr);
  EXPECT_EQ(graph.nodes[8].output, nullptr);  // what the chain gives
  EXPECT_EQ(graph.nodes[6].output, graph.topics[1].type);

  std::vector<std::string_view> names;
  for (const Step* step : steps_of(graph, graph.services[0])) names.push_back(step->name);
  EXPECT_EQ(names, (std::vector<std::string_view>{"map", "filter", "assign-timestamp", "assign-key",
                                                  "update-state", "flush", "flat-map"}));
}

TEST(Lower, LeavesOutChainsWithoutFunctions) {
  spec::Dataflow flow = example();
  flow.services[0].window.reset();
  flow.services[0].partition.reset();
  flow.services[0].states.clear();
  flow.services[0].sources.push_back({.topic = "more-events", .type = flow.topics[2].type});
  flow.services[0].sinks = {{.topic = "anything"}};
  const Graph graph = lower(flow);
  ASSERT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.nodes[2].inputs, (std::vector<NodeId>{0, 1}));
  EXPECT_EQ(graph.nodes[2].output, flow.topics[0].type);
  EXPECT_TRUE(functions_of(graph).empty());
}

TEST(Tables, HaveTheColumnsOfAState) {
  const Graph graph = lower(example());
  const Table table = table_of(at<Keyed>(graph, 3), at<Keyed>(graph, 3).states[0]);
  EXPECT_EQ(table.name, "events_per_user");
  EXPECT_EQ(table.key, record::Kind::kString);
  EXPECT_EQ(table.row->fields[0].name, "count");
  EXPECT_EQ(table.constant_names,
            (std::vector<std::string>{"_window_start", "_window_end", "_window_closed"}));
}

TEST(Tables, OfSessionsHaveBoundsForEachRow) {
  spec::Dataflow flow = example();
  flow.services[0].window->shape = spec::Session{{1'800'000}, Duration{43'200'000}};
  const Graph graph = lower(flow);
  const Keyed& keyed = at<Keyed>(graph, 3);
  const Table table = table_of(keyed, keyed.states[0]);
  EXPECT_EQ(table.session_gap, Duration{1'800'000});
  EXPECT_EQ(table.constant_names, (std::vector<std::string>{"_window_closed"}));
  EXPECT_EQ(keyed.windows(), "sessions with a gap of 30m, at most 12h");
}

TEST(Explain, TellsAWindowedService) {
  EXPECT_EQ(explain(describe(lower(example()))), R"(dataflow gaming-analytics 0.1.0

service player-session-analytics
  stage 1, by partition of its sources
    source  player-events: player-event, from the end, 4 partitions
    chain   assign-timestamp, assign-key, fused into one loop
  exchange by string
  stage 2, by shard of the key
    window  tumbling 5s, grace 0ms, a partition is idle after 5s, late records are dropped and counted
    state   events-per-user: {count: u32} by string, in SQL events_per_user
    by key  update-state
    flush   player-counts
    sink    summaries: player-counts, 1 partition

topic player-events: player-event, 4 partitions
topic summaries: player-counts, 1 partition
topic more-events: player-event, 1 partition
topic anything: any JSON, 1 partition
dead letters go to topic dead-letters
)");
}

TEST(Explain, TellsMergeSplitAndTransforms) {
  const std::string text = explain(describe(lower(example(true))));
  EXPECT_NE(text.find(R"(
    source  player-events: player-event, from the end, 4 partitions
    chain   map, filter, assign-timestamp, assign-key, fused into one loop
    source  more-events: player-event, from the beginning, 1 partition
    chain   filter, assign-timestamp, assign-key, fused into one loop
  exchange by string
  stage 2, by shard of the key
    window  tumbling 5s, grace 0ms, a partition is idle after 5s, late records go to topic anything
    state   events-per-user: {count: u32} by string, in SQL events_per_user
    by key  update-state
    flush   player-counts
    sink    summaries: player-counts, 1 partition
    chain   flat-map
    sink    anything: any JSON, 1 partition
)"),
            std::string::npos)
      << text;
}

TEST(Explain, DrawsPictures) {
  const Description description = describe(lower(example()));
  EXPECT_EQ(explain_dot(description), R"(digraph "gaming-analytics" {
  rankdir=LR;
  node [shape=box];
  t3 [shape=cylinder, label="anything\nany JSON, 1 partition"];
  t2 [shape=cylinder, label="more-events\nplayer-event, 1 partition"];
  t0 [shape=cylinder, label="player-events\nplayer-event, 4 partitions"];
  t1 [shape=cylinder, label="summaries\nplayer-counts, 1 partition"];
  subgraph cluster_0 {
    label="player-session-analytics";
    n0 [label="read"];
    n1 [label="chain\nassign-timestamp, assign-key"];
    n2 [label="exchange\nby string"];
    n3 [label="window\ntumbling 5s, grace 0ms, a partition is idle after 5s, late records are dropped and counted\nevents-per-user: {count: u32} by string, in SQL events_per_user\ngives player-counts"];
    n4 [label="write"];
  }
  t0 -> n0;
  n0 -> n1;
  n1 -> n2;
  n2 -> n3;
  n3 -> n4;
  n4 -> t1;
}
)");
  const std::string mermaid = explain_mermaid(description);
  EXPECT_TRUE(
      mermaid.starts_with("flowchart LR\n  t3[(\"anything<br/>any JSON, 1 partition\")]\n"));
  EXPECT_NE(mermaid.find("  subgraph s0[\"player-session-analytics\"]\n    n0[\"read\"]\n"),
            std::string::npos);
  EXPECT_TRUE(mermaid.ends_with("  n3 --> n4\n  n4 --> t1\n"));
}

TEST(Describe, GivesNodesStableNames) {
  const Description description = describe(lower(example(true)));
  std::vector<std::string> ids;
  for (const NodeDescription& node : description.services.at(0).nodes) {
    ASSERT_TRUE(node.id.starts_with("player-session-analytics/"));
    ids.push_back(node.id.substr(25));
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"read/player-events", "source/0", "read/more-events",
                                           "source/1", "exchange", "window", "write/summaries",
                                           "sink/1", "write/anything"}));
  const NodeDescription& chain = description.services[0].nodes[1];
  EXPECT_EQ(chain.kind, "chain");
  EXPECT_EQ(chain.label, "map, filter, assign-timestamp, assign-key");
  EXPECT_EQ(chain.functions.at(0).code, "map 0");
  EXPECT_EQ(chain.inputs, std::vector<std::string>{"player-session-analytics/read/player-events"});
  EXPECT_EQ(chain.type, "");
  EXPECT_EQ(description.services[0].nodes[5].type, "player-counts");
}

// A library with the functions of example(true).
struct FakeLibrary {
  abi::Function functions[5] = {
      {abi::FunctionKind::kChain, "player-session-analytics/source/0", nullptr, {65, 1}},
      {abi::FunctionKind::kChain, "player-session-analytics/source/1", nullptr, {64, 1}},
      {abi::FunctionKind::kUpdate, "player-session-analytics/update", nullptr, {64, 1}},
      {abi::FunctionKind::kFlush, "player-session-analytics/flush", nullptr, {65, 2}},
      {abi::FunctionKind::kChain, "player-session-analytics/sink/1", nullptr, {11, 4}},
  };
  abi::Library built{abi::kVersion, 5, functions};
};

TEST(Functions, AreFoundByName) {
  FakeLibrary fake;
  const auto noop = [](abi::Call*, const abi::Records*, List<abi::Emitted>*,
                       abi::RecordError*) -> u32 { return 7; };
  const abi::ChainFn chain = noop;
  fake.functions[4].pointer = reinterpret_cast<void (*)()>(chain);
  const Graph graph = lower(example(true));
  const auto functions = Functions::bind(fake.built, graph);
  ASSERT_TRUE(functions) << functions.error().message;
  EXPECT_EQ(functions->chain("player-session-analytics/sink/1").pointer, chain);
  EXPECT_EQ(functions->flush("player-session-analytics/flush").pointer, nullptr);
  EXPECT_EQ(functions->output_of(graph, 1)->name, "player-count");
  EXPECT_EQ(functions->output_of(graph, 5), graph.topics[1].type);
  // A sink that takes any type gets that of its chain.
  const record::Type* const lists = functions->output_of(graph, 8);
  EXPECT_EQ(lists,
            graph.types->list_of(graph.types->list_of(graph.types->scalar(record::Kind::kString))));
}

struct ForeignRow {
  std::string_view name;
  void (*change)(FakeLibrary&);
  std::string_view message;
};

TEST(Functions, OfAnotherLibraryAreRefused) {
  const ForeignRow kRows[] = {
      {"version", [](FakeLibrary& fake) { fake.built.abi_version = 2; }, "its ABI version is 2"},
      {"count", [](FakeLibrary& fake) { fake.built.function_count = 4; }, "other functions"},
      {"kind", [](FakeLibrary& fake) { fake.functions[2].kind = abi::FunctionKind::kFlush; },
       "'player-session-analytics/update'"},
      {"name", [](FakeLibrary& fake) { fake.functions[0].name = "x"; },
       "its function 'x' should be 'player-session-analytics/source/0'"},
      {"object", [](FakeLibrary& fake) { fake.functions[0].output.base = 70; }, "unknown type"},
      {"scalar", [](FakeLibrary& fake) { fake.functions[0].output.base = 15; }, "unknown type"},
      {"decimal", [](FakeLibrary& fake) { fake.functions[0].output.base = 51; }, "unknown type"},
      {"wraps", [](FakeLibrary& fake) { fake.functions[0].output.wraps = 0; }, "unknown type"},
  };
  for (const ForeignRow& row : kRows) {
    SCOPED_TRACE(row.name);
    FakeLibrary fake;
    row.change(fake);
    const auto functions = Functions::bind(fake.built, lower(example(true)));
    ASSERT_FALSE(functions);
    EXPECT_EQ(functions.error().code, ErrorCode::kLibraryInvalid);
    EXPECT_NE(functions.error().message.find(row.message), std::string::npos)
        << functions.error().message;
  }
}

}  // namespace
}  // namespace gameflow::plan
