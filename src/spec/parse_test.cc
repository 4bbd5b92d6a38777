// Every mistake in a dataflow.yaml: an edit of a correct file, and what the user reads then.
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "spec/model.h"
#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: 0.5.0
meta:
  name: demo
  version: 0.1.0
types:
  click:
    type: object
    properties:
      user: { type: string }
      at: { type: string }
      button: { type: u8, optional: true }
      place:
        type: object
        properties:
          x: { type: f64 }
  totals:
    type: list
    items: { type: total }
  total:
    type: object
    properties:
      user: { type: string }
      clicks: { type: u64 }
topics:
  clicks:
    schema: { value: { type: click, converter: json } }
    partitions: 4
    retention: { age: 7d, bytes: 10GiB }
  more-clicks:
    schema: { key: { type: string }, value: { type: click } }
  late-clicks:
    name: clicks.late
  summaries:
    schema: { value: { type: totals } }
services:
  click-counts:
    sources:
      - { type: topic, id: clicks }
      - { type: topic, id: more-clicks, starting-offset: end }
    states:
      per-user:
        type: keyed-state
        properties:
          key: { type: string }
          value: { type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: bool } } }
    window:
      tumbling: { duration: 1m }
      assign-timestamp:
        run: i64 time_of(const Click& click, i64 record_time) { return record_time; }
      watermark: { grace-period: 2s, idleness: 10s }
      late: { topic: late-clicks }
      partition:
        assign-key:
          run: "Text key_of(const Click& click) { return click.user; }"
        update-state:
          run: |
            void count(const Click&) {
              per_user().clicks += 1;
            }
      flush:
        run: |
          Totals top() { return sql<Totals>("select _key as user, clicks from per_user"); }
    sinks:
      - { type: topic, id: summaries }
)";

std::string edited(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << "not in the file: " << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

class Mistake : public testing::TestWithParam<Edit> {};

TEST_P(Mistake, IsReported) {
  expect_told(kGood, GetParam());
}

const Edit kSections[] = {
    {"EmptyVersion", "apiVersion: 0.5.0", "apiVersion:",
     R"(f:1:1: error: 'apiVersion' has no value
    1 | apiVersion:
      | ^~~~~~~~~~
      = give it one or remove the line
)"},
    {"UnknownApiVersion", "apiVersion: 0.5.0", "apiVersion: 0.7.0",
     R"(f:1:13: error: unknown apiVersion '0.7.0'
    1 | apiVersion: 0.7.0
      |             ^~~~~
      = known are 0.4.0, 0.5.0 and 0.6.0
)"},
    {"NoMeta", R"(meta:
  name: demo
  version: 0.1.0
)",
     "",
     R"(f:1:1: error: a dataflow needs 'meta'
    1 | apiVersion: 0.5.0
      | ^
      = write 'meta: { name: …, version: 0.1.0 }'
)"},
    {"UnknownSection", "services:", "servcies:",
     R"(f:35:1: error: unknown key 'servcies' in a dataflow
   35 | servcies:
      | ^~~~~~~~
      = did you mean 'services'?
)"},
    {"Imports", "types:", R"(imports: tests/words@0.1.0
types:)",
     R"(f:5:10: error: 'imports' has to be a list, this is a single value
    5 | imports: tests/words@0.1.0
      |          ^~~~~~~~~~~~~~~~~
      = for example '- pkg: examples/words@0.1.0'
)"},
    {"BadName", "name: demo", "name: My Demo",
     R"(f:3:9: error: 'My Demo' cannot be the name of a dataflow
    3 |   name: My Demo
      |         ^~~~~~~
      = small letters and digits, a letter first, single '-' or '_' between, at most 100
)"},
    {"SectionIsAList", R"(  name: demo
  version: 0.1.0)",
     "  - demo",
     R"(f:3:3: error: 'meta' has to be a map, this is a list
    3 |   - demo
      |   ^
      = its keys are name, version, namespace
)"},
    {"DuplicateKey", "  version: 0.1.0", R"(  version: 0.1.0
  name: other)",
     R"(f:5:3: error: duplicate key 'name', first at 3:3
    5 |   name: other
      |   ^~~~
      = keep one of the two
)"},
    {"UnknownConverter", "types:", R"(config: { converter: yaml }
types:)",
     R"(f:5:22: error: unknown converter 'yaml'
    5 | config: { converter: yaml }
      |                      ^~~~
      = known: json, raw
)"},
    {"UnknownOffset",
     "types:", R"(config: { consumer: { default_starting_offset: { position: Beginnin } } }
types:)",
     R"(f:5:60: error: unknown starting offset 'Beginnin'
    5 | config: { consumer: { default_starting_offset: { position: Beginnin } } }
      |                                                            ^~~~~~~~
      = did you mean 'Beginning'?
)"},
    {"OffsetDistance",
     "types:", R"(config: { consumer: { default_starting_offset: { value: -5, position: End } } }
types:)",
     R"(f:5:57: error: 'value' has to be a whole number from 0 to 1000000000
    5 | config: { consumer: { default_starting_offset: { value: -5, position: End } } }
      |                                                         ^~
)"},
    {"GraceInConfig", "types:", R"(config: { watermark: { grace-period: 1s } }
types:)",
     R"(f:5:24: error: 'grace-period' is set per window
    5 | config: { watermark: { grace-period: 1s } }
      |                        ^~~~~~~~~~~~
      = move it to the 'window' of a service
)"},
    {"Tab", "  name: demo", "	name: demo",
     R"(f:3:6: error: this is not YAML: illegal map value
    3 | 	name: demo
      | 	    ^
      = indent with spaces, not tabs
)"},
    {"Quote", "name: demo", R"(name: "demo)",
     R"(f:54:17: error: this is not YAML: end of map not found
   54 |           run: "Text key_of(const Click& click) { return click.user; }"
      |                 ^
      = check the indentation, colons and quotes here and just above
)"},
    {"SecondDocument", "types:", R"(---
types:)",
     R"(f:5:1: error: a second document starts here
    5 | ---
      | ^
      = one file holds one dataflow: remove the '---'
)"},
    {"Tag", "name: demo", "name: !!str demo",
     R"(f:3:9: error: YAML tag 'tag:yaml.org,2002:str' has no meaning here
    3 |   name: !!str demo
      |         ^
      = remove it
)"},
    {"DeadLettersWithSchema", "types:", R"(config: { dead-letter-topic: summaries }
types:)",
     R"(f:34:3: error: topic 'summaries' gets the dead letters and cannot have a schema
   34 |   summaries:
      |   ^~~~~~~~~
      = remove the schema, or set 'dead-letter-topic' in 'config'
)"},
};

