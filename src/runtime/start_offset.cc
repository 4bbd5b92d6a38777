#include "runtime/start_offset.h"

#include <algorithm>
#include <limits>

namespace gameflow::runtime {
namespace {

constexpr std::size_t kReadBytes = std::size_t{4} << 20;

struct Counted {
  std::uint64_t records = 0;  // in [from, at)
  log::Offset at;
};

class Counter {
 public:
  Counter(const log::Log& log, log::TopicId topic, std::uint32_t partition)
      : log_(log), topic_(topic), partition_(partition) {}

  // Goes over records from `from` on until there are `records_max`, or to `end`.
  Result<Counted> count(log::Offset from, log::Offset end, std::uint64_t records_max) const {
    Counted counted{.at = from};
    while (counted.at < end && counted.records < records_max) {
      GF_ASSIGN(const log::ReadResult read, log_.read(topic_, partition_, counted.at, kReadBytes));
      for (const log::BatchPtr& batch : read.batches) {
        const std::size_t first = batch->index_of(counted.at);
        const std::size_t behind = batch->index_of(end);
        const std::uint64_t taken = std::min<std::uint64_t>(behind - std::min(first, behind),
                                                            records_max - counted.records);
        counted.records += taken;
        const bool is_whole = first + taken == batch->size();
        counted.at = is_whole ? batch->end_offset() : batch->offset(first + taken);
        if (!is_whole) return counted;
      }
      if (read.batches.empty()) break;
    }
    counted.at = std::min(counted.at, end);
    return counted;
  }

 private:
  const log::Log& log_;
  log::TopicId topic_;
  std::uint32_t partition_;
};

}  // namespace

Result<log::Offset> find_start(const log::Log& log, log::TopicId topic, std::uint32_t partition,
                               plan::StartOffset start) {
  GF_ASSIGN(const log::PartitionInfo info, log.partition(topic, partition));
  if (start.records == 0) return start.is_from_end ? info.end : info.begin;
  const Counter counter(log, topic, partition);
  if (!start.is_from_end) {
    GF_ASSIGN(const Counted counted, counter.count(info.begin, info.end, start.records));
    return counted.at;
  }
  // So many offsets before the end there are at most so many records: further back where there are
  // fewer, and then on again.
  const std::uint64_t offsets = info.end.value - info.begin.value;
  for (std::uint64_t back = std::min(start.records, offsets);; back = std::min(2 * back, offsets)) {
    const log::Offset from{info.end.value - back};
    GF_ASSIGN(const Counted counted,
              counter.count(from, info.end, std::numeric_limits<std::uint64_t>::max()));
    if (counted.records < start.records && back < offsets) continue;
    if (counted.records <= start.records) return from;
    GF_ASSIGN(const Counted skipped,
              counter.count(from, info.end, counted.records - start.records));
    return skipped.at;
  }
}

}  // namespace gameflow::runtime
