// What an epoch appends to topics, encoded by the workers and joined in a fixed order.
//
// Records of one partition keep the order in which they were added. Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "log/store.h"
#include "runtime/service.h"

namespace gameflow::runtime {

class Writer {
 public:
  // `spread` chooses the partition of a record without a key: equal numbers share one.
  void add(const Target& target, std::uint64_t spread, Timestamp time,
           std::optional<std::string_view> key, std::string_view value);
  // Behind what is here already; leaves `other` empty.
  void append(Writer&& other);
  // Moves everything into the commit; leaves nothing.
  void move_to(std::vector<log::Append>& appends);
  void clear();

  bool empty() const { return appends_.empty(); }
  std::size_t bytes() const;

 private:
  log::Append& batch_for(log::TopicId topic, std::uint32_t partition, std::size_t bytes);

  std::vector<log::Append> appends_;
  // The last of `appends_` for a partition: only that one may still take records.
  std::map<std::pair<log::TopicId, std::uint32_t>, std::size_t> last_;
};

}  // namespace gameflow::runtime
