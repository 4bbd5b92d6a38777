#include "runtime/writer.h"

#include <iterator>
#include <utility>

#include "log/partitioning.h"

namespace gameflow::runtime {

log::Append& Writer::batch_for(const Target& target, std::uint64_t spread,
                               std::optional<std::string_view> key, std::size_t value_bytes) {
  const auto partition = key ? log::partition_of(*key, target.partitions)
                             : static_cast<std::uint32_t>(spread % target.partitions);
  const std::size_t bytes = (key ? key->size() : 0) + value_bytes;
  const auto [last, is_first] = last_.try_emplace({target.id, partition}, appends_.size());
  if (!is_first && appends_[last->second].batch.fits(bytes)) return appends_[last->second];
  last->second = appends_.size();
  log::Append& append = appends_.emplace_back(log::Append{target.id, partition, {}});
  append.batch.reserve(expected_ / target.partitions);
  return append;
}

void Writer::add(const Target& target, std::uint64_t spread, Timestamp time,
                 std::optional<std::string_view> key, std::string_view value) {
  batch_for(target, spread, key, value.size()).batch.add(time, key, value);
}

void Writer::lend(const Target& target, std::uint64_t spread, Timestamp time,
                  std::optional<std::string_view> key, std::string_view value,
                  const record::Outlined& outlined) {
  batch_for(target, spread, key, value.size()).batch.lend(time, key, value, outlined);
}

void Writer::seal() {
  for (log::Append& append : appends_) {
    if (append.sealed.batch == nullptr) append.seal();
  }
  last_.clear();
  expected_ = 0;
}

void Writer::append(Writer&& other) {
  for (log::Append& append : other.appends_) {
    const std::pair partition(append.topic, append.partition);
    if (append.sealed.batch == nullptr) {
      last_[partition] = appends_.size();
    } else {
      last_.erase(partition);
    }
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
  for (const log::Append& append : appends_) bytes += append.bytes();
  return bytes;
}

}  // namespace gameflow::runtime
