// What the compiler says of a package's functions is placed in the package's files; what is wrong
// with their use, at the use.
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "opbuild/opbuild.h"
#include "opbuild/test_flow.h"

namespace gameflow::opbuild {
namespace {

constexpr std::string_view kFlow = R"(apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
imports:
  - pkg: tests/words@0.1.0
    path: words
    types: [{ name: word }]
    functions: [{ name: to-words }, { name: is-long }, { name: text-of }]
topics:
  lines: { schema: { value: { type: string } } }
  long-words: { schema: { value: { type: string } } }
services:
  split:
    sources: [{ type: topic, id: lines }]
    transforms:
      - { operator: flat-map, uses: to-words }
      - { operator: filter, uses: is-long }
      - { operator: map, uses: text-of }
    sinks: [{ type: topic, id: long-words }]
)";

constexpr std::string_view kPackage = R"(apiVersion: 0.6.0
meta: { namespace: tests, name: words, version: 0.1.0 }
types:
  word: { type: object, properties: { text: { type: string } } }
functions:
  to-words:
    operator: flat-map
    inputs: [{ name: line, type: string }]
    output: { type: word }
    source: to_words.h
  is-long:
    operator: filter
    inputs: [{ name: word, type: word }]
    run: |
      bool is_long(const Word& word) { return word.text.size() > 3; }
  text-of:
    operator: map
    inputs: [{ name: key, type: string, optional: true }, { name: word, type: word }]
    output: { type: string }
    run: "Text text_of(Optional<Text>, const Word& word) { return word.text; }"
)";

constexpr std::string_view kSource = R"(// Splits lines.
#include <string>
List<Word> to_words(const Text& line) {
  return {Word{line}};
}
)";

constexpr const char* kFlowName = "flows/demo.yaml";
constexpr const char* kPackageName = "flows/words/gameflow-package.yaml";
constexpr const char* kSourceName = "flows/words/to_words.h";

using Files = std::map<std::string, std::string, std::less<>>;

// What is wrong with the operators; empty: nothing.
std::string mistakes_of(const Files& files) {
  const spec::PackageSearch search{
      .folders = {}, .read = [&files](const std::string& name) -> std::optional<std::string> {
        const auto found = files.find(name);
        return found == files.end() ? std::nullopt : std::optional(found->second);
      }};
  const spec::ParseResult parsed = spec::parse(files.at(kFlowName), kFlowName, search);
  if (!parsed.dataflow) return spec::render(parsed.diagnostics, parsed.files);
  std::string folder = (std::filesystem::temp_directory_path() / "opbuild-XXXXXX").string();
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  std::vector<spec::Diagnostic> mistakes;
  const auto library = build(plan::lower(*parsed.dataflow),
                             {.cache_folder = folder + "/cache", .syntax_only = true}, mistakes);
  std::filesystem::remove_all(folder);
  if (library) return {};
  return mistakes.empty() ? library.error().message : spec::render(mistakes, parsed.files);
}

struct Row {
  const char* name;
  const char* file;
  const char* from;
  const char* to;
  const char* report;
};

TEST(Packages, MistakesOfTheirCodeAreToldInTheirFiles) {
  const Row rows[] = {
      {"fine", kSourceName, "Splits", "Cuts", ""},
      {"in a file", kSourceName, "  return", "  lien.size();\n  return",
       R"(flows/words/to_words.h:4:3: error: 'lien' was not declared in this scope; did you mean 'line'?
    4 |   lien.size();
      |   ^
)"},
      {"an include of a file", kSourceName, "<string>", "<strin>",
       R"(flows/words/to_words.h:2:10: error: strin: No such file or directory
    2 | #include <strin>
      |          ^
)"},
      {"in run", kPackageName, "word.text.size() > 3", "word.txet.size() > 3",
       R"(flows/words/gameflow-package.yaml:15:52: error: 'const struct Word' has no member named 'txet'; did you mean 'text'?
   15 |       bool is_long(const Word& word) { return word.txet.size() > 3; }
      |                                                    ^
)"},
      {"brackets", kPackageName, "{ return word.text.size() > 3; }",
       "{ return word.text.size() > 3; } }",
       R"(flows/words/gameflow-package.yaml:15:71: error: '}' closes nothing in this run: block
   15 |       bool is_long(const Word& word) { return word.text.size() > 3; } }
      |                                                                       ^
)"},
      {"not the output that it says", kPackageName, "output: { type: word }",
       "output: { type: string }",
       R"(flows/words/gameflow-package.yaml:6:3: error: the code of function 'to-words' is not List<Text>(const Text&), as its 'inputs' and 'output' say
    6 |   to-words:
      |   ^
)"},
      {"not the input that it says", kPackageName, "inputs: [{ name: word, type: word }]",
       "inputs: [{ name: word, type: u32 }]",
       R"(flows/words/gameflow-package.yaml:11:3: error: the code of function 'is-long' is not bool(const u32&), as its 'inputs' and 'output' say
   11 |   is-long:
      |   ^
)"},
      {"used for another type", kFlowName, "      - { operator: filter, uses: is-long }\n",
       "      - { operator: map, uses: text-of }\n      - { operator: filter, uses: is-long }\n",
       R"(flows/demo.yaml:17:35: error: this takes Word, but what comes is Text
   17 |       - { operator: filter, uses: is-long }
      |                                   ^
)"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Files files{{kFlowName, std::string(kFlow)},
                {kPackageName, std::string(kPackage)},
                {kSourceName, std::string(kSource)}};
    files.at(row.file) = with(files.at(row.file), row.from, row.to);
    EXPECT_EQ(mistakes_of(files), row.report);
  }
}

}  // namespace
}  // namespace gameflow::opbuild
