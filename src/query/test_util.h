// A Table that a test fills.
#pragma once

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "query/query.h"
#include "record/type.h"
#include "state/table.h"

namespace gameflow::query {

class TestTable {
 public:
  TestTable(std::string name, record::Kind key, const record::Type* row, std::size_t segments = 1)
      : layout_({row}), segments_(segments) {
    table.name = std::move(name);
    table.key = key;
    table.row = row;
    table.segments.resize(segments);
    for (auto& shards : segments_) {
      for (std::uint32_t i = 0; i < state::kShards; ++i) shards.emplace_back(layout_);
    }
  }

  // What the row points to is not copied.
  void add(std::size_t segment, std::string_view key, const void* row, Timestamp updated_at = {}) {
    const std::uint64_t hash = state::hash_key(key);
    state::Table& shard = segments_[segment][state::shard_of(hash)];
    state::Entry* entry = shard.find_or_insert(key, hash);
    std::memcpy(layout_.row(entry, 0), row, table.row->size);
    shard.mark_changed(entry, 1, updated_at);
  }

  // Only now queries see what was added.
  void publish() {
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      auto shards = std::make_shared<Shards>();
      for (state::Table& shard : segments_[s]) shards->push_back(shard.seal());
      table.segments[s].shards = std::move(shards);
    }
  }

  Table table;

 private:
  state::Layout layout_;
  std::vector<std::deque<state::Table>> segments_;
};

}  // namespace gameflow::query
