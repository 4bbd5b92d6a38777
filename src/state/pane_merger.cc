#include "state/pane_merger.h"

#include <algorithm>
#include <cstdint>

#include "state/table.h"

namespace gameflow::state {

PaneMerger::PaneMerger(const Layout& layout, std::vector<abi::MergeFn> functions)
    : layout_(layout), merger_(layout, std::move(functions)), trees_(kShards) {}

PaneMerger::Rows PaneMerger::merge(std::uint32_t shard, std::span<const Pane> panes,
                                   std::vector<MergeFailure>& failures) {
  if (panes.empty()) return nullptr;
  if (panes.size() == 1) return panes.front().rows;
  std::vector<const Run*> parts;
  while (!panes.empty()) {
    // The largest node that begins with the first pane, or before it where nothing is, and ends
    // with the last.
    const std::int64_t first = panes.front().number, last = panes.back().number;
    int level = 0;
    while (((first >> level) & 1) == 0 && first + (std::int64_t{2} << level) - 1 <= last) ++level;
    const std::int64_t end = first + (std::int64_t{1} << level);
    const auto count = static_cast<std::size_t>(
        std::ranges::lower_bound(panes, end, {}, &Pane::number) - panes.begin());
    parts.push_back(node(trees_[shard], {level, first >> level}, panes.first(count), failures));
    panes = panes.subspan(count);
  }
  Table made(layout_);
  made.take_rows(merger_.merge(parts, failures));
  return made.seal();
}

// Of panes, of which there is one.
const Run* PaneMerger::node(Tree& tree, Place place, std::span<const Pane> panes,
                            std::vector<MergeFailure>& failures) {
  if (panes.size() == 1) place = {0, panes.front().number};
  const std::uint64_t stamp = std::ranges::max(panes, {}, &Pane::stamp).stamp;
  if (const auto known = tree.find(place); known != tree.end() && known->second.stamp == stamp) {
    const Node& node = known->second;
    failures.insert(failures.end(), node.failures.begin(), node.failures.end());
    return node.run.get();
  }
  Node made{.stamp = stamp, .run = nullptr, .failures = {}};
  if (panes.size() == 1) {
    made.run = std::make_shared<const Run>(panes.front().rows);
  } else {
    const std::int64_t middle = (place.number * 2 + 1) << (place.level - 1);
    const auto count = static_cast<std::size_t>(
        std::ranges::lower_bound(panes, middle, {}, &Pane::number) - panes.begin());
    std::vector<const Run*> halves;
    for (const auto& [half, part] :
         {std::pair(0, panes.first(count)), std::pair(1, panes.subspan(count))}) {
      const Place below{place.level - 1, place.number * 2 + half};
      if (!part.empty()) halves.push_back(node(tree, below, part, made.failures));
    }
    if (halves.size() < 2) {  // which is kept below
      failures.insert(failures.end(), made.failures.begin(), made.failures.end());
      return halves.front();
    }
    made.run = std::make_shared<const Run>(layout_, merger_.merge(halves, made.failures));
  }
  failures.insert(failures.end(), made.failures.begin(), made.failures.end());
  bytes_ += made.run->bytes();
  Node& node = tree[place];
  if (node.run != nullptr) bytes_ -= node.run->bytes();
  node = std::move(made);
  return node.run.get();
}

void PaneMerger::forget_before(std::int64_t number) {
  for (Tree& tree : trees_) {
    for (auto at = tree.begin(); at != tree.end();) {
      const int level = at->first.level;
      while (at != tree.end() && at->first < Place{level, number >> level}) {
        bytes_ -= at->second.run->bytes();
        at = tree.erase(at);
      }
      at = tree.lower_bound({level + 1, INT64_MIN});
    }
  }
}

void PaneMerger::forget() {
  for (Tree& tree : trees_) tree.clear();
  bytes_ = 0;
}

}  // namespace gameflow::state
