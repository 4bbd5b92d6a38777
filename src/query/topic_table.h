// A Topic as SQLite sees it: a read-only virtual table that decodes records as it goes.
//
// Threads  one.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/error.h"
#include "query/long_decimals.h"
#include "query/topic.h"

struct sqlite3;

namespace gameflow::query {

// What reading topics may cost one query, and why it failed, if it did: SQLite has only codes.
struct TopicUse {
  std::size_t bytes_max = 0, bytes = 0;
  std::optional<Error> failure;
};

// One name in SQL. SQLite holds its address.
class TopicSlot {
 public:
  // `use` and `decimals` are those of the query that runs.
  TopicSlot(const Topic& topic, TopicUse& use, LongDecimals& decimals)
      : topic_(topic), columns_(columns_of(topic)), use_(use), decimals_(decimals) {}
  TopicSlot(const TopicSlot&) = delete;
  TopicSlot& operator=(const TopicSlot&) = delete;

  // Makes the name known to `db`. Once.
  Status attach(sqlite3* db);

  const Topic& topic() const { return topic_; }
  const std::vector<TopicColumn>& columns() const { return columns_; }
  TopicUse& use() const { return use_; }
  LongDecimals& decimals() const { return decimals_; }

 private:
  const Topic topic_;
  const std::vector<TopicColumn> columns_;
  TopicUse& use_;
  LongDecimals& decimals_;
};

}  // namespace gameflow::query
