#include "log/store.h"

#include <algorithm>

namespace gameflow::log {

bool is_topic_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 200 && name != "." && name != ".." &&
         std::ranges::all_of(name, allowed);
}

void StoreHealth::Stats::add_group(double seconds) {
  ++groups;
  commit_seconds_total += seconds;
  const auto bucket = std::ranges::lower_bound(kCommitSecondsMax, seconds);
  ++commit_seconds[static_cast<std::size_t>(bucket - kCommitSecondsMax.begin())];
}

}  // namespace gameflow::log
