// Chains, pipes, merge and split: what is read, and every mistake with what the user reads then.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.5.0
meta: { name: demo, version: 0.1.0 }
types:
  click: { type: object, properties: { user: { type: string }, x: { type: f64 } } }
  hit: { type: object, properties: { user: { type: string } } }
topics:
  clicks: { schema: { value: { type: click } } }
  more-clicks: { schema: { value: { type: click } } }
  hits: { schema: { value: { type: hit } } }
  old-hits: { schema: { value: { type: hit } } }
  anything: {}
services:
  pass-on:
    sources:
      - { type: topic, id: clicks }
    sinks:
      - { type: topic, id: anything }
  clean:
    sources:
      - { type: topic, id: clicks }
      - { type: topic, id: more-clicks }
      - type: topic
        id: old-hits
        transforms:
          - map: { run: "Click click_of(const Hit& hit) { return {hit.user, 0}; }" }
    transforms:
      - operator: filter
        run: |
          bool is_named(const Click& click) { return click.user != ""; }
      - operator: filter-map
        run: |
          Optional<Hit> hit_of(const Click& click) { return Hit{click.user}; }
    sinks:
      - { type: topic, id: hits }
      - type: topic
        id: anything
        transforms:
          - { operator: flat-map, run: "List<Hit> twice(const Hit& hit) { return {hit, hit}; }" }
)";

TEST(Transforms, AreReadInOrderAndPlace) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", kGood);
  EXPECT_EQ(render(result.diagnostics, "f", kGood), "");
  const Dataflow& flow = *result.dataflow;
  ASSERT_EQ(flow.services.size(), 2U);

  const Service& pipe = flow.services[0];
  EXPECT_FALSE(pipe.window);
  EXPECT_TRUE(pipe.states.empty());
  EXPECT_TRUE(pipe.transforms.empty());
  EXPECT_EQ(pipe.sources[0].type, flow.find_topic("clicks")->type);
  EXPECT_EQ(pipe.sinks[0].type, nullptr);
  EXPECT_EQ(pipe.output(), nullptr);

  const Service& service = flow.services[1];
  ASSERT_EQ(service.sources.size(), 3U);
  EXPECT_TRUE(service.sources[0].transforms.empty());
  EXPECT_EQ(service.sources[2].type, flow.find_topic("old-hits")->type);
  ASSERT_EQ(service.sources[2].transforms.size(), 1U);
  EXPECT_EQ(service.sources[2].transforms[0].kind, FunctionKind::kMap);
  EXPECT_EQ(service.sources[2].transforms[0].position, (Position{25, 13}));
  EXPECT_EQ(service.sources[2].transforms[0].code.text,
            "Click click_of(const Hit& hit) { return {hit.user, 0}; }");
  ASSERT_EQ(service.transforms.size(), 2U);
  EXPECT_EQ(service.transforms[0].kind, FunctionKind::kFilter);
  EXPECT_EQ(service.transforms[0].position, (Position{27, 19}));
  EXPECT_EQ(service.transforms[0].code.position, (Position{29, 1}));
  EXPECT_EQ(service.transforms[1].kind, FunctionKind::kFilterMap);
  ASSERT_EQ(service.sinks.size(), 2U);
  EXPECT_TRUE(service.sinks[0].transforms.empty());
  ASSERT_EQ(service.sinks[1].transforms.size(), 1U);
  EXPECT_EQ(service.sinks[1].transforms[0].kind, FunctionKind::kFlatMap);
  EXPECT_EQ(service.output(), flow.find_topic("hits")->type);
}

class Pipe : public testing::TestWithParam<Edit> {};

TEST_P(Pipe, IsReported) {
  expect_told(kGood, GetParam());
}

