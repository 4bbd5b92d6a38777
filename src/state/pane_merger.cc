#include "state/pane_merger.h"

#include <algorithm>
#include <cstdint>

#include "state/table.h"

namespace gameflow::state {

PaneMerger::PaneMerger(const Layout& layout, std::vector<abi::MergeFn> functions)
    : layout_(layout), merger_(layout, std::move(functions)), trees_(kShards) {}

PaneMerger::Rows PaneMerger::merge(std::uint32_t shard, std::span<const Pane> panes,
                                   std::vector<MergeFailure>& failures) {
  std::vector<Rows> parts;
  while (!panes.empty()) {
    // The largest node that begins with the first pane, or before it where nothing is, and ends
    // with the last.
    const std::int64_t first = panes.front().number, last = panes.back().number;
    int level = 0;
    while (((first >> level) & 1) == 0 && first + (std::int64_t{2} << level) - 1 <= last) ++level;
    const std::int64_t end = first + (std::int64_t{1} << level);
    const auto count = static_cast<std::size_t>(
        std::ranges::lower_bound(panes, end, {}, &Pane::number) - panes.begin());
    if (Rows rows = node(trees_[shard], {level, first >> level}, panes.first(count), failures))
      parts.push_back(std::move(rows));
    panes = panes.subspan(count);
  }
  return join(parts, failures);
}

PaneMerger::Rows PaneMerger::node(Tree& tree, Place place, std::span<const Pane> panes,
                                  std::vector<MergeFailure>& failures) {
  if (panes.empty()) return nullptr;
  if (panes.size() == 1) return panes.front().rows;
  const std::uint64_t stamp = std::ranges::max(panes, {}, &Pane::stamp).stamp;
  const auto known = tree.find(place);
  if (known != tree.end() && known->second.stamp == stamp) {
    const Node& node = known->second;
    failures.insert(failures.end(), node.failures.begin(), node.failures.end());
    return node.rows;
  }
  const std::int64_t middle = (place.number * 2 + 1) << (place.level - 1);
  const auto count = static_cast<std::size_t>(
      std::ranges::lower_bound(panes, middle, {}, &Pane::number) - panes.begin());
  Node made{.stamp = stamp, .rows = nullptr, .failures = {}};
  std::vector<Rows> halves;
  for (const auto& [half, part] :
       {std::pair(0, panes.first(count)), std::pair(1, panes.subspan(count))}) {
    if (Rows rows = node(tree, {place.level - 1, place.number * 2 + half}, part, made.failures))
      halves.push_back(std::move(rows));
  }
  if (halves.size() < 2) {  // which is kept below, or is a pane's own
    failures.insert(failures.end(), made.failures.begin(), made.failures.end());
    return halves.empty() ? nullptr : halves.front();
  }
  made.rows = join(halves, made.failures);
  failures.insert(failures.end(), made.failures.begin(), made.failures.end());
  count_in(made.rows);
  Node& node = tree[place];
  if (node.rows != nullptr) count_out(node.rows);
  node = std::move(made);
  return node.rows;
}

PaneMerger::Rows PaneMerger::join(std::span<const Rows> parts,
                                  std::vector<MergeFailure>& failures) {
  if (parts.empty()) return nullptr;
  if (parts.size() == 1) return parts.front();
  Table made(layout_);
  for (const Rows& part : parts) merger_.add(*part, made, failures);
  made.own_text();
  merger_.release_text();
  return made.seal();
}

void PaneMerger::forget_before(std::int64_t number) {
  for (Tree& tree : trees_) {
    for (auto at = tree.begin(); at != tree.end();) {
      const int level = at->first.level;
      while (at != tree.end() && at->first < Place{level, number >> level}) {
        count_out(at->second.rows);
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
