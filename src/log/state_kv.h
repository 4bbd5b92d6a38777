// The engine's own keys, beside the topics. They are written by Commits.
//
// Threads  every method may be called from any thread.
// Errors   returned: kDataCorrupt.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  virtual Result<std::vector<KeyValue>> scan(const KeyRange& range) const = 0;  // in key order
};

}  // namespace gameflow::log