const Edit kTypes[] = {
    {"PipeToTheSameType", "id: anything }", "id: more-clicks }", ""},
    {"PipeToAnotherType", "id: anything }", "id: hits }",
     R"(f:17:28: error: topic 'hits' has type 'hit', but source 'clicks' has type 'click'
   17 |       - { type: topic, id: hits }
      |                            ^~~~
      = a 'map' in 'transforms' makes one of the other
)"},
    // A filter lets through what comes in.
    {"FilteredToAnotherType", "      - { type: topic, id: anything }\n",
     "      - { type: topic, id: hits }\n"
     "    transforms: [{ filter: { run: '[](const Click& c) { return c.x > 0; }' } }]\n",
     R"(f:17:28: error: topic 'hits' has type 'hit', but source 'clicks' has type 'click'
   17 |       - { type: topic, id: hits }
      |                            ^~~~
      = a 'map' in 'transforms' makes one of the other
)"},
    {"MappedToAnotherType", "      - { type: topic, id: anything }\n",
     "      - { type: topic, id: hits }\n"
     "    transforms: [{ map: { run: '[](const Click& c) { return Hit{c.user}; }' } }]\n",
     ""},
    {"MappedInTheSink", "      - { type: topic, id: anything }\n",
     "      - { type: topic, id: hits, transforms: [{ operator: map, "
     "run: '[](const Click& c) { return Hit{c.user}; }' }] }\n",
     ""},
    {"SourcesDiffer", "id: more-clicks }\n      - type", "id: hits }\n      - type",
     R"(f:21:28: error: topic 'hits' has type 'hit', but source 'clicks' has type 'click'
   21 |       - { type: topic, id: hits }
      |                            ^~~~
      = the sources of one service share a type: make two services
f:34:28: error: topic 'hits' is a source and a sink: the service would feed itself
   34 |       - { type: topic, id: hits }
      |                            ^~~~
      = write to another topic
)"},
    {"SinksDiffer", "      - type: topic\n        id: anything\n",
     "      - { type: topic, id: click-copy }\n      - type: topic\n        id: anything\n",
     R"(f:35:28: error: there is no topic 'click-copy'
   35 |       - { type: topic, id: click-copy }
      |                            ^~~~~~~~~~
      = known: clicks, more-clicks, hits, old-hits, anything
)"},
    {"SinksOfMadeTypesDiffer", "  anything: {}\nservices:\n",
     "  anything: {}\n  copies: { schema: { value: { type: click } } }\nservices:\n"
     "  both:\n"
     "    sources: [{ type: topic, id: clicks }]\n"
     "    transforms: [{ map: { run: '[](const Click& c) { return Hit{c.user}; }' } }]\n"
     "    sinks: [{ type: topic, id: hits }, { type: topic, id: copies }]\n",
     R"(f:17:59: error: topic 'copies' has type 'click', but sink 'hits' has type 'hit'
   17 |     sinks: [{ type: topic, id: hits }, { type: topic, id: copies }]
      |                                                           ^~~~~~
      = give one of them 'transforms' with a 'map'
)"},
};

