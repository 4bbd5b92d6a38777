// Text to tree: what is kept, what is refused, and that no bytes whatever do harm.
#include "spec/yaml_tree.h"

#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spec/model.h"

namespace gameflow::spec {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

std::string alias_bomb() {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c <= 'i'; ++c) {
    const std::string inner = fmt::format("*{},", static_cast<char>(c - 1));
    text += fmt::format("{0}: &{0} [{1}]\n", c, repeat(inner, 9));
  }
  return text;
}

std::string alias_chain() {
  std::string text = "k0: &k0 [x]\n";
  for (int i = 1; i < 100; ++i) text += fmt::format("k{0}: &k{0} [*k{1}]\n", i, i - 1);
  return text;
}

std::string flagship() {
  std::ifstream file(GAMEFLOW_SOURCE_FOLDER "/games/gaming-analytics/dataflow.yaml");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << "the flagship dataflow cannot be read";
  return text.str();
}

TEST(ReadYaml, KeepsTextsAndPlaces) {
  const Tree tree = read_yaml("a: no\nb:\n  - 0777\n  - 'x y'\n  - ~\nc: &c |\n  text\nd: *c\n");
  ASSERT_TRUE(tree.root);
  EXPECT_TRUE(tree.diagnostics.empty());
  EXPECT_EQ(tree.root->find("a")->text, "no");
  const Node& list = *tree.root->find("b");
  ASSERT_EQ(list.items.size(), 3U);
  EXPECT_EQ(list.items[0].text, "0777");
  EXPECT_EQ(list.items[0].position, (Position{3, 5}));
  EXPECT_EQ(list.items[0].length, 4U);
  EXPECT_EQ(list.items[1].style, ScalarStyle::kQuoted);
  EXPECT_EQ(list.items[1].length, 5U);
  EXPECT_EQ(list.items[2].kind, NodeKind::kNull);
  const Node& block = *tree.root->find("c");
  EXPECT_EQ(block.style, ScalarStyle::kLiteral);
  EXPECT_EQ(block.text, "text\n");
  EXPECT_EQ(block.position, (Position{6, 7}));
  EXPECT_EQ(tree.root->find("d")->position, block.position);
  EXPECT_EQ(tree.root->find("e"), nullptr);
}

struct Case {
  const char* name;
  std::string source;
  Position position;
  std::string message;
  std::string message_of_yaml_cpp_0_8 = {};  // where it says more
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, WithPlaceAndReason) {
  const Tree tree = read_yaml(GetParam().source);
  ASSERT_FALSE(tree.diagnostics.empty());
  const std::string& message = tree.diagnostics[0].message;
  if (message != GetParam().message_of_yaml_cpp_0_8) {
    EXPECT_EQ(message, GetParam().message);
  }
  EXPECT_EQ(tree.diagnostics[0].position, GetParam().position);
}

const std::string kDeep = "nested more than 64 levels deep";
const std::string kLarge =
    "the file holds more than 100000 values or 4 MiB of text, aliases counted";

