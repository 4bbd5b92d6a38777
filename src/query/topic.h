// Topics as SQL sees them: where their records come from, and how they become rows.
//
// A row of a topic is a record, or of a topic of lists an item of a record's list. Columns: the
// fields of the type (those of nested objects joined by `_`; `value` where the type is no object),
// then _time (ms UTC), _partition, _offset and _key of the record; of lists also _item, which item
// of its record the row is, hidden from `select *`. Records that are not what the topic's type says
// are no rows.
//
// `where` on _partition, _offset and _time decides what is read, in order of partition and offset,
// or backwards with `order by _offset desc` and the like. How much a query may read is bounded
// (Limits::topic_bytes_max).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "record/batch.h"
#include "record/type.h"

namespace gameflow::query {

// Reads one topic.
//
// Threads  any. Errors  go to who asked, as they are.
class TopicReader {
 public:
  virtual ~TopicReader() = default;

  // Records are in [begin, end).
  struct Range {
    record::Offset begin, end;
  };
  // Those of all partitions, in order.
  virtual Result<std::vector<Range>> partitions() const = 0;
  // Narrows the range of a partition to where records with times in [from, to] may be.
  virtual Result<Range> narrow(std::uint32_t partition, Range range, Timestamp from,
                               Timestamp to) const = 0;
  // The batches from the one with the first record at or after `from`, about `bytes` of them, and
  // at least one; none where there is no record.
  virtual Result<std::vector<record::BatchPtr>> read(std::uint32_t partition, record::Offset from,
                                                     std::size_t bytes) const = 0;
  // The last batch that begins before `end`; null where there is none.
  virtual Result<record::BatchPtr> read_before(std::uint32_t partition,
                                               record::Offset end) const = 0;
};

struct Topic {
  std::string name;                    // in SQL
  const record::Type* type = nullptr;  // of its values
  const TopicReader* reader = nullptr;
};

// What a row's columns are, and where they lie in the value.
struct TopicColumn {
  enum class Source : std::uint8_t { kField, kTime, kPartition, kOffset, kKey, kItem };
  // From the value to the slot, through optional objects.
  struct Step {
    std::uint32_t offset;
    bool optional;
    std::uint32_t flag_offset;
  };

  Source source = Source::kField;
  std::string name;
  const record::Type* type = nullptr;  // kField only
  std::vector<Step> path;
  bool is_hidden = false;  // from `select *`
};

// Of what a row holds: the topic's type, or that of the items of its lists.
const record::Type& row_type(const Topic& topic);
std::vector<TopicColumn> columns_of(const Topic& topic);

}  // namespace gameflow::query
