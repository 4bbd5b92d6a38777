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
#include "record/outlined.h"
#include "runtime/service.h"

namespace gameflow::runtime {

class Writer {
 public:
  // `spread` chooses the partition of a record without a key: equal numbers share one.
  void add(const Target& target, std::uint64_t spread, Timestamp time,
           std::optional<std::string_view> key, std::string_view value);
  // About so many records will be lent until seal().
  void expect(std::size_t records) { expected_ = records; }
  // As add(), but the value stays where it is until seal(); see record::BatchBuilder::lend.
  void lend(const Target& target, std::uint64_t spread, Timestamp time,
            std::optional<std::string_view> key, std::string_view value,
            const record::Outlined& outlined);
  // Makes batches of what was added, on this thread; what follows begins others.
  void seal();
  // Behind what is here already; leaves `other` empty.
  void append(Writer&& other);
  // Moves everything into the commit; leaves nothing.
  void move_to(std::vector<log::Append>& appends);
  void clear();

  bool empty() const { return appends_.empty(); }
  std::size_t bytes() const;

 private:
  log::Append& batch_for(const Target& target, std::uint64_t spread,
                         std::optional<std::string_view> key, std::size_t value_bytes);

  std::vector<log::Append> appends_;
  std::size_t expected_ = 0;
  // The last of `appends_` for a partition: only that one may still take records.
  std::map<std::pair<log::TopicId, std::uint32_t>, std::size_t> last_;
};

}  // namespace gameflow::runtime
