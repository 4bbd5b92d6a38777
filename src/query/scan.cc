#include "query/scan.h"

#include <mutex>
#include <utility>

#include "query/page.h"

namespace gameflow::query {

struct SegmentShards::Made {
  std::once_flag once;
  std::function<Shards()> make;
  Shards shards;
};

SegmentShards SegmentShards::made_by(std::function<Shards()> make) {
  SegmentShards shards;
  shards.made_ = std::make_shared<Made>();
  shards.made_->make = std::move(make);
  return shards;
}

const Shards* SegmentShards::get() const {
  if (made_ == nullptr) return shards_.get();
  std::call_once(made_->once, [this] {
    made_->shards = made_->make();
    made_->make = nullptr;
  });
  return &made_->shards;
}

std::size_t Table::rows() const {
  std::size_t rows = 0;
  for (const Segment& segment : segments) rows += rows_of(*this, segment);
  return rows;
}

RowAccess::RowAccess(const Table& table)
    : state(table.state), session_gap(table.session_gap.value_or(Duration{})) {
  for (const Segment& segment : table.segments) {
    if (segment.shards == nullptr) continue;
    for (const auto& shard : *segment.shards) {
      if (shard == nullptr) continue;
      layout = &shard->layout();
      return;
    }
  }
}

bool Scan::next(RowPlace& place) {
  for (; segment_ != end_; ++segment_, shard_ = 0) {
    const std::size_t shards = segment_->shards == nullptr ? 0 : segment_->shards->size();
    for (; shard_ < shards; ++shard_, cursor_ = {}) {
      const state::TableVersion* shard = (*segment_->shards)[shard_].get();
      if (shard == nullptr) continue;
      while (const state::Entry* entry = shard->next(cursor_)) {
        if ((entry->live >> state_ & 1U) == 0) continue;
        place = {entry, segment_};
        return true;
      }
    }
  }
  return false;
}

}  // namespace gameflow::query
