#include "log/rocksdb/log_reader.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "log/rocksdb/erased.h"
#include "log/rocksdb/keys.h"
#include "record/batch.h"

namespace gameflow::log {
namespace {

using record::Batch;

// An iterator over the batches of a range. The bounds keep it from looking for keys across
// everything that retention has deleted.
class Cursor {
 public:
  Cursor(Database& database, const LogRange& range, std::size_t readahead_bytes)
      : range_(range),
        lower_(log_key(range.topic, range.partition, range.info.begin)),
        upper_(log_key(range.topic, range.partition, range.info.end)),
        lower_slice_(lower_),
        upper_slice_(upper_) {
    rocksdb::ReadOptions options;
    options.iterate_lower_bound = &lower_slice_;
    options.iterate_upper_bound = &upper_slice_;
    options.readahead_size = readahead_bytes;
    options.fill_cache = false;  // a scan would only push out what is read again
    iterator_.reset(database.db().NewIterator(options, database.log()));
  }

  // To the batch that holds `offset`. A reader mostly asks for where a batch begins, and going
  // forward from the start spares it a change of direction.
  bool seek(Offset offset) {
    const std::string key = log_key(range_.topic, range_.partition, offset);
    iterator_->Seek(key);
    if (!iterator_->Valid() || base() != offset) iterator_->SeekForPrev(key);
    return iterator_->Valid();
  }
  bool next() {
    iterator_->Next();
    return iterator_->Valid();
  }
  Offset base() const { return base_offset_of(view(iterator_->key())); }
  std::string_view encoded() const { return view(iterator_->value()); }
  bool ok() const { return iterator_->status().ok(); }

  tl::unexpected<Error> corrupt(Offset offset, std::string_view what) const {
    const bool is_system = !ok() && is_system_error(iterator_->status());
    return fail(is_system ? ErrorCode::kDataUnwritable : ErrorCode::kDataCorrupt,
                fmt::format("partition {}, offset {}: {}", range_.partition, offset.value,
                            ok() ? std::string(what) : iterator_->status().ToString()));
  }