const Edit kTypes[] = {
    {"UnknownType", "at: { type: string }", "at: { type: strng }",
     R"(f:10:19: error: unknown type 'strng'
   10 |       at: { type: strng }
      |                   ^~~~~
      = did you mean 'string'?
)"},
    {"ForeignType", "at: { type: string }", "at: { type: s32 }",
     R"(f:10:19: error: unknown type 's32'
   10 |       at: { type: s32 }
      |                   ^~~
      = did you mean 'i32'?
)"},
    {"NotYetTypeWithWayOut", "at: { type: string }", "at: { type: option, value: { type: u8 } }",
     R"(f:10:19: error: there is no type 'option'
   10 |       at: { type: option, value: { type: u8 } }
      |                   ^~~~~~
      = write the type that it holds, and 'optional: true' beside it
)"},
    {"ShortForm", "at: { type: string }", "at: string",
     R"(f:10:11: error: field 'at' has to be a map
   10 |       at: string
      |           ^~~~~~
      = write { type: string }
)"},
    {"NoType", "at: { type: string }", "at: { optional: true }",
     R"(f:10:11: error: field 'at' needs 'type'
   10 |       at: { optional: true }
      |           ^
      = for example 'type: string'
)"},
    {"NoProperties", "at: { type: string }", "at: { type: object }",
     R"(f:10:11: error: field 'at' needs 'properties'
   10 |       at: { type: object }
      |           ^
      = for example 'properties: { name: { type: string } }'
)"},
    {"NoItems", "at: { type: string }", "at: { type: list }",
     R"(f:10:11: error: field 'at' needs 'items'
   10 |       at: { type: list }
      |           ^
      = for example 'items: { type: string }'
)"},
    {"OptionalIsNo", "optional: true", "optional: no",
     R"(f:11:37: error: 'optional' has to be true or false
   11 |       button: { type: u8, optional: no }
      |                                     ^~
)"},
    {"KeyOfOtherKind", "at: { type: string }", "at: { type: string, items: { type: u8 } }",
     R"(f:10:27: error: unknown key 'items' in field 'at'
   10 |       at: { type: string, items: { type: u8 } }
      |                           ^~~~~
      = known: type, optional, default, rename, deserialize, serialize
)"},
    {"RefersToItself", "at: { type: string }", "at: { type: click }",
     R"(f:10:19: error: type refers to itself: click -> click
   10 |       at: { type: click }
      |                   ^~~~~
      = a record has a fixed shape: take one of these fields out
)"},
    {"RefersInACircle", R"(clicks: { type: u64 }
)",
     R"(clicks: { type: totals }
)",
     R"(f:23:23: error: type refers to itself: totals -> total -> totals
   23 |       clicks: { type: totals }
      |                       ^~~~~~
      = a record has a fixed shape: take one of these fields out
)"},
    {"TypeIsSdkName", R"(  totals:
    type: list)",
     R"(  text: { type: list, items: { type: u8 } }
  totals:
    type: list)",
     R"(f:16:3: error: type 'text' is called Text in C++, which is a name of the SDK
   16 |   text: { type: list, items: { type: u8 } }
      |   ^~~~
      = choose another name
)"},
    {"TypesCollide", R"(  totals:
    type: list)",
     R"(  Click: { type: list, items: { type: u8 } }
  totals:
    type: list)",
     R"(f:16:3: error: types 'click' and 'Click' are both called Click in C++
   16 |   Click: { type: list, items: { type: u8 } }
      |   ^~~~~
      = rename one of them
)"},
    {"InlineCollides", R"(  totals:
    type: list)",
     R"(  click_place: { type: list, items: { type: u8 } }
  totals:
    type: list)",
     R"(f:12:7: error: types 'click_place' and 'click-place' are both called ClickPlace in C++
   12 |       place:
      |       ^~~~~
      = rename one of them
)"},
    {"TypeIsBuiltIn", R"(  totals:
    type: list)",
     R"(  string: { type: list, items: { type: u8 } }
  totals:
    type: list)",
     R"(f:16:3: error: 'string' is a built-in type
   16 |   string: { type: list, items: { type: u8 } }
      |   ^~~~~~
      = choose another name
)"},
    {"BadTypeName", R"(  totals:
    type: list)",
     R"(  2d: { type: list, items: { type: u8 } }
  totals:
    type: list)",
     R"(f:16:3: error: '2d' cannot be the name of a type
   16 |   2d: { type: list, items: { type: u8 } }
      |   ^~
      = letters, digits, '-' and '_', a letter first, at most 100
)"},
    {"Unused", R"(  totals:
    type: list)",
     R"(  unused: { type: list, items: { type: u8 } }
  totals:
    type: list)",
     R"(f:16:3: warning: type 'unused' is never used
   16 |   unused: { type: list, items: { type: u8 } }
      |   ^~~~~~
      = remove it
)"},
};

