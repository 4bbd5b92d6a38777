// What the values of flags may be, with messages for a person. For cli.cc, the only place for
// CLI11.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/time.h"
#include "runtime/fresh_start.h"

namespace gameflow::app {

// One of the names, which are static. (CLI11's own transformer lists the enums' bytes too, and a
// zero ends the help.)
template <class Enum>
CLI::Validator one_of(const std::map<std::string, Enum>& names) {
  const auto choose = [&names](std::string& text) -> std::string {
    if (const auto found = names.find(text); found != names.end()) {
      text = std::to_string(static_cast<int>(found->second));
      return {};
    }
    std::string message = fmt::format("'{}' is none of", text);
    for (const auto& [name, value] : names) {
      message += fmt::format("{} {}", name == names.begin()->first ? "" : ",", name);
    }
    return message;
  };
  return {choose, ""};
}

// A whole number from `low` to `high`. (CLI11 2.1 wraps -1 round, and its own check of a lower
// limit names the largest double as the upper one.)
CLI::Validator whole_number(std::uint64_t low, std::uint64_t high = UINT64_MAX);

// "4096", "512MiB", "4GiB", units in any case and with or without "iB"; becomes bytes.
CLI::Validator size();
std::optional<std::uint64_t> parse_size(std::string_view text);

// The dataflow of a folder; of a package's folder, which has none, the package.
std::string dataflow_in(const std::filesystem::path& folder);
// A dataflow, or a folder, which becomes that one's.
CLI::Validator dataflow_file();

// "https://game.example.com", or "*"; becomes lower case.
CLI::Validator origin();
// "https://stats.example.com/gameflow"
CLI::Validator public_url();

// A token, or "@FILE" with one in it; becomes the token. Messages do not repeat it.
CLI::Validator token();

// For each() of a flag: what they throw, a CLI::ValidationError, does not name the flag, which
// CLI11 puts in front of it.

// "2024-11-12T10:15:30Z", or the beginning of a day, "2024-11-12".
Timestamp parse_time_flag(const std::string& text);
// "beginning", "end", or a time that has been, "2024-11-12T10:15:30Z" or "-5m", of --from.
runtime::StartsFrom starts_from(const std::string& text);
// Events per second of --rate: a whole number, or "max" for nothing.
std::optional<std::uint64_t> parse_rate(const std::string& text);

}  // namespace gameflow::app
