// The examples in docs/reference/dataflow-yaml.md are correct, and its tables are those of the
// code.
#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spec/dashboard_sections.h"
#include "spec/game.h"
#include "spec/model.h"
#include "spec/reader.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

std::string read_reference(const std::string& page = "dataflow-yaml.md") {
  std::ifstream file(GAMEFLOW_SOURCE_FOLDER "/docs/reference/" + page);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << "the reference cannot be read";
  return text.str();
}

// Blocks of ```yaml that start with `apiVersion` are whole dataflows.
TEST(Reference, ExamplesAreCorrect) {
  const std::string text = read_reference();
  const std::string fence = "```yaml\napiVersion";
  int examples = 0;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t start = at + std::string("```yaml\n").size();
    const std::string example = text.substr(start, text.find("```", start) - start);
    const ParseResult result = parse(example, "example");
    EXPECT_EQ(render(result.diagnostics, "example", example), "");
    ++examples;
  }
  EXPECT_GE(examples, 2);
}

bool is_type(const Section* section) {
  const Section* const types[] = {&kNamedType, &kFieldType, &kItemType, &kTopicValue,
                                  &kKeyType,   &kColumn,    &kKeyedType};
  return std::ranges::count(types, section) != 0;
}

// How a table says what kind of value a key has.
std::string kind_of(const Field& field) {
  std::string words;
  for (const std::string_view word : field.words)
    words += fmt::format("{}`{}`", words.empty() ? "" : ", ", word);
  switch (field.kind) {
    case ValueKind::kText:
    case ValueKind::kName:
    case ValueKind::kType:
      return "text";
    case ValueKind::kWord:
      return words;
    case ValueKind::kBool:
      return "bool";
    case ValueKind::kValue:
      return "value";
    case ValueKind::kCount:
      return field.max == 0 ? "count" : fmt::format("count, {} to {}", field.min, field.max);
    case ValueKind::kFraction:
      return fmt::format("number, {} to {}", format_millionths(field.min),
                         format_millionths(field.max));
    case ValueKind::kNumber:
      return "number";
    case ValueKind::kDuration:
      return field.min <= 1 ? "duration"
                            : fmt::format("duration, at least `{}`",
                                          format_duration({static_cast<std::int64_t>(field.min)}));
    case ValueKind::kBytes:
      return "size";
    case ValueKind::kCode:
      return "C++";
    case ValueKind::kTexts:
      return "list of texts";
    case ValueKind::kMap:
      if (field.section == &kFunction) return "operator";
      return is_type(field.section) ? "type" : "map";
    case ValueKind::kWordOrMap:
      return field.section == &kOffset ? "offset" : words + " or a map";
    case ValueKind::kList:
      return "list";
    case ValueKind::kNamed:
      return "map";
    case ValueKind::kSql:
      return "SQL";
    case ValueKind::kAnswerColumn:
      return "column";
    case ValueKind::kAnswerColumns:
      return "list of columns";
    case ValueKind::kColumnsByName:
      return "map to columns";
  }
  return "";
}

std::string row_of(const Field& field) {
  std::string fallback = field.fallback.empty() ? "" : fmt::format("`{}` ", field.fallback);
  if (field.kind == ValueKind::kAnswerColumn && field.min > 0) fallback = "one that fits ";
  if (field.kind == ValueKind::kAnswerColumns && field.min > 0) fallback = "all that fit ";
  return fmt::format("| `{}` | {} | {}| {} |\n", field.key, kind_of(field),
                     field.is_required ? "required " : fallback, field.doc);
}

std::string table_of(const Section& section) {
  std::string table = "| Key | Type | Default | Meaning |\n|---|---|---|---|\n";
  for (const Field& field : section.fields) table += row_of(field);
  for (const Variant& variant : section.variants) {
    for (const Field& field : variant.fields) {
      const std::string row = row_of(field);
      if (table.find(row) == std::string::npos) table += row;
    }
  }
  return table;
}

// All sections that can be reached from the top.
void collect(const Section& section, std::vector<const Section*>& found) {
  if (std::ranges::count(found, &section) != 0) return;
  found.push_back(&section);
  const auto follow = [&](std::span<const Field> fields) {
    for (const Field& field : fields) {
      if (field.section != nullptr) collect(*field.section, found);
    }
  };
  follow(section.fields);
  for (const Variant& variant : section.variants) follow(variant.fields);
}

