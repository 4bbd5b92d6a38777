// What tests of our connectors need beside <gameflow/connect/testing.h>.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>

#include <gameflow/connect/testing.h>

namespace gameflow::connect {

// test_settings() with values of any kind.
inline Settings settings_of(const Kind& kind,
                            std::initializer_list<std::pair<std::string, Settings::Value>> values) {
  Settings settings = test_settings(kind);
  for (const auto& [key, value] : values) {
    if (std::ranges::count(kind.settings, key, &Setting::key) == 0)
      throw std::logic_error("no setting " + key);
    settings.set(key, value);
  }
  return settings;
}

}  // namespace gameflow::connect