const Edit kTopics[] = {
    {"RawConverter", "converter: json } }\n    partitions",
     "converter: raw } }\n    consumer: { starting_offset: end }\n    partitions",
     R"(f:26:48: error: converter 'raw' takes strings, bytes, numbers and bools only
   26 |     schema: { value: { type: click, converter: raw } }
      |                                                ^~~
      = write 'converter: json'
f:27:17: error: unknown key 'starting_offset' in 'consumer'
   27 |     consumer: { starting_offset: end }
      |                 ^~~~~~~~~~~~~~~
      = known: default_starting_offset
)"},
    {"UnknownKey", "partitions: 4", "partition: 4",
     R"(f:27:5: error: unknown key 'partition' in a topic
   27 |     partition: 4
      |     ^~~~~~~~~
      = did you mean 'partitions'?
)"},
    {"NoPartitions", "partitions: 4", "partitions: 0",
     R"(f:27:17: error: 'partitions' has to be a whole number from 1 to 1024
   27 |     partitions: 0
      |                 ^
)"},
    {"OctalLooking", "partitions: 4", "partitions: 0777",
     R"(f:27:17: error: 'partitions' has to be a whole number from 1 to 1024
   27 |     partitions: 0777
      |                 ^~~~
)"},
    {"RetentionTime", "retention: { age: 7d, bytes: 10GiB }", "retention-time: 7d",
     R"(f:28:5: error: a topic has no 'retention-time'
   28 |     retention-time: 7d
      |     ^~~~~~~~~~~~~~
      = write 'retention: { age: 7d }'
)"},
    {"BadDuration", "age: 7d", "age: 1 week",
     R"(f:28:23: error: 'age' has to be a duration
   28 |     retention: { age: 1 week, bytes: 10GiB }
      |                       ^~~~~~
      = a whole number and a unit: 250ms, 5s, 10m, 1h or 7d
)"},
    {"BadSize", "bytes: 10GiB", "bytes: 10 gigs",
     R"(f:28:34: error: 'bytes' has to be a size
   28 |     retention: { age: 7d, bytes: 10 gigs }
      |                                  ^~~~~~~
      = a whole number and a unit: 512KiB, 100MiB or 10GiB
)"},
    {"UnknownTypeOfTopic", "type: click, converter: json", "type: clicks, converter: json",
     R"(f:26:30: error: unknown type 'clicks'
   26 |     schema: { value: { type: clicks, converter: json } }
      |                              ^~~~~~
      = did you mean 'click'?
)"},
    {"SchemaWithoutValue", "value: { type: click, converter: json }", "key: { type: string }",
     R"(f:26:13: error: a schema needs 'value'
   26 |     schema: { key: { type: string } }
      |             ^
      = for example 'value: { type: player-event }'
)"},
    {"InlineObject", "value: { type: click, converter: json }",
     "value: { type: object, properties: { a: { type: u8 } } }",
     R"(f:26:30: error: the value of a topic cannot be an object written in place
   26 |     schema: { value: { type: object, properties: { a: { type: u8 } } } }
      |                              ^~~~~~
      = give it a 'type-name', or a name in section 'types' and use that here
)"},
    {"BadTopicName", "name: clicks.late", "name: late clicks",
     R"(f:32:11: error: 'late clicks' cannot be the name of a topic
   32 |     name: late clicks
      |           ^~~~~~~~~~~
      = letters, digits, '.', '_' and '-', at most 200
)"},
    {"SameName", "name: clicks.late", "name: clicks",
     R"(f:31:3: error: topics 'clicks' and 'late-clicks' have the same name 'clicks'
   31 |   late-clicks:
      |   ^~~~~~~~~~~
      = change 'name' of one of them
f:51:22: error: topic 'late-clicks' is a source: late events would come back
   51 |       late: { topic: late-clicks }
      |                      ^~~~~~~~~~~
      = send them to another topic
)"},
};

