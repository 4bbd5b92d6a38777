// Packages: what is imported, and every mistake with what the user reads then.
#include "spec/packages.h"

#include <map>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "spec/model.h"

namespace gameflow::spec {
namespace {

using Files = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kFlow = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
imports:
  - pkg: tests/words@0.1.0
    path: packages/words
    types: [{ name: word }]
    functions: [{ name: to-words }, { name: count }]
    states: [{ name: counts }]
topics:
  lines: { schema: { value: { type: string } } }
  words: { schema: { value: { type: word } } }
services:
  split:
    sources: [{ type: topic, id: lines }]
    transforms:
      - { operator: flat-map, uses: to-words }
    sinks: [{ type: topic, id: words }]
  keep:
    sources: [{ type: topic, id: words }]
    states:
      counts:
      more: { uses: counts }
    partition:
      assign-key: { run: "Text key(const Word& word) { return word.text; }" }
      update-state: { uses: count }
dev:
  imports: [{ pkg: tests/letters@2.0.0, path: elsewhere }]
)";

constexpr std::string_view kWords = R"(apiVersion: 0.5.0
meta: { namespace: tests, name: words, version: 0.1.0 }
imports: [{ pkg: tests/letters@2.0.0, types: [{ name: letter }] }]
types:
  word: { type: object, properties: { text: { type: string }, first-letter: { type: letter } } }
states:
  counts:
    type: keyed-state
    properties: { key: { type: string }, value: { type: u32 } }
functions:
  to-words:
    operator: flat-map
    inputs: [{ name: line, type: string }]
    output: { type: word }
    source: src/to_words.h
  count:
    operator: update-state
    states: [{ name: counts }]
    inputs: [{ name: word, type: word }]
    run: "void count(const Word&) { counts() += 1; }"
)";

constexpr std::string_view kLetters = R"(apiVersion: 0.6.0
meta: { namespace: tests, name: letters, version: 2.0.0 }
types:
  letter: { type: string }
)";

Files good_files() {
  return {{"flows/demo.yaml", std::string(kFlow)},
          {"flows/packages/words/gameflow-package.yaml", std::string(kWords)},
          {"flows/packages/words/src/to_words.h",
           "List<Word> to_words(const Text& line) { return {}; }"},
          {"flows/elsewhere/gameflow-package.yaml", std::string(kLetters)}};
}

ParseResult parse_files(const Files& files, std::vector<std::string> folders = {}) {
  const PackageSearch search{
      .folders = std::move(folders),
      .read = [&files](const std::string& name) -> std::optional<std::string> {
        const auto found = files.find(name);
        return found == files.end() ? std::nullopt : std::optional(found->second);
      }};
  return parse(files.at("flows/demo.yaml"), "flows/demo.yaml", search);
}

TEST(Packages, AreReadWithWhatTheyImport) {
  const ParseResult result = parse_files(good_files());
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, result.files);
  EXPECT_EQ(render(result.diagnostics, result.files),
            R"(flows/demo.yaml:22:7: warning: state 'more' is never changed
   22 |       more: { uses: counts }
      |       ^~~~
      = use more() in 'update-state' or remove the state
)");
  ASSERT_EQ(result.files.size(), 4U);
  EXPECT_EQ(result.files[1].name, "flows/packages/words/gameflow-package.yaml");
  EXPECT_EQ(result.files[1].label, "tests/words@0.1.0/gameflow-package.yaml");
  EXPECT_EQ(result.files[2].name, "flows/elsewhere/gameflow-package.yaml");
  EXPECT_EQ(result.files[3].label, "tests/words@0.1.0/src/to_words.h");
  const Dataflow& flow = *result.dataflow;
  const record::Type& word = *flow.find_topic("words")->type;
  EXPECT_EQ(word.fields[1].write_name, "first_letter");  // by the package's apiVersion

  const Function& split = flow.services[0].transforms[0];
  EXPECT_EQ(split.position, (Position{16, 37, 0}));
  EXPECT_EQ(split.code.position, (Position{1, 1, 3}));
  EXPECT_EQ(split.signature->input->kind, record::Kind::kString);
  EXPECT_EQ(split.signature->output, &word);
  const Service& keep = flow.services[1];
  ASSERT_EQ(keep.states.size(), 2U);
  EXPECT_EQ(keep.states[0].name, "counts");
  EXPECT_EQ(keep.states[1].name, "more");
  EXPECT_EQ(keep.partition->update_state->code.position.file, 1U);
}

