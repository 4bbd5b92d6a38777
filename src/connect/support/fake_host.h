// What tests of connectors need: a Host that remembers, and settings as a file would give them.
#pragma once

#include <atomic>
#include <charconv>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gameflow/connect/connector.h>

#include "base/time.h"

namespace gameflow::connect {

class FakeHost final : public Host {
 public:
  bool is_stopping() const override { return stopping; }
  void tell(const std::string& line) override { lines.push_back(line); }

  std::atomic<bool> stopping = false;
  std::vector<std::string> lines;
};

inline Settings::Value value_from_text(SettingKind kind, std::string_view text) {
  if (kind == SettingKind::kBool) return text == "true";
  if (kind == SettingKind::kDuration) return parse_duration(text).value().ms;
  if (kind == SettingKind::kNumber || kind == SettingKind::kBytes) {
    std::int64_t number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
    const std::string_view unit(end, text.data() + text.size());
    if (unit == "KiB") return number << 10;
    if (unit == "MiB") return number << 20;
    if (unit == "GiB") return number << 30;
    return number;
  }
  return std::string(text);
}

// `kind`'s fallbacks, and over them `values`.
inline Settings settings_of(const Kind& kind,
                            std::initializer_list<std::pair<std::string, Settings::Value>> values) {
  Settings settings;
  for (const Setting& setting : kind.settings)
    if (!setting.fallback.empty())
      settings.set(setting.key, value_from_text(setting.kind, setting.fallback));
  for (const auto& [key, value] : values) {
    bool is_known = false;
    for (const Setting& setting : kind.settings) is_known |= setting.key == key;
    if (!is_known) throw std::logic_error("no setting " + key);
    settings.set(key, value);
  }
  return settings;
}

}  // namespace gameflow::connect