const Edit kServices[] = {
    {"NoWindow", "window:", "windw:",
     R"(f:46:5: error: unknown key 'windw' in a service
   46 |     windw:
      |     ^~~~~
      = did you mean 'window'?
)"},
    {"ZeroDuration", "duration: 1m", "duration: 0s",
     R"(f:47:29: error: 'duration' has to be 1ms to 36500d
   47 |       tumbling: { duration: 0s }
      |                             ^~
)"},
    {"UnitlessDuration", "duration: 1m", "duration: 60",
     R"(f:47:29: error: 'duration' has to be a duration
   47 |       tumbling: { duration: 60 }
      |                             ^~
      = a whole number and a unit: 250ms, 5s, 10m, 1h or 7d
)"},
    {"UnknownTopic", "id: clicks }", "id: click }",
     R"(f:38:28: error: there is no topic 'click'
   38 |       - { type: topic, id: click }
      |                            ^~~~~
      = did you mean 'clicks'?
)"},
    {"RealNameOfTopic", "{ topic: late-clicks }", "{ topic: clicks.late }",
     R"(f:51:22: error: topic 'clicks.late' is called 'late-clicks' in this file
   51 |       late: { topic: clicks.late }
      |                      ^~~~~~~~~~~
      = write 'late-clicks'
)"},
    {"SourceWithoutSchema", "id: more-clicks", "id: late-clicks",
     R"(f:39:28: error: topic 'late-clicks' has no schema, so operators cannot read it
   39 |       - { type: topic, id: late-clicks, starting-offset: end }
      |                            ^~~~~~~~~~~
      = give the topic a 'schema: { value: { type: … } }'
f:51:22: error: topic 'late-clicks' is a source: late events would come back
   51 |       late: { topic: late-clicks }
      |                      ^~~~~~~~~~~
      = send them to another topic
)"},
    {"SourcesDiffer", "id: more-clicks", "id: summaries",
     R"(f:39:28: error: topic 'summaries' has type 'totals', but source 'clicks' has type 'click'
   39 |       - { type: topic, id: summaries, starting-offset: end }
      |                            ^~~~~~~~~
      = the sources of one service share a type: make two services
f:64:28: error: topic 'summaries' is a source and a sink: the service would feed itself
   64 |       - { type: topic, id: summaries }
      |                            ^~~~~~~~~
      = write to another topic
)"},
    {"SourceTwice", "id: more-clicks", "id: clicks",
     R"(f:39:28: error: topic 'clicks' is a source already
   39 |       - { type: topic, id: clicks, starting-offset: end }
      |                            ^~~~~~
      = remove one
)"},
    {"SourceIsNotATopic", "type: topic, id: clicks", "type: state, id: clicks",
     R"(f:38:17: error: a source of type 'state' is not supported yet
   38 |       - { type: state, id: clicks }
      |                 ^~~~~
      = write 'type: topic'
)"},
    {"SourceIsAWord", "- { type: topic, id: clicks }", "- clicks",
     R"(f:38:9: error: a source has to be a map
   38 |       - clicks
      |         ^~~~~~
      = write { type: topic, id: clicks }
)"},
    {"StatesOfOtherKinds", "    states:\n",
     "    states:\n      other: { from: x.y }\n      rules: { type: ref }\n",
     R"(f:41:22: error: there is no service 'x'
   41 |       other: { from: x.y }
      |                      ^
      = known: click-counts
f:42:22: error: a state of type 'ref' is not supported yet
   42 |       rules: { type: ref }
      |                      ^~~
      = write 'type: keyed-state'
)"},
    {"SinkIsSource", "      - { type: topic, id: summaries }",
     "      - { type: topic, id: clicks }",
     R"(f:64:28: error: topic 'clicks' is a source and a sink: the service would feed itself
   64 |       - { type: topic, id: clicks }
      |                            ^~~~~~
      = write to another topic
)"},
    {"SinksEmpty", R"(    sinks:
      - { type: topic, id: summaries }
)",
     R"(    sinks: []
)",
     R"(f:63:12: error: 'sinks' has to be a list with at least one topic
   63 |     sinks: []
      |            ^
      = for example '- { type: topic, id: summaries }'
)"},
    {"StateKey", R"(key: { type: string }
)",
     R"(key: { type: f64 }
)",
     R"(f:44:16: error: the key of a state has to be a string, an integer or a bool
   44 |           key: { type: f64 }
      |                ^
)"},
    {"StateValue", "type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: bool } }",
     "type: rows",
     R"(f:45:26: error: unknown 'type' 'rows'
   45 |           value: { type: rows }
      |                          ^~~~
      = known: arrow-row, primitive, string, bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, float32, float64, decimal, timestamp
)"},
    {"StateValueOfOthers",
     "type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: bool } }", "type: double",
     R"(f:45:26: error: unknown 'type' 'double'
   45 |           value: { type: double }
      |                          ^~~~~~
      = did you mean 'f64'?
)"},
    {"StateValueMisspelled",
     "type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: bool } }",
     "type: decimel, scale: 2",
     R"(f:45:26: error: unknown 'type' 'decimel'
   45 |           value: { type: decimel, scale: 2 }
      |                          ^~~~~~~
      = did you mean 'decimal'?
)"},
    {"StateValueWithoutScale",
     "type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: bool } }",
     "type: decimal",
     R"(f:45:26: error: column 'value' needs 'scale'
   45 |           value: { type: decimal }
      |                          ^~~~~~~
      = for example 'scale: 2'
)"},
    {"StateValueWithScaleOfOthers",
     "type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: bool } }",
     "type: i32, scale: 2",
     R"(f:45:31: error: unknown key 'scale' in the value of a state
   45 |           value: { type: i32, scale: 2 }
      |                               ^~~~~
      = known: type, properties, merge, ttl, on-expire
)"},
    {"StateColumn", "seen: { type: bool }", "seen: { type: click }",
     R"(f:45:88: error: column 'seen' cannot be of this type
   45 |           value: { type: arrow-row, properties: { clicks: { type: u64 }, seen: { type: click } } }
      |                                                                                        ^~~~~
      = a row holds numbers, bools, strings, timestamps, decimals, enums without values, lists of these, distinct and quantiles
)"},
    {"StateColumnReserved", "seen: { type: bool }", "_key: { type: bool }",
     R"(f:45:74: error: columns that start with '_' are gameflow's own
   45 |           value: { type: arrow-row, properties: { clicks: { type: u64 }, _key: { type: bool } } }
      |                                                                          ^~~~
      = rename the column
)"},
    {"StateColumnCase", "seen: { type: bool }", "Clicks: { type: bool }",
     R"(f:45:74: error: columns 'clicks' and 'Clicks' are both called clicks in C++
   45 |           value: { type: arrow-row, properties: { clicks: { type: u64 }, Clicks: { type: bool } } }
      |                                                                          ^~~~~~
      = rename one of them
)"},
    {"StateColumnCaseInSql", "seen: { type: bool }",
     "seenAt: { type: bool }, seenat: { type: bool }",
     R"(f:45:98: error: column 'seenat' differs from another only in case
   45 |           value: { type: arrow-row, properties: { clicks: { type: u64 }, seenAt: { type: bool }, seenat: { type: bool } } }
      |                                                                                                  ^~~~~~
)"},
    {"StateIsSdkName", "      per-user:", "      window:",
     R"(f:41:7: error: 'window' cannot be the name of a state: window is a name of the SDK
   41 |       window:
      |       ^~~~~~
      = choose another name
)"},
    {"StateIsNeverChanged", "        type: keyed-state", R"(        type: keyed-state
        properties: { key: { type: string }, value: { type: arrow-row, properties: { n: { type: u8 } } } }
      other:
        type: keyed-state)",
     R"(f:44:7: warning: state 'other' is never changed
   44 |       other:
      |       ^~~~~
      = use other() in 'update-state' or remove the state
)"},
    {"StateKeysDiffer", "      per-user:", R"(      other:
        type: keyed-state
        properties: { key: { type: u8 }, value: { type: arrow-row, properties: { n: { type: u8 } } } }
      per-user:)",
     R"(f:47:16: error: state 'per-user' has a key of type string, but state 'other' of type u8
   47 |           key: { type: string }
      |                ^
      = 'assign-key' makes one key, which all states of the service share
)"},
    {"LateIsUnknown", "late: { topic: late-clicks }", "late: keep",
     R"(f:51:13: error: 'late' has to be 'drop', or a map with 'topic' or 'reopen-for', not 'keep'
   51 |       late: keep
      |             ^~~~
      = write 'late: drop', 'late: { topic: late-events }' or 'late: { reopen-for: 1h }'
)"},
    {"LateTypeDiffers", "late: { topic: late-clicks }", "late: { topic: summaries }",
     R"(f:51:22: error: late events keep their type, but topic 'summaries' has type 'totals'
   51 |       late: { topic: summaries }
      |                      ^~~~~~~~~
      = give the topic the type and converter of the sources, or no schema
)"},
    {"LateIsSource", "late: { topic: late-clicks }", "late: { topic: clicks }",
     R"(f:51:22: error: topic 'clicks' is a source: late events would come back
   51 |       late: { topic: clicks }
      |                      ^~~~~~
      = send them to another topic
)"},
    {"NoGracePeriod", "watermark: { grace-period: 2s, idleness: 10s }",
     "watermark: { idleness: 10s }",
     R"(f:50:18: warning: service 'click-counts' has no 'grace-period': an event that arrives after a later one may be late
   50 |       watermark: { idleness: 10s }
      |                  ^
      = write 'watermark: { grace-period: 2s }', or 0s if events arrive in order
)"},
    {"NoWatermark", R"(      watermark: { grace-period: 2s, idleness: 10s }
)",
     "",
     R"(f:47:17: warning: service 'click-counts' has no 'grace-period': an event that arrives after a later one may be late
   47 |       tumbling: { duration: 1m }
      |                 ^
      = write 'watermark: { grace-period: 2s }', or 0s if events arrive in order
)"},
    {"ShortIdleness", "idleness: 10s", "idleness: 1s",
     R"(f:50:48: warning: 'idleness' (1s) is shorter than 'grace-period' (2s)
   50 |       watermark: { grace-period: 2s, idleness: 1s }
      |                                                ^~
      = a partition that pauses is left behind before its events are late
)"},
    {"GraceInWindow", "      watermark:", R"(      grace-period: 1s
      watermark:)",
     R"(f:50:7: error: 'grace-period' stands in 'watermark'
   50 |       grace-period: 1s
      |       ^~~~~~~~~~~~
      = write 'watermark: { grace-period: 2s }'
)"},
    {"ShortRetention", "age: 7d", "age: 30s",
     R"(f:47:29: warning: the window is longer than topic 'clicks' keeps its records (30s)
   47 |       tumbling: { duration: 1m }
      |                             ^~
      = after a stop, records may be gone before they were read
)"},
    {"BadServiceName", "  click-counts:", "  ClickCounts:",
     R"(f:36:3: error: 'ClickCounts' cannot be the name of a service
   36 |   ClickCounts:
      |   ^~~~~~~~~~~
      = small letters and digits, a letter first, single '-' or '_' between, at most 100
)"},
    {"ServiceIsSdkName", "  click-counts:", "  std:",
     R"(f:36:3: error: 'std' cannot be the name of a service: std is a name of the SDK
   36 |   std:
      |   ^~~
      = choose another name
)"},
};

