// Goes through the rows of a topic: partition by partition, in order of offset, or backwards.
//
// Threads  one.
// Errors   returned; then the cursor is of no use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "query/topic.h"
#include "query/topic_table.h"
#include "record/arena.h"
#include "record/batch.h"
#include "record/batch_decoder.h"

namespace gameflow::query {

// Where rows may be; all bounds are inclusive.
struct TopicBounds {
  std::int64_t time_from = std::numeric_limits<std::int64_t>::min();
  std::int64_t time_to = std::numeric_limits<std::int64_t>::max();
  std::int64_t partition_from = 0;
  std::int64_t partition_to = std::numeric_limits<std::int64_t>::max();
  std::int64_t offset_from = 0;
  std::int64_t offset_to = std::numeric_limits<std::int64_t>::max();
};

class TopicCursor {
 public:
  TopicCursor(const Topic& topic, TopicUse& use) : topic_(topic), use_(use) {}

  // In front of the first row.
  Status start(const TopicBounds& bounds, bool backwards);
  // To the next row; false where there is none.
  Result<bool> next();

  // The row: the value of a record or the item of a list, and its record.
  const char* value() const { return row_; }
  const record::Batch& batch() const { return *batch_; }
  std::uint32_t record() const { return record_; }
  std::uint32_t partition() const { return parts_[part_].number; }
  // Which of the list's; 0 where the record is none.
  std::uint32_t item() const { return item_; }

 private:
  struct Part {
    std::uint32_t number;
    TopicReader::Range range;
  };

  Result<bool> next_batch();
  Result<record::BatchPtr> fetch(Part& part);
  void decode(Part& part);
  bool next_record();
  bool next_row();

  const Topic& topic_;
  TopicUse& use_;
  bool backwards_ = false;
  std::vector<Part> parts_;  // what is left of them, in the order in which they are read
  std::size_t part_ = 0;
  std::vector<record::BatchPtr> ahead_;  // of the part, the next one last

  record::BatchPtr batch_;
  record::BatchDecoder decoder_;
  record::BlockArena arena_;
  std::vector<record::BatchDecoder::Failure> failures_;
  std::vector<bool> is_row_;      // by record of the batch, from first_ on
  const char* values_ = nullptr;  // likewise
  std::uint32_t first_ = 0, last_ = 0;
  std::uint32_t left_ = 0;  // records of the batch that were not visited
  std::uint32_t record_ = 0;
  const char* row_ = nullptr;
  std::uint32_t item_ = 0;
  std::uint32_t items_left_ = 0;  // behind row_, of the list that the record is
};

}  // namespace gameflow::query
