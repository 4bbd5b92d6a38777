// The pages of the built-in kinds: their tables are those of the settings, their examples are read.
#include "connect/kinds.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spec/connector.h"

namespace gameflow::connect {
namespace {

std::string value_of(const Setting& setting) {
  std::string words;
  switch (setting.kind) {
    case SettingKind::kText:
      return "text";
    case SettingKind::kWord:
      for (const std::string_view word : setting.words)
        words += fmt::format("{}`{}`", words.empty() ? "" : ", ", word);
      return words;
    case SettingKind::kBool:
      return "`true`, `false`";
    case SettingKind::kNumber:
      return "number";
    case SettingKind::kDuration:
      return "duration";
    case SettingKind::kBytes:
      return "bytes";
    case SettingKind::kTexts:
      return "list of texts";
    case SettingKind::kMap:
      return "map";
  }
  return "";
}

std::string table_of(const Kind& kind) {
  std::string table =
      fmt::format("| Key of `{}` | Value | Default | |\n|---|---|---|---|\n", kind.section);
  for (const Setting& setting : kind.settings)
    table += fmt::format("| `{}` | {} | {} | {} |\n", setting.key, value_of(setting),
                         setting.is_required        ? "required"
                         : setting.fallback.empty() ? ""
                                                    : fmt::format("`{}`", setting.fallback),
                         setting.doc);
  return table;
}

class KindsTest : public ::testing::TestWithParam<Kind> {};

TEST_P(KindsTest, HasAPageThatSaysWhatIsSo) {
  const Kind& kind = GetParam();
  const auto path =
      std::filesystem::path(GAMEFLOW_DOCS_DIR) / "connectors" / fmt::format("{}.md", kind.type);
  std::ifstream in(path);
  const std::string page(std::istreambuf_iterator<char>(in), {});
  ASSERT_FALSE(page.empty()) << path << " is missing";
  EXPECT_NE(page.find(table_of(kind)), std::string::npos) << path << " lacks this table:\n"
                                                          << table_of(kind);
  std::size_t examples = 0;
  constexpr std::string_view kFence = "```yaml\n";
  for (std::size_t at = page.find(kFence); at != std::string::npos; at = page.find(kFence, at)) {
    at += kFence.size();
    const std::string example = page.substr(at, page.find("```", at) - at);
    if (example.find("apiVersion") == std::string::npos) continue;
    ++examples;
    const auto read = spec::parse_connector(example, "example.yaml", kinds(), {});
    for (const auto& diagnostic : read.diagnostics) ADD_FAILURE() << diagnostic.message;
    EXPECT_TRUE(read.connector.has_value()) << example;
  }
  EXPECT_GT(examples, 0U) << path;
}

INSTANTIATE_TEST_SUITE_P(All, KindsTest, ::testing::ValuesIn(kinds().begin(), kinds().end()),
                         [](const auto& row) {
                           std::string name(row.param.type);
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace gameflow::connect