const Edit kForms[] = {
    {"NoSinks", "    sinks:\n      - { type: topic, id: anything }\n", "",
     R"(f:13:3: error: service 'pass-on' has neither 'sinks' nor a 'partition' or 'window': it would do nothing
   13 |   pass-on:
      |   ^~~~~~~
      = for example 'sinks: [{ type: topic, id: summaries }]'
)"},
    {"OnErrorUnknown", "  pass-on:\n", "  pass-on:\n    on-error: skp\n",
     R"(f:14:15: error: unknown 'on-error' 'skp'
   14 |     on-error: skp
      |               ^~~
      = did you mean 'skip'?
)"},
    {"OnErrorIsAMap", "  pass-on:\n", "  pass-on:\n    on-error: { topic: broken }\n",
     R"(f:14:15: error: 'on-error' has to be a word, this is a map
   14 |     on-error: { topic: broken }
      |               ^
      = known: dead-letter, skip, fail
)"},
    {"NotAList",
     "          - map: { run: \"Click click_of(const Hit& hit) { return {hit.user, 0}; }\" }\n",
     "          map: { run: \"Click click_of(const Hit& hit) { return {hit.user, 0}; }\" }\n",
     R"(f:25:11: error: 'transforms' has to be a list, this is a map
   25 |           map: { run: "Click click_of(const Hit& hit) { return {hit.user, 0}; }" }
      |           ^
      = for example
        - operator: filter
          run: |
            bool keep(const Hit& event) { return event.user != ""; }
)"},
    {"NoOperator", "- operator: filter\n", "- name: filter\n",
     R"(f:27:9: error: a transform needs 'operator' and 'run'
   27 |       - name: filter
      |         ^
      = for example
        - operator: filter
          run: |
            bool keep(const Click& event) { return event.user != ""; }
)"},
    {"UnknownOperator", "operator: filter\n", "operator: filtr\n",
     R"(f:27:19: error: unknown operator 'filtr'
   27 |       - operator: filtr
      |                   ^~~~~
      = did you mean 'filter'?
)"},
    {"NotATransform", "operator: filter\n", "operator: assign-key\n",
     R"(f:27:19: error: unknown operator 'assign-key'
   27 |       - operator: assign-key
      |                   ^~~~~~~~~~
      = known: map, filter, filter-map, flat-map
)"},
    {"NoRun",
     "        run: |\n          bool is_named(const Click& click) { return click.user != \"\"; }\n",
     "",
     R"(f:27:9: error: 'filter' needs 'run'
   27 |       - operator: filter
      |         ^
      = for example
        run: |
          bool keep(const Click& event) { return event.user != ""; }
)"},
    {"Uses", "run: \"List<Hit> twice(const Hit& hit) { return {hit, hit}; }\"", "uses: twice",
     R"(f:38:41: error: no function 'twice' is imported
   38 |           - { operator: flat-map, uses: twice }
      |                                         ^~~~~
      = write 'imports: [{ pkg: NAMESPACE/NAME@VERSION, functions: [{ name: twice }] }]'
)"},
    {"Rust", "bool is_named(const Click& click) { return click.user != \"\"; }",
     "fn is_named(click: Click) -> Result<bool> { Ok(true) }",
     R"(f:29:11: error: this is Rust ('fn is_named'): operators are written in C++ here
   29 |           fn is_named(click: Click) -> Result<bool> { Ok(true) }
      |           ^~~~~~~~~~~
      = write for example
        bool is_named(const Click& event) { return event.user != ""; }
)"},
    // What an operator before made is known to the compiler alone.
    {"RustAfterAMap", "Optional<Hit> hit_of(const Click& click) { return Hit{click.user}; }\n",
     "Optional<Hit> hit_of(const Click& click) { return Hit{click.user}; }\n"
     "      - { operator: map, run: 'fn f(hit: Hit) -> Result<Hit> { Ok(hit) }' }\n",
     R"(f:33:32: error: this is Rust ('fn f'): operators are written in C++ here
   33 |       - { operator: map, run: 'fn f(hit: Hit) -> Result<Hit> { Ok(hit) }' }
      |                                ^~~~
      = write for example
        Event f(const Event& event) { Event changed = event; return changed; }
)"},
    {"StatesWithoutWindow", "    sinks:\n      - { type: topic, id: anything }\n",
     "    states:\n      n:\n        type: keyed-state\n        properties: { key: { type: string "
     "}, "
     "value: { type: arrow-row, properties: { n: { type: u8 } } } }\n"
     "    sinks:\n      - { type: topic, id: anything }\n",
     R"(f:16:5: error: service 'pass-on' has states, but neither 'partition' nor 'window'
   16 |     states:
      |     ^~~~~~
      = write 'partition:' with 'assign-key' and 'update-state' below it
)"},
    {"PartitionWithoutWindow", "    sinks:\n      - { type: topic, id: anything }\n",
     "    partition: {}\n    sinks:\n      - { type: topic, id: anything }\n",
     R"(f:14:5: error: a service needs 'states'
   14 |     sources:
      |     ^
      = what the service counts or sums for each key
f:16:16: error: 'partition' needs 'assign-key'
   16 |     partition: {}
      |                ^
      = the C++ that tells the key of an event
f:16:16: error: 'partition' needs 'update-state'
   16 |     partition: {}
      |                ^
      = the C++ that puts an event into the state
)"},
};

// The same around a window, whose flush makes the type of the sinks.
constexpr std::string_view kWindow = R"(
    states:
      n:
        type: keyed-state
        properties:
          key: { type: string }
          value: { type: arrow-row, properties: { n: { type: u8 } } }
    window:
      tumbling: { duration: 1m }
      watermark: { grace-period: 0s }
      assign-timestamp: { run: "[](const Click&, i64 time) { return time; }" }
      late: { topic: LATE }
      partition:
        assign-key: { run: "[](const Click& click) { return click.user; }" }
        update-state: { run: "[](const Click&) { n().n += 1; }" }
      flush: { run: "[] { return Hit{}; }" }
)";

