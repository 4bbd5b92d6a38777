#include "state/run.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gameflow::state {

Run::Run(std::shared_ptr<const TableVersion> rows) : rows_(std::move(rows)) {
  const Layout& layout = rows_->layout();
  items_.reserve(rows_->keys());
  rows_->for_each([&](const Entry* entry) {
    if (entry->live != 0) items_.push_back({hash_key(layout.key(entry)), entry});
  });
  std::ranges::sort(items_, [&](const RunItem& one, const RunItem& other) {
    return compare(layout, one, other) < 0;
  });
}

Run::Run(const Layout& layout, std::span<const RunItem> items)
    : items_(items.begin(), items.end()) {
  for (const RunItem& item : items) entry_bytes_ += layout.entry_bytes(item.entry->key_size);
  entries_ = std::make_unique_for_overwrite<char[]>(entry_bytes_);
  char* at = entries_.get();
  for (RunItem& item : items_) {
    const std::size_t bytes = layout.entry_bytes(item.entry->key_size);
    auto* const entry = reinterpret_cast<Entry*>(at);
    std::memcpy(at, item.entry, bytes);
    for (std::size_t state = 0; layout.has_text() && state < layout.state_count(); ++state) {
      layout.codec(state).adopt_text(layout.row(entry, state), text_,
                                     [](const char*) { return false; });
    }
    item.entry = entry;
    at += bytes;
  }
}

std::size_t Run::bytes() const {
  return sizeof(Run) + items_.capacity() * sizeof(RunItem) + entry_bytes_ + text_.capacity_bytes();
}

}  // namespace gameflow::state
