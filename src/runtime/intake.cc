#include "runtime/intake.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace gameflow::runtime {
namespace {

// Batches are put together to chunks of about this size, so that a stream of small requests does
// not pay the cost of a chunk per request; and a chunk's values stay in the L2 cache between
// decoding and the functions.
constexpr std::size_t kChunkBytes = 1U << 20;

// Of a batch, and what is made of it: stored as columns it is much smaller.
std::size_t decoded_bytes(const record::Batch& batch, const record::Type& type) {
  return std::max(batch.memory_bytes(), batch.size() * type.size);
}

}  // namespace

Result<Intake::Feeds> Intake::find_feeds(std::span<const std::unique_ptr<ServiceTask>> tasks,
                                         Epoch& epoch) const {
  Feeds feeds;
  std::map<std::tuple<log::TopicId, std::uint32_t, log::Offset>, std::size_t> known;
  for (std::size_t service = 0; service < tasks.size(); ++service) {
    if (tasks[service]->stopped()) continue;
    const Service& bound = tasks[service]->service();
    for (std::uint32_t i = 0; i < bound.inputs.size(); ++i) {
      const Input& input = bound.inputs[i];
      if (ServiceEpoch& part = epoch.services[service]; part.is_held) {
        GF_TRY(hold_back(input, i, epoch, part.after));
        continue;
      }
      const log::Offset from = tasks[service]->positions().next[i];
      const auto [found, is_new] =
          known.try_emplace({input.topic, input.partition, from}, feeds.size());
      if (is_new) {
        feeds.push_back({.topic = bound.sources[input.source].topic,
                         .id = input.topic,
                         .partition = input.partition,
                         .from = from,
                         .next = from,
                         .readers = {},
                         .batches = {}});
      }
      feeds[found->second].readers.push_back({service, i});
    }
  }
  return feeds;
}

Status Intake::hold_back(const Input& input, std::uint32_t number, const Epoch& epoch,
                         Positions& positions) const {
  GF_ASSIGN(const log::PartitionInfo info, store_.partition(input.topic, input.partition));
  if (positions.next[number] < info.end) positions.watermark.forgive(number, epoch.attention);
  return {};
}

Status Intake::read(std::span<const std::unique_ptr<ServiceTask>> tasks, std::size_t bytes_max,
                    EpochMemory& memory, Epoch& epoch) {
  GF_ASSIGN(Feeds feeds, find_feeds(tasks, epoch));
  bytes_max = std::min(bytes_max, size_.bytes());
  const std::size_t share = bytes_max / std::max<std::size_t>(1, feeds.size());
  std::vector<Feed*> wanted;
  for (Feed& feed : feeds) wanted.push_back(&feed);
  GF_TRY(fetch(wanted, share));
  std::size_t fetched = 0;
  for (const Feed& feed : feeds) fetched += feed.bytes;
  // A read stops before the batch that would go over: who has taken half of its share may have
  // more.
  std::erase_if(wanted, [share](const Feed* feed) { return feed->bytes < share / 2; });
  const std::size_t left = bytes_max - std::min(bytes_max, fetched);
  if (left >= share && !wanted.empty()) GF_TRY(fetch(wanted, left / wanted.size()));
  std::size_t text_bytes = 0;
  for (Feed& feed : feeds) {
    epoch.bytes += feed.bytes;
    for (const record::BatchPtr& batch : feed.batches) text_bytes += batch->text_bytes();
    deliver(feed, epoch);
    cut(feed, memory, epoch);
  }
  was_small_ = epoch.bytes < bytes_max && text_bytes < small_bytes_;
  // A feed that another service found first comes first.
  for (ServiceEpoch& service : epoch.services)
    std::ranges::stable_sort(service.deliveries, {}, &Delivery::input);
  return {};
}

Status Intake::fetch(const std::vector<Feed*>& feeds, std::size_t bytes_max) {
  std::vector<Status> statuses(feeds.size());
  pool_.for_each(feeds.size(), was_small_,
                 [&](std::uint32_t, std::size_t i) { statuses[i] = fetch(*feeds[i], bytes_max); });
  for (Status& status : statuses) GF_TRY(std::move(status));
  return {};
}

Status Intake::fetch(Feed& feed, std::size_t bytes_max) const {
  auto read = store_.read(feed.id, feed.partition, feed.next, bytes_max);
  if (!read && read.error().code == ErrorCode::kOffsetOutOfRange && feed.batches.empty()) {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(feed.id));
    const log::PartitionInfo& partition = info.partitions[feed.partition];
    if (feed.next < partition.begin) feed.expired = partition.begin.value - feed.next.value;
    spdlog::warn("topic '{}' partition {} offset {} is gone; going on at {}", feed.topic->name,
                 feed.partition, feed.next.value, partition.begin.value);
    feed.from = feed.next = partition.begin;
    read = store_.read(feed.id, feed.partition, feed.next, bytes_max);
  }
  if (!read) return fail(std::move(read).error());
  feed.next = read->next;
  for (record::BatchPtr& batch : read->batches) {
    feed.bytes += batch->memory_bytes();
    feed.batches.push_back(std::move(batch));
  }
  return {};
}

// Positions go past gaps without records too; but only records, or their loss, are work.
void Intake::deliver(const Feed& feed, Epoch& epoch) {
  for (const Reader& reader : feed.readers) {
    ServiceEpoch& service = epoch.services[reader.service];
    service.after.next[reader.input] = feed.next;
    service.after.counters.records_expired += feed.expired;
    service.has_input = service.has_input || !feed.batches.empty() || feed.expired != 0;
  }
}

void Intake::cut(Feed& feed, EpochMemory& memory, Epoch& epoch) {
  std::size_t bytes = kChunkBytes;
  for (record::BatchPtr& batch : feed.batches) {
    if (bytes >= kChunkBytes) {
      Epoch::Reading& reading =
          epoch.readings.emplace_back(Epoch::Reading{.chunk = &memory.chunk(),
                                                     .source = {.topic = feed.topic->name,
                                                                .partition = feed.partition,
                                                                .type = feed.topic->type,
                                                                .from = feed.from,
                                                                .batches = {}},
                                                     .deliveries = {}});
      for (const Reader& reader : feed.readers) {
        Delivery& delivery = memory.delivery();
        delivery.chunk = reading.chunk;
        delivery.input = reader.input;
        reading.deliveries.emplace_back(reader.service, &delivery);
        epoch.services[reader.service].deliveries.push_back(&delivery);
      }
      bytes = 0;
    }
    bytes += decoded_bytes(*batch, *feed.topic->type);
    epoch.readings.back().source.batches.push_back(std::move(batch));
  }
}

}  // namespace gameflow::runtime