// `pass-on` of kGood, with a window before `more`, and late events going to `late`.
std::string diagnose_windowed(std::string_view late, std::string_view more) {
  std::string source(kGood);
  std::string window(kWindow.substr(1));
  window.replace(window.find("LATE"), 4, late);
  const std::string sinks = "    sinks:\n      - { type: topic, id: anything }\n";
  source.replace(source.find(sinks), sinks.size(), window + std::string(more));
  return render(parse(source, "f").diagnostics, "f", source);
}

TEST(Transforms, StandBesideAWindow) {
  EXPECT_EQ(diagnose_windowed("anything", ""), "");  // its state answers SQL
  EXPECT_EQ(
      diagnose_windowed("more-clicks",
                        "    sinks: [{ type: topic, id: hits }, { type: topic, id: anything },"
                        " { type: topic, id: old-hits }]\n"),
      "");
  EXPECT_EQ(diagnose_windowed("anything",
                              "    sinks: [{ type: topic, id: hits }, { type: topic, id: "
                              "more-clicks }]\n"),
            R"(f:31:59: error: topic 'more-clicks' has type 'click', but sink 'hits' has type 'hit'
   31 |     sinks: [{ type: topic, id: hits }, { type: topic, id: more-clicks }]
      |                                                           ^~~~~~~~~~~
      = 'flush' returns one type: make two services
)");
}

TEST(Transforms, TakeATypeWhateverItsConverter) {
  const auto told = [](std::string_view late) {
    const std::string source = fmt::format(R"(apiVersion: 0.5.0
meta: {{ name: demo, version: 0.1.0 }}
topics:
  raw-numbers: {{ schema: {{ value: {{ type: i32, converter: raw }} }} }}
  late-numbers: {{ schema: {{ value: {{ type: i32, converter: raw }} }} }}
  numbers: {{ schema: {{ value: {{ type: i32 }} }} }}
services:
  convert:
    sources: [{{ type: topic, id: raw-numbers }}]
    sinks: [{{ type: topic, id: numbers }}]
  add:
    sources: [{{ type: topic, id: raw-numbers }}]
    states: {{ sum: {{ type: keyed-state, properties: {{ key: {{ type: i32 }}, value: {{ type: i64 }} }} }} }}
    window:
      tumbling: {{ duration: 1s }}
      watermark: {{ grace-period: 0s }}
      late: {{ topic: {} }}
      assign-timestamp: {{ run: "i64 at(const i32& n) {{ return n; }}" }}
      partition:
        assign-key: {{ run: "i32 key(const i32& n) {{ return n; }}" }}
        update-state: {{ run: "void add(const i32& n) {{ sum() += n; }}" }}
      flush: {{ run: "i32 none() {{ return 0; }}" }}
    sinks: [{{ type: topic, id: numbers }}]
)",
                                           late);
    return render(parse(source, "f").diagnostics, "f", source);
  };
  EXPECT_EQ(told("late-numbers"), "");
  // Late events go there as they came.
  EXPECT_EQ(told("numbers"),
            R"(f:17:22: error: late events keep their type, but topic 'numbers' has type 'i32'
   17 |       late: { topic: numbers }
      |                      ^~~~~~~
      = give the topic the type and converter of the sources, or no schema
)");
}

TEST(Transforms, LeaveTheTypeOfLateEvents) {
  const std::string filter =
      "    transforms: [{ filter: { run: '[](const Click&) { return true; }' } }]\n";
  EXPECT_EQ(diagnose_windowed("more-clicks", filter), "");
  const std::string map =
      "    transforms: [{ map: { run: '[](const Click& c) { return c; }' } }]\n";
  EXPECT_EQ(diagnose_windowed("anything", map), "");
  EXPECT_EQ(diagnose_windowed("more-clicks", map), "");
  EXPECT_EQ(diagnose_windowed("hits", map),
            R"(f:26:22: error: late events keep their type, but topic 'hits' has type 'hit'
   26 |       late: { topic: hits }
      |                      ^~~~
      = give the topic the type and converter of the sources, or no schema
)");
}

INSTANTIATE_TEST_SUITE_P(Types, Pipe, testing::ValuesIn(kTypes), name_of);
INSTANTIATE_TEST_SUITE_P(Forms, Pipe, testing::ValuesIn(kForms), name_of);

}  // namespace
}  // namespace gameflow::spec