const Edit kCode[] = {
    {"NoRun",
     "        run: i64 time_of(const Click& click, i64 record_time) { return record_time; }",
     "        code: x",
     R"(f:49:9: error: 'assign-timestamp' needs 'run'
   49 |         code: x
      |         ^
      = for example
        run: |
          i64 assign_timestamp(const Click& event, i64 record_time) { return record_time; }
f:49:9: error: unknown key 'code' in 'assign-timestamp'
   49 |         code: x
      |         ^~~~
      = known: run, uses, dependencies
)"},
    {"EmptyRun", R"("Text key_of(const Click& click) { return click.user; }")", R"("")",
     R"(f:54:16: error: 'run' has no code
   54 |           run: ""
      |                ^~
      = write 'run: |' and below it, indented, for example
        Text assign_key(const Click& event) { return event.user; }
)"},
    {"Folded", R"(          run: |
            void)",
     R"(          run: >
            void)",
     R"(f:56:16: error: written like this, YAML changes the code: it joins lines or reads escapes
   56 |           run: >
      |                ^
      = write 'run: |'
)"},
    {"Escapes", R"("Text key_of(const Click& click) { return click.user; }")",
     R"("Text key_of(const Click& click) { return \"a\"; }")",
     R"(f:54:16: error: written like this, YAML changes the code: it joins lines or reads escapes
   54 |           run: "Text key_of(const Click& click) { return \"a\"; }"
      |                ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
      = write 'run: |'
)"},
    {"RustTimestamp", "i64 time_of(const Click& click, i64 record_time) { return record_time; }",
     R"(|
          fn assign_event_timestamp(value: Click, event_time: i64) -> Result<i64> {
            Ok(event_time)
          })",
     R"(f:50:11: error: this is Rust ('fn assign_event_timestamp'): operators are written in C++ here
   50 |           fn assign_event_timestamp(value: Click, event_time: i64) -> Result<i64> {
      |           ^~~~~~~~~~~~~~~~~~~~~~~~~
      = write for example
        i64 assign_event_timestamp(const Click& event, i64 record_time) { return record_time; }
)"},
    {"RustKey", R"("Text key_of(const Click& click) { return click.user; }")", R"(|
            fn assign_event_key(event: Click) -> Result<String> {
              Ok(event.user)
            })",
     R"(f:55:13: error: this is Rust ('fn assign_event_key'): operators are written in C++ here
   55 |             fn assign_event_key(event: Click) -> Result<String> {
      |             ^~~~~~~~~~~~~~~~~~~
      = write for example
        Text assign_event_key(const Click& event) { return event.user; }
)"},
    {"RustUpdate", "            void count(const Click&) {",
     "            fn increment(_event: Click) -> Result<()> {",
     R"(f:57:13: error: this is Rust ('fn increment'): operators are written in C++ here
   57 |             fn increment(_event: Click) -> Result<()> {
      |             ^~~~~~~~~~~~
      = write for example
        void increment(const Click& event) { per_user().clicks += 1; }
)"},
    {"RustFlush",
     R"(Totals top() { return sql<Totals>("select _key as user, clicks from per_user"); })",
     R"(fn compute() -> Result<Totals> {
            let rows = sql("select * from per_user")?;)",
     R"(f:62:11: error: this is Rust ('fn compute'): operators are written in C++ here
   62 |           fn compute() -> Result<Totals> {
      |           ^~~~~~~~~~
      = write for example
        Totals compute() { return sql<Totals>("select … from per_user"); }
)"},
    {"RustInQuotes", R"("Text key_of(const Click& click) { return click.user; }")",
     "'fn key(c: Click) -> Result<String> { Ok(c.user) }'",
     R"(f:54:17: error: this is Rust ('fn key'): operators are written in C++ here
   54 |           run: 'fn key(c: Click) -> Result<String> { Ok(c.user) }'
      |                 ^~~~~~
      = write for example
        Text key(const Click& event) { return event.user; }
)"},
};

