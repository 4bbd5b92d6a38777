#include "state/row_merger.h"

#include <algorithm>
#include <compare>
#include <cstring>
#include <utility>

namespace gameflow::state {

RowMerger::RowMerger(const Layout& layout, std::vector<abi::MergeFn> functions)
    : layout_(layout),
      functions_(std::move(functions)),
      orders_(kBatch, abi::kFromLast),
      errors_(kBatch) {}

std::span<const RunItem> RowMerger::merge(std::span<const Run* const> parts,
                                          std::vector<MergeFailure>& failures) {
  arena_.reset();
  made_.clear();
  for (const Run* const part : parts) add(part->items(), failures);
  return made_;
}

RunItem RowMerger::copy(const RunItem& item) {
  const std::size_t bytes = layout_.entry_bytes(item.entry->key_size);
  void* const memory = arena_.allocate(bytes, Layout::kEntryAlign);
  std::memcpy(memory, item.entry, bytes);
  return {item.hash, static_cast<const Entry*>(memory)};
}

void RowMerger::add(std::span<const RunItem> from, std::vector<MergeFailure>& failures) {
  next_.clear();
  pairs_.clear();
  auto at = from.begin();
  for (const RunItem& item : made_) {
    auto order = std::strong_ordering::less;
    while (at != from.end() && (order = compare(layout_, *at, item)) < 0)
      next_.push_back(copy(*at++));
    if (at != from.end() && order == 0) {
      pairs_.push_back({const_cast<Entry*>(item.entry), at->entry});
      ++at;
    }
    if (from.end() - at > kFetchAhead) {
      const auto* const ahead = reinterpret_cast<const char*>(at[kFetchAhead].entry);
      __builtin_prefetch(ahead);
      __builtin_prefetch(ahead + layout_.mutable_bytes());
    }
    next_.push_back(item);
  }
  for (; at != from.end(); ++at) next_.push_back(copy(*at));
  made_.swap(next_);

  for (std::size_t state = 0; state < functions_.size(); ++state) merge(state, failures);
  for (const Pair& pair : pairs_) {
    pair.into->live |= pair.from->live;
    pair.into->updated_at = std::max(pair.into->updated_at, pair.from->updated_at);
  }
}

void RowMerger::merge(std::size_t state, std::vector<MergeFailure>& failures) {
  for (const Pair& pair : pairs_) {
    if ((pair.from->live >> state & 1U) == 0) continue;
    void* const row = layout_.row(pair.into, state);
    const void* const other = layout_.row(pair.from, state);
    if ((pair.into->live >> state & 1U) == 0) {
      std::memcpy(row, other, layout_.codec(state).size());
      continue;
    }
    entries_.push_back(pair.into);
    rows_.push_back(row);
    others_.push_back(other);
    if (rows_.size() == kBatch) call(state, failures);
  }
  if (!rows_.empty()) call(state, failures);
}

void RowMerger::call(std::size_t state, std::vector<MergeFailure>& failures) {
  abi::Call call{};
  call.arena = &arena_;
  const u32 failed = functions_[state](&call, rows_.data(), others_.data(), orders_.data(),
                                       static_cast<u32>(rows_.size()), errors_.data());
  for (u32 i = 0; i < failed; ++i) {
    failures.push_back(
        {std::string(layout_.key(entries_[errors_[i].index])), errors_[i].message.str()});
  }
  entries_.clear();
  rows_.clear();
  others_.clear();
}

}  // namespace gameflow::state
