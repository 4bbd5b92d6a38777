// The settings of a connector: which there are (Setting, as data), and what a file says (Settings).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gameflow::connect {

enum class SettingKind : std::uint8_t {
  kText,
  kWord,      // one of `words`
  kBool,      // true or false
  kNumber,    // a whole number from `min` to `max`
  kDuration,  // "500ms", "10s", "5m"; from `min` to `max` milliseconds
  kBytes,     // "64KiB", "8MiB"; from `min` to `max`
  kTexts,     // a list of texts
  kMap,       // from texts to texts, in the order of the file
};

struct Setting {
  std::string_view key;  // as in the file: "user-agent"
  SettingKind kind = SettingKind::kText;
  bool is_required = false;
  std::string_view fallback{};    // what counts where the key is absent, as one would write it
  std::string_view doc{};         // what it means; Markdown
  std::int64_t min = 0, max = 0;  // max 0: no bound
  std::span<const std::string_view> words{};
  std::string_view example{};  // as one would write it
};

// Checked against a list of Setting: values have their kind and lie within bounds, what is required
// is there, and fallbacks are filled in. Asking for a key under another kind than it is declared
// with is a mistake of the program: std::logic_error.
class Settings {
 public:
  using Map = std::vector<std::pair<std::string, std::string>>;
  // kText, kWord; kNumber, kDuration (ms), kBytes; kBool; kTexts; kMap
  using Value = std::variant<std::string, std::int64_t, bool, std::vector<std::string>, Map>;

  void set(std::string_view key, Value value) {
    values_.insert_or_assign(std::string(key), std::move(value));
  }

  // Whether there is a value, be it from the file or a fallback.
  bool has(std::string_view key) const { return values_.find(key) != values_.end(); }

  // Empty where there is none.
  const std::string& text(std::string_view key) const { return get<std::string>(key); }
  const std::vector<std::string>& texts(std::string_view key) const {
    return get<std::vector<std::string>>(key);
  }
  const Map& map(std::string_view key) const { return get<Map>(key); }
  // 0 and false where there is none.
  std::int64_t number(std::string_view key) const { return get<std::int64_t>(key); }
  std::chrono::milliseconds duration(std::string_view key) const {
    return std::chrono::milliseconds(number(key));
  }
  bool flag(std::string_view key) const { return get<bool>(key); }

 private:
  template <class T>
  const T& get(std::string_view key) const {
    static const T kNone{};
    const auto found = values_.find(key);
    if (found == values_.end()) return kNone;
    const T* const value = std::get_if<T>(&found->second);
    if (value == nullptr)
      throw std::logic_error("setting '" + std::string(key) + "' is of another kind");
    return *value;
  }

  std::map<std::string, Value, std::less<>> values_;
};

}  // namespace gameflow::connect