TEST(Packages, AStateComesWithTheFunctionThatWorksOnIt) {
  Files files = good_files();
  std::string& flow = files.at("flows/demo.yaml");
  const std::string states = "    states:\n      counts:\n      more: { uses: counts }\n";
  flow.erase(flow.find(states), states.size());
  const ParseResult result = parse_files(files);
  ASSERT_TRUE(result.dataflow) << render(result.diagnostics, result.files);
  ASSERT_EQ(result.dataflow->services[1].states.size(), 1U);
  EXPECT_EQ(result.dataflow->services[1].states[0].name, "counts");
}

TEST(Packages, AreFoundAlongThePath) {
  Files files = good_files();
  std::string& flow = files.at("flows/demo.yaml");
  flow.erase(flow.find("    path: packages/words\n"), 25);
  flow.erase(flow.find("dev:"));
  const auto move = [&files](const std::string& from, const std::string& to) {
    files[to] = files.at(from);
    files.erase(from);
  };
  move("flows/packages/words/gameflow-package.yaml", "/lib/tests/words/gameflow-package.yaml");
  move("flows/packages/words/src/to_words.h", "/lib/tests/words/src/to_words.h");
  move("flows/elsewhere/gameflow-package.yaml", "/more/letters/gameflow-package.yaml");
  const ParseResult result = parse_files(files, {"/lib", "/more"});
  EXPECT_TRUE(result.dataflow) << render(result.diagnostics, result.files);

  const ParseResult not_found = parse_files(files, {"/lib"});
  EXPECT_EQ(
      render(not_found.diagnostics, not_found.files),
      R"(/lib/tests/words/gameflow-package.yaml:3:18: error: package 'tests/letters@2.0.0' is not found
    3 | imports: [{ pkg: tests/letters@2.0.0, types: [{ name: letter }] }]
      |                  ^~~~~~~~~~~~~~~~~~~
      = looked for tests/letters and letters in /lib
)");
}

