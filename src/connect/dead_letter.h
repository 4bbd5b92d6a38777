// Dead letters of connectors: docs/formats/dead-letter.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gameflow::connect {

struct DeadLetter {
  std::string_view connector;  // its name
  std::string_view code, field, reason;
  std::string_view topic;  // where it was to go, or comes from; empty: nobody knows
  struct Place {
    std::uint32_t partition;
    std::uint64_t offset;
    std::int64_t timestamp_ms;
  };
  std::optional<Place> place{};  // of a record of a topic
  std::optional<std::string_view> key{};
  std::string_view value;
};

// Appends a line for `POST /records` that stores the letter in `topic`.
void append_dead_letter(const DeadLetter& letter, std::string_view topic, std::string& lines);

// Appends a line for `POST /records`; `value` is JSON.
void append_line(std::string_view topic, const std::optional<std::string_view>& key,
                 std::string_view value, std::string& lines);

}  // namespace gameflow::connect
