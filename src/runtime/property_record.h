// Records of topics as the model has them, and their way through transforms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/property_case.h"

namespace gameflow::runtime::property {

struct Record {
  std::uint64_t offset = 0;  // known once it is in a topic, as is the next
  std::int64_t appended_at = 0;
  std::int64_t time = 0;
  std::optional<std::string> key;
  std::string text;
  std::vector<Event> value;  // one, or the items of a list
  bool is_broken = false;
};
using Partition = std::pair<std::size_t, std::uint32_t>;  // topic, number

// Hands events to the steps, and what leaves them to `out`, which says what has failed, or nothing.
// Functions call each other: each thing that a flat-map makes goes all the way before the next.
// Returns what failed; or nothing.
std::string_view pass_all(const std::vector<Step>& steps, const std::vector<Event>& events,
                          const LookUp& look_up,
                          const std::function<std::string_view(const Event&)>& out);
// How a record of a topic is written.
std::string text_of(Content content, const std::vector<Event>& events, bool is_list);

std::string json_of(const Event& event);
std::string json_of(const std::vector<Event>& events);

}  // namespace gameflow::runtime::property
