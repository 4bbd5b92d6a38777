// The tables of docs/connectors are those of the code.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/time.h"
#include "connect/kinds.h"

namespace gameflow::connect {
namespace {

std::string pages() {
  std::stringstream text;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(GAMEFLOW_SOURCE_FOLDER "/docs/connectors")) {
    if (entry.path().extension() == ".md") text << std::ifstream(entry.path()).rdbuf();
  }
  return text.str();
}

std::string size(std::int64_t bytes) {
  return bytes % (1 << 20) == 0   ? fmt::format("{}MiB", bytes >> 20)
         : bytes % (1 << 10) == 0 ? fmt::format("{}KiB", bytes >> 10)
                                  : fmt::format("{}B", bytes);
}

// "number, 1 to 9"
std::string with_bounds(std::string kind, const Setting& setting,
                        std::string (*show)(std::int64_t)) {
  if (setting.max != 0)
    return fmt::format("{}, `{}` to `{}`", kind, show(setting.min), show(setting.max));
  return setting.min > 1 ? fmt::format("{}, at least `{}`", kind, show(setting.min)) : kind;
}

std::string kind_of(const Setting& setting) {
  std::string words;
  for (const std::string_view word : setting.words)
    words += fmt::format("{}`{}`", words.empty() ? "" : ", ", word);
  switch (setting.kind) {
    case SettingKind::kText:
      return "text";
    case SettingKind::kWord:
      return words;
    case SettingKind::kBool:
      return "bool";
    case SettingKind::kNumber:
      return with_bounds("number", setting, [](std::int64_t n) { return std::to_string(n); });
    case SettingKind::kDuration:
      return with_bounds("duration", setting,
                         [](std::int64_t ms) { return format_duration({ms}); });
    case SettingKind::kBytes:
      return with_bounds("size", setting, size);
    case SettingKind::kTexts:
      return "list of texts";
    case SettingKind::kMap:
      return "map of texts";
  }
  return "";
}

std::string table_of(const Kind& kind) {
  std::string table = "| Key | Type | Default | Meaning |\n|---|---|---|---|\n";
  for (const Setting& setting : kind.settings) {
    const std::string fallback =
        setting.fallback.empty() ? "" : fmt::format("`{}` ", setting.fallback);
    table += fmt::format("| `{}` | {} | {}| {} |\n", setting.key, kind_of(setting),
                         setting.is_required ? "required " : fallback, setting.doc);
  }
  return table;
}

// A table that is missing or old is in the message, ready to be pasted.
TEST(Reference, HasTheTableOfEveryKind) {
  const std::string text = pages();
  for (const Kind& kind : kinds()) {
    EXPECT_NE(text.find(fmt::format("`{}`", kind.type)), std::string::npos) << kind.type;
    EXPECT_NE(text.find(table_of(kind)), std::string::npos)
        << "docs/connectors has no such table, of " << kind.type << ":\n"
        << table_of(kind);
  }
}

// A kind's rows are read as everybody writes them.
TEST(Kinds, AreConsistent) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.type);
    EXPECT_NE(kind.make_source == nullptr, kind.make_sink == nullptr);
    EXPECT_TRUE(kind.type.ends_with(kind.make_source != nullptr ? "-source" : "-sink"));
    EXPECT_FALSE(kind.doc.empty());
    for (const Setting& setting : kind.settings) {
      EXPECT_FALSE(setting.doc.empty()) << setting.key;
      EXPECT_EQ(setting.words.empty(), setting.kind != SettingKind::kWord) << setting.key;
      EXPECT_EQ(std::ranges::count(kind.settings, setting.key, &Setting::key), 1) << setting.key;
    }
  }
}

}  // namespace
}  // namespace gameflow::connect