INSTANTIATE_TEST_SUITE_P(Sections, Mistake, testing::ValuesIn(kSections), name_of);
INSTANTIATE_TEST_SUITE_P(Types, Mistake, testing::ValuesIn(kTypes), name_of);
INSTANTIATE_TEST_SUITE_P(Topics, Mistake, testing::ValuesIn(kTopics), name_of);
INSTANTIATE_TEST_SUITE_P(Services, Mistake, testing::ValuesIn(kServices), name_of);
INSTANTIATE_TEST_SUITE_P(CodeBlocks, Mistake, testing::ValuesIn(kCode), name_of);

TEST(Parse, ReadsEveryKey) {
  const ParseResult result = parse(kGood, "demo.yaml");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "demo.yaml", kGood);
  EXPECT_EQ(render(result.diagnostics, "demo.yaml", kGood), "");
  const Dataflow& flow = *result.dataflow;
  EXPECT_EQ(flow.file_name, "demo.yaml");
  EXPECT_EQ(flow.name, "demo");
  EXPECT_EQ(flow.version, "0.1.0");
  EXPECT_EQ(flow.type_names, (std::vector<std::string>{"click", "totals", "total"}));
  ASSERT_EQ(flow.named_types.size(), 3U);
  EXPECT_EQ(record::shape_of(*flow.named_types[0]),
            "{user:string,at:string,button?:u8,place:{x:f64}}");
  EXPECT_EQ(flow.named_types[0]->find("place")->type->name, "click-place");

  ASSERT_EQ(flow.topics.size(), 4U);
  const Topic* const clicks = flow.find_topic("clicks");
  ASSERT_NE(clicks, nullptr);
  EXPECT_EQ(clicks->type, flow.named_types[0]);
  EXPECT_EQ(clicks->partitions, 4U);
  EXPECT_EQ(clicks->retention_age, Duration{7LL * 24 * 3'600'000});
  EXPECT_EQ(clicks->retention_bytes, 10ULL << 30);
  ASSERT_NE(flow.find_topic("clicks.late"), nullptr);
  EXPECT_EQ(flow.find_topic("clicks.late")->type, nullptr);

  ASSERT_EQ(flow.services.size(), 1U);
  const Service& service = flow.services[0];
  ASSERT_EQ(service.sources.size(), 2U);
  EXPECT_EQ(service.sources[0].start, StartOffset::kBeginning);
  EXPECT_EQ(service.sources[1].start, StartOffset::kEnd);
  EXPECT_EQ(service.sources[1].type, clicks->type);
  ASSERT_EQ(service.sinks.size(), 1U);
  EXPECT_EQ(service.sinks[0].topic, "summaries");
  EXPECT_EQ(service.sinks[0].type, flow.named_types[1]);
  EXPECT_EQ(service.output(), flow.named_types[1]);
  ASSERT_EQ(service.states.size(), 1U);
  EXPECT_EQ(service.states[0].key, record::Kind::kString);
  EXPECT_EQ(record::shape_of(*service.states[0].type), "{clicks:u64,seen:bool}");
  ASSERT_TRUE(service.window);
  EXPECT_EQ(length_of(service.window->shape), Duration{60'000});
  EXPECT_EQ(service.window->grace, Duration{2'000});
  EXPECT_EQ(service.window->idle_timeout, Duration{10'000});
  EXPECT_EQ(service.window->late, LatePolicy::kToTopic);
  EXPECT_EQ(service.window->late_topic, "clicks.late");
}

// A column of Code::text is a column of the file, so that #line places the compiler's messages.
TEST(Parse, CodeKnowsItsPlace) {
  const ParseResult result = parse(kGood, "f");
  ASSERT_TRUE(result.dataflow);
  const Service& service = result.dataflow->services[0];
  EXPECT_EQ(service.window->assign_timestamp.code.position, (Position{49, 14}));
  EXPECT_EQ(service.window->assign_timestamp.code.text,
            "i64 time_of(const Click& click, i64 record_time) { return record_time; }");
  EXPECT_EQ(service.partition->assign_key.code.position, (Position{54, 17}));
  EXPECT_EQ(service.partition->assign_key.code.text,
            "Text key_of(const Click& click) { return click.user; }");
  EXPECT_EQ(service.partition->update_state->code.position, (Position{57, 1}));
  EXPECT_EQ(service.partition->update_state->code.text,
            "            void count(const Click&) {\n"
            "              per_user().clicks += 1;\n"
            "            }\n");
  EXPECT_EQ(service.window->flush.code.position, (Position{62, 1}));
  EXPECT_EQ(service.window->flush.position, (Position{60, 7}));
}

TEST(Parse, LineEndingsAndByteOrderMarkDoNotMatter) {
  std::string source = "\xEF\xBB\xBF";
  for (const char c : kGood) source += c == '\n' ? "\r\n" : std::string(1, c);
  const ParseResult plain = parse(kGood, "f"), windows = parse(source, "f");
  ASSERT_TRUE(windows.dataflow) << render(windows.diagnostics, "f", source);
  EXPECT_EQ(windows.dataflow->services[0].partition->update_state->code.text,
            plain.dataflow->services[0].partition->update_state->code.text);
  EXPECT_EQ(windows.dataflow->services[0].partition->update_state->code.position,
            plain.dataflow->services[0].partition->update_state->code.position);
}

TEST(Parse, ConfigAppliesToAllSources) {
  const std::string source = edited("types:", R"(config:
  converter: json
  consumer: { default_starting_offset: { value: 0, position: End } }
  dead-letter-topic: graveyard
  watermark: { future-max: 1h }
types:)");
  const ParseResult result = parse(source, "f");
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, "f", source);
  EXPECT_EQ(result.dataflow->services[0].sources[0].start, StartOffset::kEnd);
  EXPECT_EQ(result.dataflow->dead_letter_topic, "graveyard");
  EXPECT_EQ(result.dataflow->future_max, Duration{3'600'000});
}

TEST(Parse, ATopicsOwnOffsetCountsBeforeConfigs) {
  const std::string source =
      edited("types:",
             "config: { consumer: { default_starting_offset: { value: 5, position: end } } }\n"
             "types:");
  const std::string with_topic =
      source.substr(0, source.find("    partitions: 4")) +
      "    consumer: { default_starting_offset: { value: 2, position: Beginning } }\n" +
      source.substr(source.find("    partitions: 4"));
  const ParseResult config = parse(source, "f"), topic = parse(with_topic, "f");
  ASSERT_TRUE(config.dataflow && topic.dataflow) << render(topic.diagnostics, "f", with_topic);
  EXPECT_EQ(config.dataflow->services[0].sources[0].start,
            (StartOffset{.is_from_end = true, .records = 5}));
  EXPECT_EQ(topic.dataflow->services[0].sources[0].start, StartOffset{.records = 2});
}

// One run finds them all.
TEST(Parse, ReportsAllMistakesAtOnce) {
  std::string source = edited("version: 0.1.0", "versoin: 0.1.0");
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"partitions: 4", "partitions: many"},
           {"type: u64 }, seen", "type: u65 }, seen"},
           {"id: summaries", "id: sumaries"},
           {"per_user().clicks += 1;", "let mut a = 1;"}})
    source.replace(source.find(from), from.size(), to);
  const ParseResult result = parse(source, "f");
  std::vector<std::string> messages;
  for (const Diagnostic& diagnostic : result.diagnostics) messages.push_back(diagnostic.message);
  EXPECT_EQ(messages, (std::vector<std::string>{
                          "unknown key 'versoin' in 'meta'",
                          "'partitions' has to be a whole number from 1 to 1024",
                          "unknown type 'u65'",
                          "this is Rust ('let mut'): operators are written in C++ here",
                          "there is no topic 'sumaries'",
                      }));
}

}  // namespace
}  // namespace gameflow::spec
