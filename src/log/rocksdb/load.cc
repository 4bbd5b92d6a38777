#include "log/rocksdb/load.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "log/rocksdb/erased.h"
#include "log/rocksdb/keys.h"

namespace gameflow::log {
namespace {

// A log must begin and end exactly where the metadata says. Both are written in one batch, so a
// difference means that a file was lost, replaced or damaged. Batches between the two ends are
// checked when they are read.
class Checker {
 public:
  Checker(Database& database, const TopicInfo& topic, std::uint32_t partition)
      : database_(database), topic_(topic), partition_(partition) {}

  // Notes in `info` when the last batch was appended.
  Status check(PartitionInfo& info) const {
    if (info.begin > info.end) return wrong(info.begin, "the log begins after its end");
    const std::string lower = log_key(topic_.id, partition_, info.begin);
    const std::string upper = log_key(topic_.id, partition_ + 1, {0});
    const rocksdb::Slice lower_bound = lower, upper_bound = upper;
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    options.iterate_lower_bound = &lower_bound;  // never look for keys across deleted ones
    options.iterate_upper_bound = &upper_bound;
    const std::unique_ptr<rocksdb::Iterator> at(
        database_.db().NewIterator(options, database_.log()));

    at->Seek(lower);
    if (!at->status().ok()) return wrong(info.begin, at->status());
    if (!at->Valid()) {
      if (info.begin == info.end) return {};
      return wrong(info.begin, "the log is empty, and should not be");
    }
    if (info.begin == info.end) return wrong(info.end, "there are records past the end of the log");
    if (base_offset_of(view(at->key())) != info.begin) {
      return wrong(info.begin, "the first records are missing");
    }
    at->SeekToLast();
    if (!at->Valid()) return wrong(info.end, at->status());
    const Offset base = base_offset_of(view(at->key()));
    const auto batch = decode_stored(view(at->value()), base);
    if (!batch) return wrong(base, batch.error().message);
    info.appended_at = batch->appended_at;
    if (batch->end == info.end) return {};
    return wrong(info.end,
                 fmt::format("the log should end there and ends at offset {}", batch->end.value));
  }

 private:
  tl::unexpected<Error> wrong(Offset offset, std::string_view what) const {
    return fail(damaged(database_.folder(),
                        fmt::format("topic '{}', partition {}, offset {}: {}", topic_.config.name,
                                    partition_, offset.value, what)));
  }

  tl::unexpected<Error> wrong(Offset offset, const rocksdb::Status& status) const {
    if (is_system_error(status)) return fail(read_error(database_.folder(), status));
    return wrong(offset, status.ToString());
  }

  Database& database_;
  const TopicInfo& topic_;
  std::uint32_t partition_;
};

Status load_partitions(Database& database, TopicInfo& topic) {
  for (std::uint32_t partition = 0; partition < topic.config.partitions; ++partition) {
    GF_ASSIGN(const std::optional<std::string> stored,
              database.get(database.meta(), partition_key(topic.id, partition)));
    if (!stored) {
      return fail(
          damaged(database.folder(), fmt::format("nothing is known of topic '{}', partition {}",
                                                 topic.config.name, partition)));
    }
    auto info = decode_partition(*stored);
    if (!info) return fail(damaged(database.folder(), info.error().message));
    GF_TRY(Checker(database, topic, partition).check(*info));
    topic.partitions.push_back(*info);
  }
  return {};
}

// The newest of the times at which producers were used.
Result<std::optional<Timestamp>> newest_use(Database& database) {
  std::optional<Timestamp> newest;
  const rocksdb::Slice end = slice(kProducerKeysEnd);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.meta()));
  for (at->Seek(slice(kProducerKeysBegin)); at->Valid(); at->Next()) {
    // One that does not decode is told of when it is asked for.
    const auto record = decode_producer(view(at->value()));
    if (record) newest = std::max(newest, std::optional(record->used_at));
  }
  if (!at->status().ok()) return fail(read_error(database.folder(), at->status()));
  return newest;
}

}  // namespace

Result<Loaded> load(Database& database) {
  Loaded loaded;
  GF_ASSIGN(const std::optional<std::string> next, database.get(database.meta(), kNextTopicIdKey));
  if (next) {
    const auto number = decode_number(*next);
    if (!number) return fail(damaged(database.folder(), number.error().message));
    loaded.next_topic_id = *number;
  }
  const rocksdb::Slice end = slice(kTopicKeysEnd);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> at(database.db().NewIterator(options, database.meta()));
  for (at->Seek(slice(kTopicKeysBegin)); at->Valid(); at->Next()) {
    auto topic = decode_topic(view(at->key()), view(at->value()));
    if (!topic) return fail(damaged(database.folder(), topic.error().message));
    if (topic->id.value >= loaded.next_topic_id) {
      return fail(
          damaged(database.folder(),
                  fmt::format("topic '{}' has an id that was never given", topic->config.name)));
    }
    GF_TRY(load_partitions(database, *topic));
    for (const PartitionInfo& partition : topic->partitions) {
      loaded.newest = std::max(loaded.newest, partition.appended_at);
    }
    loaded.catalog.add(*std::move(topic));
  }
  if (!at->status().ok()) return fail(read_error(database.folder(), at->status()));
  GF_ASSIGN(const std::optional<Timestamp> used, newest_use(database));
  loaded.newest = std::max(loaded.newest, used);
  return loaded;
}

}  // namespace gameflow::log