const Case kRefused[] = {
    {"DuplicateKey", "a: 1\nb: 2\na: 3\n", {3, 1}, "duplicate key 'a', first at 1:1"},
    {"DuplicateInFlow", "x: {a: 1, 'a': 2}", {1, 11}, "duplicate key 'a', first at 1:5"},
    {"AliasBomb", alias_bomb(), {5, 4}, kLarge},
    {"AliasOfLongText",
     "a: &a " + repeat("y", 900'000) + repeat("\nb: *a", 1) + "\nc: *a\nd: *a\ne: *a\n",
     {4, 4},
     kLarge},
    {"AliasChain", alias_chain(), {63, 12}, kDeep},
    {"SelfReference", "a: &a [1, *a]", {1, 11}, "this alias refers to a value that contains it"},
    {"UnknownAlias",
     "a: *b",
     {1, 4},
     "this is not YAML: the referenced anchor is not defined",
     "this is not YAML: the referenced anchor is not defined: b"},
    {"DeepFlow", repeat("[", 10'000), {1, 33}, kDeep},
    {"DeepMaps", repeat("{a: ", 10'000), {1, 253}, kDeep},
    {"DeepLists", repeat("- ", 10'000), {1, 129}, kDeep},
    {"DeepKeys", repeat("? ", 10'000), {1, 129}, kDeep},
    {"TooManyValues", repeat("- x\n", 200'000), {100'000, 3}, kLarge},
    {"TooLong", repeat("#", 2'000'000), {0, 0}, "the file has 2000000 bytes, more than 1 MiB"},
    {"ListAsKey", "[a, b]: c", {1, 1}, "a key has to be a word"},
    {"MapAsKey", "? {a: b}\n: c", {1, 3}, "a key has to be a word"},
    {"NoKey", ": c", {1, 1}, "a key has to be a word"},
    {"Nul", std::string("a: b\0c", 6), {1, 5}, "control character 0x00"},
    {"Escape", "a: b\n\x1b[31m", {2, 1}, "control character 0x1b"},
    {"LoneCarriageReturn", "a: b\rc: d", {1, 5}, "control character 0x0d"},
    {"NotUtf8", "a: b\nc: \xff\xfe", {2, 4}, "byte 0xff is not UTF-8"},
    {"OverlongUtf8", "\xc0\x80", {1, 1}, "byte 0xc0 is not UTF-8"},
    {"SurrogateInUtf8", "x\xed\xa0\x80", {1, 2}, "byte 0xed is not UTF-8"},
    {"CutUtf8", "a: \xe2\x82", {1, 4}, "byte 0xe2 is not UTF-8"},
    {"Utf16",
     std::string("\xff\xfe"
                 "a\0:\0",
                 6),
     {1, 1},
     "byte 0xff is not UTF-8"},
};

INSTANTIATE_TEST_SUITE_P(Yaml, Refused, testing::ValuesIn(kRefused),
                         [](const auto& test) { return test.param.name; });

// Parses and renders; the answer does not matter, that there is one does.
void survive(const std::string& source) {
  const ParseResult result = parse(source, "f");
  ASSERT_NE(result.dataflow.has_value(), has_errors(result.diagnostics)) << source;
  for (const Diagnostic& diagnostic : result.diagnostics)
    ASSERT_EQ(diagnostic.message.find('\n'), std::string::npos) << diagnostic.message;
  render(result.diagnostics, "f", source);
}

TEST(Robustness, FlagshipIsCorrect) {
  const std::string source = flagship();
  const ParseResult result = parse(source, "dataflow.yaml");
  EXPECT_TRUE(result.dataflow);
  EXPECT_EQ(render(result.diagnostics, "dataflow.yaml", source), "");
}

// Of the flagship: what these tests take grows with the square of the size.
std::string beginning() {
  return flagship().substr(0, 9'000);
}

TEST(Robustness, CutAtEveryByte) {
  const std::string source = beginning();
  for (std::size_t size = 0; size < source.size(); ++size) survive(source.substr(0, size));
}

TEST(Robustness, EveryThirdByteChanged) {
  const std::string source = beginning();
  std::mt19937 random(1);
  constexpr std::string_view kBytes = "[]{}:-,#&*!|>'\"%@`?~\n\t \\<=a0\xff";
  for (std::size_t at = 0; at < source.size(); at += 3) {
    std::string changed = source;
    changed[at] = kBytes[random() % kBytes.size()];
    survive(changed);
  }
}

TEST(Robustness, PiecesInAnyOrder) {
  const std::string source = beginning();
  std::mt19937 random(2);
  for (int round = 0; round < 1'000; ++round) {
    std::string text;
    for (int piece = 0; piece < 4; ++piece)
      text += source.substr(random() % source.size(), random() % 150);
    survive(text);
  }
}

TEST(Robustness, Binary) {
  std::mt19937 random(3);
  for (int round = 0; round < 2'000; ++round) {
    std::string text;
    for (std::size_t size = random() % 200; size > 0; --size)
      text += static_cast<char>(random() % 256);
    survive(text);
  }
}

TEST(Robustness, Empty) {
  for (const char* source :
       {"", "\n\n", "# nothing\n", "\xEF\xBB\xBF", "---\n", "~", "--- ~\n..."}) {
    const ParseResult result = parse(source, "f");
    EXPECT_EQ(render(result.diagnostics, "f", source),
              "f: error: the file is empty\n"
              "      = a dataflow starts with 'apiVersion: 0.5.0' and 'meta:'\n");
  }
}

}  // namespace
}  // namespace gameflow::spec