// A table that is missing or old is in the message, ready to be pasted.
TEST(Reference, HasTheTableOfEverySection) {
  const std::string text = read_reference();
  std::vector<const Section*> sections;
  collect(kDataflow, sections);
  collect(kPackage, sections);
  EXPECT_GE(sections.size(), 25U);
  for (const Section* section : sections) {
    // One table shows all places of a type, and one all operators.
    if ((is_type(section) && section != &kFieldType) || section == &kFunction) continue;
    EXPECT_NE(text.find(table_of(*section)), std::string::npos)
        << "docs/reference/dataflow-yaml.md has no such table, of " << section->name << ":\n"
        << table_of(*section);
  }
}

TEST(Reference, HasTheTablesOfTheGame) {
  const std::string text = read_reference("simulated-game.md");
  std::vector<const Section*> sections;
  collect(kGame, sections);
  EXPECT_EQ(sections.size(), 19U);
  for (const Section* section : sections) {
    EXPECT_NE(text.find(table_of(*section)), std::string::npos)
        << "docs/reference/simulated-game.md has no such table, of " << section->name << ":\n"
        << table_of(*section);
  }
}

TEST(Reference, HasTheTablesOfDashboards) {
  const std::string text = read_reference("dashboards.md");
  const auto expect_table = [&](std::string_view what, const std::string& table) {
    EXPECT_NE(text.find(table), std::string::npos)
        << "docs/reference/dashboards.md has no such table, of " << what << ":\n"
        << table;
  };
  std::vector<const Section*> sections;
  collect(kDashboard, sections);
  EXPECT_EQ(sections.size(), 14U);
  for (const Section* section : sections) {
    Section without_kinds = *section;
    without_kinds.variants = {};
    expect_table(section->name, table_of(without_kinds));
  }
  for (const PanelKind& kind : panel_kinds()) {
    Section own = kPanel;
    own.fields = kind.fields;
    own.variants = {};
    expect_table(kind.name, fmt::format("#### {}\n\n{} By default {} high.\n\n{}", kind.type,
                                        kind.doc, kind.height, table_of(own)));
  }
}

TEST(Reference, HasTheTableOfOperators) {
  std::string table = "| Operator | Signature | |\n|---|---|---|\n";
  for (const FunctionInfo& info : all_functions()) {
    table += fmt::format("| `{}` | `{}` | {} |\n", info.key,
                         fmt::format(fmt::runtime(info.signature), fmt::arg("in", "T"),
                                     fmt::arg("out", "U"), fmt::arg("key", "KEY")),
                         info.doc);
  }
  EXPECT_NE(read_reference().find(table), std::string::npos)
      << "docs/reference/dataflow-yaml.md has no such table:\n"
      << table;
}

// The pattern that editors go by and the rule that names are checked by are the same.
TEST(Reference, PatternsOfNamesAreTheirRules) {
  const std::string names[] = {"",
                               "a",
                               "A",
                               "a1",
                               "1a",
                               "a-b",
                               "a--b",
                               "-a",
                               "a-",
                               "a_b",
                               "_a",
                               "a__b",
                               "a.b",
                               ".",
                               "..",
                               "...",
                               "a b",
                               "ä",
                               "a/b",
                               "a\n",
                               "B-2",
                               "a-_b",
                               "9",
                               "a:b",
                               std::string(100, 'a'),
                               std::string(101, 'a'),
                               std::string(200, 'a'),
                               std::string(201, 'a')};
  for (const NameRule* rule : {&kDataflowName, &kTypeName, &kFieldName, &kTopicName}) {
    const std::regex pattern((std::string(rule->pattern)));
    for (const std::string& name : names)
      EXPECT_EQ(std::regex_search(name, pattern), rule->is_valid(name))
          << rule->what << ' ' << name;
  }
}

TEST(Reference, DefaultsAreTheModelsOwn) {
  const auto fallback = [](const Section& section, std::string_view key) {
    return *parse_duration(std::ranges::find(section.fields, key, &Field::key)->fallback);
  };
  EXPECT_EQ(fallback(kWatermark, "grace-period"), Window().grace);
  EXPECT_EQ(fallback(kWatermark, "idleness"), Window().idle_timeout);
  EXPECT_EQ(fallback(kFutureWatermark, "future-max"), Dataflow().future_max);
}

}  // namespace
}  // namespace gameflow::spec
