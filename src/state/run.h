// Rows in the order of their keys' hash: the rows of two runs are put together side by side,
// without looking any of them up.
//
// Threads  a run never changes: any.
// Errors   running out of memory throws std::bad_alloc.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "record/arena.h"
#include "state/layout.h"
#include "state/version.h"

namespace gameflow::state {

// One key of a run. Runs are in this order, and have each key once.
struct RunItem {
  std::uint64_t hash;  // hash_key of its key
  const Entry* entry;
};
inline std::strong_ordering compare(const Layout& layout, const RunItem& one,
                                    const RunItem& other) {
  if (one.hash != other.hash) return one.hash <=> other.hash;
  const std::string_view key = layout.key(one.entry), other_key = layout.key(other.entry);
  return same_key(key, other_key) ? std::strong_ordering::equal : key <=> other_key;
}

class Run {
 public:
  // The live rows of a version, which are not copied.
  explicit Run(std::shared_ptr<const TableVersion> rows);
  // A copy of rows and their text, which come in order.
  Run(const Layout& layout, std::span<const RunItem> items);

  std::span<const RunItem> items() const { return items_; }
  // Without the version's.
  std::size_t bytes() const;

 private:
  std::shared_ptr<const TableVersion> rows_;
  std::vector<RunItem> items_;
  std::unique_ptr<char[]> entries_;
  std::size_t entry_bytes_ = 0;
  record::BlockArena text_{kTextBlockBytes};

  static constexpr std::size_t kTextBlockBytes = 512;
};

}  // namespace gameflow::state