 private:
  const LogRange& range_;
  const std::string lower_, upper_;
  const rocksdb::Slice lower_slice_, upper_slice_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace

Result<ReadResult> read_log(Database& database, const LogRange& range, Offset from,
                            std::size_t bytes_max) {
  // JSON shrinks to about a quarter.
  constexpr std::size_t kReadaheadMin = 64U << 10, kReadaheadMax = 1U << 20;
  Cursor cursor(database, range, std::clamp(bytes_max / 4, kReadaheadMin, kReadaheadMax));
  if (!cursor.seek(from)) return cursor.corrupt(from, "the records are missing");

  ReadResult result{.batches = {}, .next = cursor.base()};
  std::size_t bytes = 0;
  do {
    if (cursor.base() != result.next) return cursor.corrupt(result.next, "the records are missing");
    auto stored = decode_stored(cursor.encoded(), result.next);
    if (!stored) return cursor.corrupt(result.next, stored.error().message);
    const BatchPtr& batch = stored->batch;
    if (batch != nullptr && batch->index_of(from) < batch->size()) {  // else all there is erased
      const std::size_t size = batch->memory_bytes();
      if (!result.batches.empty() && bytes + size > bytes_max) return result;
      result.batches.push_back(batch);
      bytes += size;
      result.next = stored->end;
      // The next batch is likely as large: do not decode it to throw it away.
      if (bytes + size > bytes_max) break;
    }
    result.next = stored->end;
  } while (result.next < range.info.end && cursor.next());
  if (!cursor.ok() || result.next <= from ||
      (result.batches.empty() && result.next < range.info.end))
    return cursor.corrupt(result.next, "the records are missing");
  return result;
}

namespace {

// What the editor makes of one batch; adds to `plan` where that is something else.
void edit(const Batch& batch, const StoredHead& head, Offset base, Offset end, const Editor& editor,
          std::size_t bytes_before, ErasurePlan& plan) {
  record::BatchBuilder left;
  std::vector<std::uint32_t> kept;
  const Erased before = plan.erased;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const record::RecordView record = batch[i];
    const Edit edit = batch.offset(i) < end ? editor(record) : Edit{};
    if (edit.kind == Edit::Kind::kErase) {
      ++plan.erased.erased;
      continue;
    }
    const bool is_other = edit.kind == Edit::Kind::kReplace;
    if (is_other) ++plan.erased.replaced;
    left.add(record.timestamp, record.key, is_other ? std::string_view(edit.value) : record.value);
    kept.push_back(static_cast<std::uint32_t>(batch.offset(i).value - base.value));
  }
  if (plan.erased.erased == before.erased && plan.erased.replaced == before.replaced) return;
  std::string value =
      kept.size() == head.offsets ? left.encode(head.appended_at) : encode_left(head, kept, left);
  plan.changed.push_back({base, std::move(value), bytes_before});
}

}  // namespace

Result<ErasurePlan> plan_erasure(Database& database, const LogRange& range, Offset from, Offset end,
                                 const Editor& editor, std::size_t bytes_max) {
  Cursor cursor(database, range, 1U << 20);
  if (!cursor.seek(from)) return cursor.corrupt(from, "the records are missing");
  ErasurePlan plan;
  Offset& next = plan.erased.next;
  next = cursor.base();
  std::size_t bytes = 0;
  do {
    if (cursor.base() != next) return cursor.corrupt(next, "the records are missing");
    const auto stored = decode_stored(cursor.encoded(), next);
    if (!stored) return cursor.corrupt(next, stored.error().message);
    if (stored->batch != nullptr) {
      const StoredHead head{stored->appended_at,
                            static_cast<std::uint32_t>(stored->end.value - next.value)};
      edit(*stored->batch, head, next, end, editor, cursor.encoded().size(), plan);
      bytes += stored->batch->memory_bytes();
    }
    next = stored->end;
  } while (next < end && bytes < bytes_max && cursor.next());
  if (!cursor.ok() || next <= from) return cursor.corrupt(next, "the records are missing");
  return plan;
}

// By halves: of the offsets in between, one leads to the batch that holds it.
Result<Offset> find_appended(Database& database, const LogRange& range, Timestamp time) {
  constexpr std::size_t kNoReadahead = 0;
  Cursor cursor(database, range, kNoReadahead);
  Offset low = range.info.begin, high = range.info.end;  // the answer is in [low, high]
  while (low < high) {
    const Offset middle{low.value + (high.value - low.value) / 2};
    if (!cursor.seek(middle)) return cursor.corrupt(middle, "the records are missing");
    const auto batch = peek_stored(cursor.encoded());
    if (!batch) return cursor.corrupt(cursor.base(), batch.error().message);
    if (batch->appended_at < time) {
      low = {cursor.base().value + batch->offsets};
    } else {
      high = cursor.base();
    }
  }
  return low;
}

// From the oldest on, and no further than the first that stays: append times do not fall.
Result<PartitionInfo> plan_retention(Database& database, const LogRange& range,
                                     const TopicConfig& config, Timestamp now) {
  PartitionInfo left = range.info;
  const std::uint64_t bytes_max = config.retention_bytes.value_or(UINT64_MAX);
  if (left.begin == left.end || (!config.retention_age && left.bytes <= bytes_max)) return left;

  constexpr std::size_t kReadaheadOnDemand = 0;  // mostly it is one look at the oldest batch
  Cursor cursor(database, range, kReadaheadOnDemand);
  bool there = cursor.seek(left.begin);
  while (there) {
    bool goes = left.bytes > bytes_max;
    if (!goes && config.retention_age) {
      const auto batch = peek_stored(cursor.encoded());
      if (!batch) return cursor.corrupt(left.begin, batch.error().message);
      goes = batch->appended_at < now - *config.retention_age;
    }
    if (!goes) break;
    left.bytes -= std::min<std::uint64_t>(left.bytes, cursor.encoded().size());
    there = cursor.next();
    left.begin = there ? cursor.base() : left.end;
  }
  if (!cursor.ok()) return cursor.corrupt(left.begin, "");
  return left;
}

}  // namespace gameflow::log
