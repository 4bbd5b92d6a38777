#include "query/page.h"

#include <algorithm>

#include <gameflow/key.h>

#include "query/scan.h"
#include "state/sessions.h"

namespace gameflow::query {
namespace {

constexpr std::size_t kRowsPerLook = 1U << 14;

// The smallest keys of a segment that fit, at most `limit` of them.
class Smallest {
 public:
  explicit Smallest(std::size_t limit) : limit_(limit) {}

  bool wants(std::string_view key) const { return keys_.size() < limit_ || key < keys_.front(); }
  void add(std::string_view key) {
    if (keys_.size() == limit_) {
      std::ranges::pop_heap(keys_);
      keys_.pop_back();
    }
    keys_.push_back(key);
    std::ranges::push_heap(keys_);
  }
  std::vector<std::string_view> take() {
    std::ranges::sort_heap(keys_);
    return std::move(keys_);
  }

 private:
  std::size_t limit_;
  std::vector<std::string_view> keys_;  // a heap, the largest in front
};

bool has_prefix(record::Kind kind, std::string_view key, std::string_view prefix) {
  if (kind == record::Kind::kString) return key.starts_with(prefix);
  return prefix.empty() || shown_key(kind, key).starts_with(prefix);
}

// Of a key's sessions, whether one in an earlier slot stands for it. (That need not have a row of
// this state.)
bool is_told(const RowAccess& access, const RowPlace& place) {
  const std::string_view full_key = access.layout->key(place.entry);
  if (state::Sessions::is_first_slot(full_key)) return false;
  const Shards& shards = *place.segment->shards.get();
  const auto& shard =
      shards[state::shard_of(state::Sessions::shard_hash(full_key)) % shards.size()];
  std::string earlier;
  for (std::uint16_t slot = 0;; ++slot) {
    earlier = access.key(place.entry);
    state::Sessions::append_slot(earlier, slot);
    if (earlier == full_key) return false;
    const state::Entry* const entry = shard->find(earlier, state::hash_key(earlier));
    if (entry != nullptr && access.is_live(entry)) return true;
  }
}

}  // namespace

std::int64_t start_of(const Segment& segment) {
  return segment.constants.empty() ? 0 : segment.constants.front();
}

std::size_t rows_of(const Table& table, const Segment& segment) {
  std::size_t rows = 0;
  if (segment.shards == nullptr) return rows;
  for (const auto& shard : *segment.shards) rows += shard == nullptr ? 0 : shard->rows(table.state);
  return rows;
}

std::string shown_key(record::Kind kind, std::string_view key) {
  if (kind == record::Kind::kString) return std::string(key);
  if (kind == record::Kind::kBool) return key[0] != '\0' ? "1" : "0";
  if (record::is_signed(kind)) return std::to_string(decode_signed_key(Text::view(key)));
  return std::to_string(decode_unsigned_key(Text::view(key)));
}

Result<std::vector<PagePlace>> page_of(const Table& table, const PageQuery& query,
                                       std::chrono::steady_clock::time_point deadline) {
  std::vector<const Segment*> segments;
  for (const Segment& segment : table.segments) {
    if (query.start && start_of(segment) != *query.start) continue;
    if (query.after && start_of(segment) < query.after->start) continue;
    segments.push_back(&segment);
  }
  std::ranges::stable_sort(segments, {}, [](const Segment* s) { return start_of(*s); });
  std::vector<PagePlace> page;
  std::size_t looks = 0;
  for (const Segment* segment : segments) {
    if (page.size() >= query.limit) break;
    Table alone = table;
    alone.segments = {*segment};
    const RowAccess access(alone);
    const bool is_first = query.after && start_of(*segment) == query.after->start;
    Smallest smallest(query.limit - page.size());
    Scan scan(alone);
    for (RowPlace place{}; scan.next(place);) {
      if (table.session_gap && is_told(access, place)) continue;
      if (++looks % kRowsPerLook == 0 && std::chrono::steady_clock::now() >= deadline)
        return fail(ErrorCode::kSqlLimit, "the query took too long and was stopped");
      const std::string_view key = access.key(place.entry);
      if (is_first && key <= query.after->key) continue;
      if (smallest.wants(key) && has_prefix(table.key, key, query.prefix)) smallest.add(key);
    }
    for (const std::string_view key : smallest.take())
      page.push_back({start_of(*segment), std::string(key)});
  }
  return page;
}

}  // namespace gameflow::query
