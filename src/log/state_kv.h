// The engine's own keys, beside the topics. They are written by Commits.
//
// Threads  every method may be called from any thread.
// Errors   returned: kDataCorrupt.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gameflow::log {

struct KeyValue {
  std::string key, value;
};

// [begin, end) in byte order.
struct KeyRange {
  std::string begin, end;
};

class StateKv {
 public:
  virtual ~StateKv() = default;

  virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
  // Calls visit(key, value) for what is in the range, in key order, until it fails, and returns
  // that failure. The views are valid during the call, in which the store must not be used: so a
  // range of any size takes no memory.
  using Visit = std::function<Status(std::string_view key, std::string_view value)>;
  virtual Status scan(const KeyRange& range, const Visit& visit) const = 0;
};

}  // namespace gameflow::log
