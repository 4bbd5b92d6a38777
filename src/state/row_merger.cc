#include "state/row_merger.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gameflow::state {

RowMerger::RowMerger(const Layout& layout, std::vector<abi::MergeFn> functions)
    : layout_(layout),
      functions_(std::move(functions)),
      places_(kBatch),
      orders_(kBatch, abi::kFromLast),
      errors_(kBatch) {}

void RowMerger::add(const TableVersion& from, Table& into, std::vector<MergeFailure>& failures) {
  entries_.clear();
  probes_.clear();
  from.for_each([&](const Entry* entry) {
    if (entry->live == 0) return;
    const std::string_view key = layout_.key(entry);
    entries_.push_back(entry);
    probes_.push_back({key, hash_key(key)});
    if (entries_.size() == kBatch) take(into, failures);
  });
  if (!entries_.empty()) take(into, failures);
}

void RowMerger::take(Table& into, std::vector<MergeFailure>& failures) {
  into.find_or_insert(probes_, places_.data());
  for (std::size_t state = 0; state < functions_.size(); ++state) {
    merged_.clear();
    for (std::uint32_t i = 0; i < entries_.size(); ++i) {
      if ((entries_[i]->live >> state & 1U) == 0) continue;
      if ((places_[i]->live >> state & 1U) != 0) {
        merged_.push_back(i);
      } else {
        std::memcpy(layout_.row(places_[i], state), layout_.row(entries_[i], state),
                    layout_.codec(state).size());
      }
    }
    merge(state, failures);
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Timestamp updated_at = places_[i]->live == 0
                                     ? entries_[i]->updated_at
                                     : std::max(places_[i]->updated_at, entries_[i]->updated_at);
    into.mark_changed(places_[i], entries_[i]->live, updated_at);
  }
  entries_.clear();
  probes_.clear();
}

void RowMerger::merge(std::size_t state, std::vector<MergeFailure>& failures) {
  if (merged_.empty()) return;
  rows_.clear();
  others_.clear();
  for (const std::uint32_t i : merged_) {
    rows_.push_back(layout_.row(places_[i], state));
    others_.push_back(layout_.row(entries_[i], state));
  }
  abi::Call call{};
  call.arena = &arena_;
  const u32 failed = functions_[state](&call, rows_.data(), others_.data(), orders_.data(),
                                       static_cast<u32>(rows_.size()), errors_.data());
  for (u32 i = 0; i < failed; ++i) {
    const std::uint32_t entry = merged_[errors_[i].index];
    failures.push_back({std::string(probes_[entry].key), errors_[i].message.str()});
  }
}

}  // namespace gameflow::state