struct Case {
  const char* name;
  const char* file;
  const char* from;
  const char* to;
  const char* report;
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

constexpr const char* kInFlow = "flows/demo.yaml";
constexpr const char* kInWords = "flows/packages/words/gameflow-package.yaml";
constexpr const char* kInLetters = "flows/elsewhere/gameflow-package.yaml";

class WrongPackage : public testing::TestWithParam<Case> {};

TEST_P(WrongPackage, IsReported) {
  const Case& row = GetParam();
  Files files = good_files();
  std::string& text = files.at(row.file);
  const std::size_t at = text.find(row.from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string_view(row.from).size(), row.to);
  const ParseResult result = parse_files(files);
  EXPECT_EQ(render(result.diagnostics, result.files), row.report);
}

const Case kCases[] = {
    {"NotAPackageName", kInFlow, "pkg: tests/words@0.1.0", "pkg: tests/words",
     R"(flows/demo.yaml:4:10: error: a package is NAMESPACE/NAME@VERSION, not 'tests/words'
    4 |   - pkg: tests/words
      |          ^~~~~~~~~~~
      = for example 'pkg: examples/words@0.1.0'
)"},
    {"NoFile", kInFlow, "path: packages/words", "path: packages/wrods",
     R"(flows/demo.yaml:5:11: error: there is no package here: 'flows/packages/wrods/gameflow-package.yaml' cannot be read
    5 |     path: packages/wrods
      |           ^~~~~~~~~~~~~~
      = a package is a folder with gameflow-package.yaml
)"},
    {"NoPlace", kInFlow, "    path: packages/words\n", "",
     R"(flows/demo.yaml:4:10: error: package 'tests/words@0.1.0' is not found
    4 |   - pkg: tests/words@0.1.0
      |          ^~~~~~~~~~~~~~~~~
      = say where it is: 'path: ./packages/words' below it, or --package-path
)"},
    {"OtherVersion", kInFlow, "words@0.1.0", "words@0.2.0",
     R"(flows/demo.yaml:4:10: error: the package in flows/packages/words/gameflow-package.yaml has version '0.1.0', not '0.2.0'
    4 |   - pkg: tests/words@0.2.0
      |          ^~~~~~~~~~~~~~~~~
      = it says so in line 2, column 49: change one of them
)"},
    {"OtherName", kInWords, "name: words", "name: wrods",
     R"(flows/demo.yaml:4:10: error: the package in flows/packages/words/gameflow-package.yaml has name 'wrods', not 'words'
    4 |   - pkg: tests/words@0.1.0
      |          ^~~~~~~~~~~~~~~~~
      = it says so in line 2, column 33: change one of them
)"},
    {"NoSuchNames", kInFlow,
     "    functions: [{ name: to-words }, { name: count }]\n    states: [{ name: counts }]\n",
     "    functions: [{ name: to-words }, { name: count }, { name: to-word }]\n"
     "    states: [{ name: counts }, { name: count }]\n",
     R"(flows/demo.yaml:7:62: error: package 'tests/words@0.1.0' has no function 'to-word'
    7 |     functions: [{ name: to-words }, { name: count }, { name: to-word }]
      |                                                              ^~~~~~~
      = did you mean 'to-words'?
flows/demo.yaml:8:40: error: package 'tests/words@0.1.0' has no state 'count'
    8 |     states: [{ name: counts }, { name: count }]
      |                                        ^~~~~
      = did you mean 'counts'?
)"},
    {"NoSuchType", kInFlow, "types: [{ name: word }]",
     "types: [{ name: word }, { name: wrod }, { name: letter }]",
     R"(flows/demo.yaml:6:37: error: package 'tests/words@0.1.0' has no type 'wrod'
    6 |     types: [{ name: word }, { name: wrod }, { name: letter }]
      |                                     ^~~~
      = did you mean 'word'?
)"},
    {"TwiceTheSame", kInFlow, "{ name: count }]", "{ name: count }, { name: count }]",
     R"(flows/demo.yaml:7:62: error: function 'count' is imported already
    7 |     functions: [{ name: to-words }, { name: count }, { name: count }]
      |                                                              ^~~~~
      = remove one
)"},
    {"NotImported", kInFlow, "functions: [{ name: to-words }, { name: count }]",
     "functions: [{ name: count }]",
     R"(flows/demo.yaml:16:37: error: no function 'to-words' is imported
   16 |       - { operator: flat-map, uses: to-words }
      |                                     ^~~~~~~~
      = known: count
)"},
    {"OtherOperator", kInFlow, "operator: flat-map, uses", "operator: filter-map, uses",
     R"(flows/demo.yaml:16:39: error: function 'to-words' of package 'tests/words@0.1.0' is for 'flat-map', not for 'filter-map'
   16 |       - { operator: filter-map, uses: to-words }
      |                                       ^~~~~~~~
      = use it there
)"},
    {"RunAndUses", kInFlow, "uses: to-words", "uses: to-words, run: \"int a() {}\"",
     R"(flows/demo.yaml:16:31: error: 'flat-map' has 'run' already
   16 |       - { operator: flat-map, uses: to-words, run: "int a() {}" }
      |                               ^~~~
      = remove one of them
)"},
    {"NoSuchState", kInFlow, "more: { uses: counts }", "more: { uses: count }",
     R"(flows/demo.yaml:22:21: error: no state 'count' is imported
   22 |       more: { uses: count }
      |                     ^~~~~
      = did you mean 'counts'?
)"},
    {"AnotherState", kInFlow, "      counts:\n",
     "      counts: { type: keyed-state, properties: { key: { type: string }, value: { type: i32 } "
     "} }\n",
     R"(flows/demo.yaml:25:29: error: function 'count' of package 'tests/words@0.1.0' works on state 'counts', but that of the service is another
   25 |       update-state: { uses: count }
      |                             ^
      = rename the service's state
)"},
    {"TypeOfTheSameName", kInFlow, "topics:\n",
     "types:\n  word: { type: object, properties: { a: { type: u8 } } }\ntopics:\n",
     R"(flows/demo.yaml:10:3: error: type 'word' is imported already
   10 |   word: { type: object, properties: { a: { type: u8 } } }
      |   ^~~~
      = rename this one, or leave out the import
)"},
    {"TypeOfTheSameNameInCpp", kInFlow, "topics:\n",
     "types:\n  letter: { type: object, properties: { a: { type: u8 } } }\ntopics:\n",
     R"(flows/demo.yaml:10:3: error: types 'letter' and 'letter' are both called Letter in C++
   10 |   letter: { type: object, properties: { a: { type: u8 } } }
      |   ^~~~~~
      = rename one of them
)"},
    {"MistakesInThePackage", kInWords, "operator: flat-map", "operater: flat-map",
     R"(flows/packages/words/gameflow-package.yaml:12:5: error: unknown key 'operater' in function 'to-words'
   12 |     operater: flat-map
      |     ^~~~~~~~
      = did you mean 'operator'?
)"},
    {"NoInputs", kInWords,
     "    inputs: [{ name: line, type: string }]\n    output: { type: word }\n", "",
     R"(flows/packages/words/gameflow-package.yaml:12:5: error: function 'to-words' needs 'inputs'
   12 |     operator: flat-map
      |     ^
      = for example 'inputs: [{ name: event, type: string }]'
flows/packages/words/gameflow-package.yaml:12:5: error: function 'to-words' needs 'output'
   12 |     operator: flat-map
      |     ^
      = for example 'output: { type: string }'
)"},
    {"UnknownTypes", kInWords, "{ name: line, type: string }]\n    output: { type: word }",
     "{ name: line, type: strin }]\n    output: { type: wird }",
     R"(flows/packages/words/gameflow-package.yaml:13:34: error: unknown type 'strin'
   13 |     inputs: [{ name: line, type: strin }]
      |                                  ^~~~~
      = did you mean 'string'?
flows/packages/words/gameflow-package.yaml:14:21: error: unknown type 'wird'
   14 |     output: { type: wird }
      |                     ^~~~
      = did you mean 'word'?
)"},
    {"NoCode", kInWords, "    source: src/to_words.h\n", "",
     R"(flows/packages/words/gameflow-package.yaml:11:3: error: function 'to-words' needs 'run' or 'source'
   11 |   to-words:
      |   ^~~~~~~~
      = for example
        run: |
          List<Text> to_words(const Text& event) { return {event, event}; }
)"},
    {"NoSource", kInWords, "src/to_words.h", "to_words.h",
     R"(flows/packages/words/gameflow-package.yaml:15:13: error: 'flows/packages/words/to_words.h' cannot be read
   15 |     source: to_words.h
      |             ^~~~~~~~~~
      = 'source' is a file with C++, relative to the package
)"},
    {"AKeyThatIsNone", kInWords, "[{ name: line, type: string }]",
     "[{ name: key, type: u32 }, { name: line, type: string }]",
     R"(flows/packages/words/gameflow-package.yaml:13:14: error: the key of a record is a string
   13 |     inputs: [{ name: key, type: u32 }, { name: line, type: string }]
      |              ^
      = write 'type: string' and 'optional: true'
)"},
    {"NothingComesOut", kInWords, "inputs: [{ name: word, type: word }]\n",
     "inputs: [{ name: word, type: word }]\n    output: { type: u32 }\n",
     R"(flows/packages/words/gameflow-package.yaml:20:13: error: 'update-state' gives nothing
   20 |     output: { type: u32 }
      |             ^
      = remove 'output'
)"},
    {"NoStateOfAFunction", kInWords, "states: [{ name: counts }]", "states: [{ name: count }]",
     R"(flows/packages/words/gameflow-package.yaml:18:22: error: this package has no state 'count'
   18 |     states: [{ name: count }]
      |                      ^~~~~
      = did you mean 'counts'?
)"},
    {"PackagesOfPackages", kInLetters, "types:\n",
     "imports: [{ pkg: tests/words@0.1.0, path: ../packages/words }]\ntypes:\n",
     R"(flows/elsewhere/gameflow-package.yaml:3:18: error: packages import each other: tests/words@0.1.0 -> tests/letters@2.0.0 -> tests/words@0.1.0
    3 | imports: [{ pkg: tests/words@0.1.0, path: ../packages/words }]
      |                  ^~~~~~~~~~~~~~~~~
      = take what both need into a third one
)"},
    {"ItHasTopics", kInLetters, "types:\n", "topics: {}\ntypes:\n",
     R"(flows/elsewhere/gameflow-package.yaml:3:1: error: a package has no topics
    3 | topics: {}
      | ^~~~~~
      = they belong to a dataflow
)"},
    {"NotYaml", kInLetters, "types:\n", "types: {\n",
     R"(flows/elsewhere/gameflow-package.yaml:5:1: error: this is not YAML: end of map flow not found
    5 | 
      | ^
      = check the indentation, colons and quotes here and just above
)"},
    {"Rust", kInWords, "void count(const Word&) { counts() += 1; }",
     "fn count(word: Word) -> Result<()> { }",
     R"(flows/packages/words/gameflow-package.yaml:20:11: error: this is Rust ('fn count'): operators are written in C++ here
   20 |     run: "fn count(word: Word) -> Result<()> { }"
      |           ^~~~~~~~
      = write for example
        void count(const Word& event) { counts().value += 1; }
)"},
};

INSTANTIATE_TEST_SUITE_P(Packages, WrongPackage, testing::ValuesIn(kCases), name_of);

}  // namespace
}  // namespace gameflow::spec
