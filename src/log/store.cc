#include "log/store.h"

#include <algorithm>
#include <future>
#include <utility>

namespace gameflow::log {

bool is_topic_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= 200 && name != "." && name != ".." &&
         std::ranges::all_of(name, allowed);
}

Result<CommitAck> Store::commit(Commit commit) {
  std::promise<Result<CommitAck>> promise;
  auto result = promise.get_future();
  submit(std::move(commit),
         [&promise](Result<CommitAck> ack) { promise.set_value(std::move(ack)); });
  return result.get();
}

}  // namespace gameflow::log
