#include "query/topic_cursor.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/visit.h"

namespace gameflow::query {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;

}  // namespace

Status TopicCursor::start(const TopicBounds& bounds, bool backwards) {
  backwards_ = backwards;
  parts_.clear();
  part_ = 0;
  ahead_.clear();
  left_ = items_left_ = 0;
  GF_ASSIGN(const std::vector<TopicReader::Range> ranges, topic_.reader->partitions());
  for (std::uint32_t number = 0; number < ranges.size(); ++number) {
    if (number < bounds.partition_from || number > bounds.partition_to) continue;
    TopicReader::Range range = ranges[number];
    const auto from = static_cast<std::uint64_t>(std::max<std::int64_t>(bounds.offset_from, 0));
    const auto to = static_cast<std::uint64_t>(std::max<std::int64_t>(bounds.offset_to, -1)) + 1;
    range.begin.value = std::max(range.begin.value, from);
    range.end.value = std::min(range.end.value, to);
    if (range.begin >= range.end) continue;
    GF_ASSIGN(range, topic_.reader->narrow(number, range, {bounds.time_from}, {bounds.time_to}));
    if (range.begin < range.end) parts_.push_back({number, range});
  }
  if (backwards_) std::ranges::reverse(parts_);
  return {};
}

Result<bool> TopicCursor::next() {
  while (!next_row()) {
    GF_ASSIGN(const bool found, next_batch());
    if (!found) return false;
  }
  return true;
}

// To the next item of the list at hand, or the next record that is a row or holds one.
bool TopicCursor::next_row() {
  if (items_left_ > 0) {
    --items_left_;
    ++item_;
    row_ += topic_.type->item->size;
    return true;
  }
  item_ = 0;
  while (next_record()) {
    row_ = values_ + std::size_t{record_ - first_} * topic_.type->size;
    if (topic_.type->kind != record::Kind::kList) return true;
    const auto items = record::load<List<char>>(row_);
    if (items.empty()) continue;
    row_ = items.begin();
    items_left_ = static_cast<std::uint32_t>(items.size() - 1);
    return true;
  }
  return false;
}

bool TopicCursor::next_record() {
  while (left_ > 0) {
    record_ = backwards_ ? first_ + left_ - 1 : last_ - left_;
    --left_;
    if (is_row_[record_ - first_]) return true;
  }
  return false;
}

// Decodes the next batch that has records of the range.
Result<bool> TopicCursor::next_batch() {
  for (; part_ < parts_.size(); ++part_, ahead_.clear()) {
    GF_ASSIGN(batch_, fetch(parts_[part_]));
    if (batch_ == nullptr) continue;
    use_.bytes += batch_->memory_bytes();
    if (use_.bytes > use_.bytes_max) {
      return fail(ErrorCode::kSqlLimit,
                  fmt::format("the query read more than {} MiB of topics; narrow it with `where "
                              "_time > …`, _offset or _partition",
                              use_.bytes_max >> 20));
    }
    decode(parts_[part_]);
    return true;
  }
  return false;
}

// The next batch of the part; null where it is read.
Result<record::BatchPtr> TopicCursor::fetch(Part& part) {
  TopicReader::Range& range = part.range;
  if (range.begin >= range.end) return nullptr;
  if (backwards_) return topic_.reader->read_before(part.number, range.end);
  if (ahead_.empty()) {
    GF_ASSIGN(ahead_, topic_.reader->read(part.number, range.begin, kReadBytes));
    std::ranges::reverse(ahead_);
  }
  if (ahead_.empty()) return nullptr;
  record::BatchPtr batch = std::move(ahead_.back());
  ahead_.pop_back();
  return batch;
}

void TopicCursor::decode(Part& part) {
  TopicReader::Range& range = part.range;
  first_ = static_cast<std::uint32_t>(batch_->index_of(range.begin));
  last_ = static_cast<std::uint32_t>(batch_->index_of(range.end));
  left_ = last_ - first_;
  if (backwards_) {
    range.end = std::min(range.end, batch_->base_offset());
  } else {
    range.begin = std::max(range.begin, batch_->end_offset());
  }
  const record::Type& type = *topic_.type;
  const std::size_t count = batch_->size() - first_;
  arena_.reset();
  failures_.clear();
  auto* const values =
      static_cast<char*>(arena_.allocate(count * type.size, std::max<std::size_t>(type.align, 8)));
  decoder_.decode(type, *batch_, first_, arena_, values, failures_);
  values_ = values;
  is_row_.assign(count, true);
  for (const record::BatchDecoder::Failure& failure : failures_)
    is_row_[failure.record - first_] = false;
}

}  // namespace gameflow::query
