// For tests of a connector: settings as a file would give them, and a host that writes down.
#pragma once

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

struct TestHost final : Host {
  bool is_stopping() const override { return stopping; }
  void tell(const std::string& line) override { told.push_back(line); }

  std::atomic<bool> stopping = false;
  std::vector<std::string> told;
};

namespace testing_detail {

// "5s", "64KiB", "7": the number times its unit.
inline std::int64_t number_of(std::string_view text) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"", 1},  {"ms", 1},     {"s", 1'000},     {"m", 60'000},    {"h", 3'600'000},
      {"B", 1}, {"KiB", 1024}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"d", 86'400'000}};
  std::size_t digits = 0;
  const std::int64_t number = std::stoll(std::string(text), &digits);
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) == unit) return number * factor;
  }
  throw std::invalid_argument("no number: " + std::string(text));
}

inline Settings::Value value_of(const Setting& setting, std::string_view text) {
  switch (setting.kind) {
    case SettingKind::kBool:
      return text == "true";
    case SettingKind::kNumber:
    case SettingKind::kDuration:
    case SettingKind::kBytes:
      return number_of(text);
    default:
      return std::string(text);
  }
}

}  // namespace testing_detail

// The settings of `kind` by default, and those that are given, as one would write them in a file.
// Lists and maps are set on the result. std::invalid_argument for what is no setting or no number.
inline Settings test_settings(const Kind& kind,
                              const std::vector<std::pair<std::string, std::string>>& given = {}) {
  Settings settings;
  for (const Setting& setting : kind.settings) {
    if (!setting.fallback.empty())
      settings.set(setting.key, testing_detail::value_of(setting, setting.fallback));
  }
  for (const auto& [key, text] : given) {
    const auto setting = std::ranges::find(kind.settings, key, &Setting::key);
    if (setting == kind.settings.end()) throw std::invalid_argument("no setting " + key);
    settings.set(key, testing_detail::value_of(*setting, text));
  }
  return settings;
}

}  // namespace gameflow::connect
