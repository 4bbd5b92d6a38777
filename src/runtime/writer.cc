#include "runtime/writer.h"

#include <iterator>
#include <utility>

#include "log/partitioning.h"

namespace gameflow::runtime {

log::Append& Writer::batch_for(log::TopicId topic, std::uint32_t partition, std::size_t bytes) {
  const auto [last, is_first] = last_.try_emplace({topic, partition}, appends_.size());
  if (!is_first && appends_[last->second].batch.fits(bytes)) return appends_[last->second];
  last->second = appends_.size();
  return appends_.emplace_back(log::Append{topic, partition, {}});
}

void Writer::add(const Target& target, std::uint64_t spread, Timestamp time,
                 std::optional<std::string_view> key, std::string_view value) {
  const auto partition = key ? log::partition_of(*key, target.partitions)
                             : static_cast<std::uint32_t>(spread % target.partitions);
  batch_for(target.id, partition, (key ? key->size() : 0) + value.size())
      .batch.add(time, key, value);
}

void Writer::append(Writer&& other) {
  for (log::Append& append : other.appends_) {
    last_[{append.topic, append.partition}] = appends_.size();
    appends_.push_back(std::move(append));
  }
  other.clear();
}

void Writer::move_to(std::vector<log::Append>& appends) {
  std::ranges::move(appends_, std::back_inserter(appends));
  clear();
}

void Writer::clear() {
  appends_.clear();
  last_.clear();
}

std::size_t Writer::bytes() const {
  std::size_t bytes = 0;
  for (const log::Append& append : appends_) bytes += append.batch.bytes();
  return bytes;
}

}  // namespace gameflow::runtime
