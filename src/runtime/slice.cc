#include "runtime/slice.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace gameflow::runtime {
namespace {

constexpr std::uint8_t kNoShard = state::kShards;
constexpr std::size_t kArenaBytesKept = 2U << 20;

}  // namespace

void Slice::run(SliceInput input, const SliceRules& rules, record::Decoder& decoder) {
  input_ = std::move(input);
  service_ = rules.service;
  decode(rules, decoder);
  assign(rules);
  place(rules);
  group();
}

void Slice::clear() {
  input_.batches.clear();
  arena_.reset(kArenaBytesKept);
  origins_.clear();
  record_times_.clear();
  dead_.clear();
  late_.clear();
  window_starts_.clear();
  progress_.reset();
  records_in_ = records_future_ = 0;
}

DeadLetter Slice::dead_letter(std::uint32_t record, std::string_view op, std::string reason) const {
  const Origin& origin = origins_[record];
  return {.service = service_,
          .op = op,
          .field = {},
          .reason = std::move(reason),
          .origin =
              DeadLetter::Origin{input_.topic, input_.partition, origin.offset(), origin.record()},
          .window_start = {}};
}

void Slice::decode(const SliceRules& rules, record::Decoder& decoder) {
  const record::Type& type = *rules.event;
  stride_ = type.size;
  std::size_t count = 0;
  for (const auto& batch : input_.batches) count += batch->size();
  events_ =
      static_cast<char*>(arena_.allocate(count * stride_, std::max<std::size_t>(type.align, 8)));
  origins_.reserve(count);
  for (const auto& batch : input_.batches) {
    const std::uint64_t skip =
        input_.from > batch->base_offset() ? input_.from.value - batch->base_offset().value : 0;
    std::size_t announced = skip;
    for (auto index = static_cast<std::uint32_t>(skip); index < batch->size(); ++index) {
      if (index == announced) {
        announced = batch->run_end(index, record::kLookAheadBytes);
        decoder.look_ahead(announced > index + 1 ? batch->values(index, announced)
                                                 : std::string_view());
      }
      const record::RecordView record = (*batch)[index];
      ++records_in_;
      if (decoder.decode(type, record.value, arena_, events_ + origins_.size() * stride_)) {
        origins_.push_back({batch.get(), index});
        record_times_.push_back(record.timestamp.ms);
        continue;
      }
      const record::DecodeError& error = decoder.error();
      const record::Offset offset{batch->base_offset().value + index};
      dead_.push_back({.service = service_,
                       .op = "decode",
                       .code = error.code,
                       .field = error.field,
                       .reason = error.message,
                       .origin = DeadLetter::Origin{input_.topic, input_.partition, offset, record},
                       .window_start = {}});
    }
  }
}

void Slice::add_failures(std::uint32_t count, std::string_view op) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const abi::RecordError& error = errors_[i];
    if (failed_[error.index]) continue;  // it has its letter: an operator before this one
    failed_[error.index] = true;
    dead_.push_back(dead_letter(error.index, op, error.message.str()));
  }
}

void Slice::assign(const SliceRules& rules) {
  const auto count = static_cast<std::uint32_t>(origins_.size());
  times_.resize(count);
  keys_.resize(count);
  errors_.resize(count);
  failed_.assign(count, false);
  abi::Call call{.arena = &arena_,
                 .window_start_ms = 0,
                 .window_end_ms = 0,
                 .sql = nullptr,
                 .sql_context = nullptr,
                 .sql_error = {}};
  const abi::Service& functions = *rules.functions;
  add_failures(functions.assign_timestamp(&call, events_, stride_, count, record_times_.data(),
                                          times_.data(), errors_.data()),
               "assign-timestamp");
  add_failures(functions.assign_key(&call, events_, stride_, count, keys_.data(), errors_.data()),
               "assign-key");
}

void Slice::place(const SliceRules& rules) {
  const auto count = static_cast<std::uint32_t>(origins_.size());
  starts_.resize(count);
  hashes_.resize(count);
  shards_.assign(count, kNoShard);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (failed_[i]) continue;
    const Timestamp time{times_[i]};
    if (!window::is_event_time(time)) {
      dead_.push_back(dead_letter(
          i, "assign-timestamp",
          fmt::format("event time {} ms is outside years 1 to 9999; is it in another unit?",
                      time.ms)));
      continue;
    }
    if (keys_[i].size() > kKeyBytesMax) {
      dead_.push_back(dead_letter(
          i, "assign-key",
          fmt::format("the key has {} bytes; the limit is {}", keys_[i].size(), kKeyBytesMax)));
      continue;
    }
    if (time >= rules.future_from) {
      ++records_future_;
    } else if (!progress_ || *progress_ < time) {
      progress_ = time;
    }
    const Timestamp start = rules.window.start_of(time);
    if (rules.open_from && start < *rules.open_from) {
      late_.push_back(i);
      continue;
    }
    starts_[i] = start.ms;
    if (window_starts_.empty() || window_starts_.back() != start) {
      // Events come nearly in order: the window is mostly the last one, and there are few.
      const auto known = std::ranges::find(window_starts_, start);
      if (known == window_starts_.end()) {
        window_starts_.push_back(start);
      } else {
        std::iter_swap(known, window_starts_.end() - 1);
      }
    }
    hashes_[i] = state::hash_key(keys_[i].view());
    shards_[i] = static_cast<std::uint8_t>(state::shard_of(hashes_[i]));
  }
}

// Counting sort by shard; within a shard records stay in order.
void Slice::group() {
  struct Place {
    std::uint32_t record = 0, key = 0;  // numbers in by_shard_ and key_bytes_
  };
  Place next[state::kShards + 1];
  for (std::uint32_t i = 0; i < shards_.size(); ++i) {
    ++next[shards_[i]].record;
    next[shards_[i]].key += static_cast<std::uint32_t>(keys_[i].size());
  }
  Place begin;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard) {
    const Place counts = std::exchange(next[shard], begin);
    shard_begin_[shard] = begin.record;
    begin.record += counts.record;
    begin.key += counts.key;
  }
  shard_begin_[state::kShards] = begin.record;
  by_shard_.resize(begin.record);
  key_bytes_.resize(begin.key);
  for (std::uint32_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i] == kNoShard) continue;
    Place& at = next[shards_[i]];
    const std::string_view key = keys_[i].view();
    char* const bytes = key_bytes_.data() + at.key;
    std::ranges::copy(key, bytes);
    by_shard_[at.record] = {
        hashes_[i], {starts_[i]}, bytes, static_cast<std::uint32_t>(key.size()), i};
    at.key += static_cast<std::uint32_t>(key.size());
    ++at.record;
  }
}

}  // namespace gameflow::runtime
