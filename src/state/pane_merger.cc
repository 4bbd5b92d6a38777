#include "state/pane_merger.h"

#include <algorithm>
#include <cstdint>

#include "state/table.h"

namespace gameflow::state {
namespace {

constexpr int kPartBits = 2;  // of a node's parts, which are four
constexpr std::int64_t kParts = 1 << kPartBits;

// Panes of a node.
constexpr std::int64_t width(int level) {
  return std::int64_t{1} << kPartBits * level;
}
constexpr std::int64_t number_at(int level, std::int64_t pane) {
  return pane >> kPartBits * level;
}

// Takes those with numbers below `end` off the front.
std::span<const PaneMerger::Pane> take_before(std::span<const PaneMerger::Pane>& panes,
                                              std::int64_t end) {
  const auto count = static_cast<std::size_t>(
      std::ranges::lower_bound(panes, end, {}, &PaneMerger::Pane::number) - panes.begin());
  const auto taken = panes.first(count);
  panes = panes.subspan(count);
  return taken;
}

}  // namespace

PaneMerger::PaneMerger(const Layout& layout, std::vector<abi::MergeFn> functions)
    : layout_(layout), merger_(layout, std::move(functions)), trees_(kShards) {}

PaneMerger::Rows PaneMerger::merge(std::uint32_t shard, std::span<const Pane> panes,
                                   std::vector<MergeFailure>& failures) {
  if (panes.empty()) return nullptr;
  if (panes.size() == 1) return *panes.front().rows;
  std::vector<const Run*> parts;
  while (!panes.empty()) {
    // The largest node that begins with the first pane, or before it where nothing is, and ends
    // with the last.
    const std::int64_t first = panes.front().number, last = panes.back().number;
    int level = 0;
    while (first % width(level + 1) == 0 && first + width(level + 1) - 1 <= last) ++level;
    const auto of_node = take_before(panes, first + width(level));
    parts.push_back(node(trees_[shard], {level, number_at(level, first)}, of_node, failures));
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
    made.run = std::make_shared<const Run>(*panes.front().rows);
  } else {
    std::vector<const Run*> parts;
    for (std::int64_t number = place.number * kParts; !panes.empty(); ++number) {
      const auto of_part = take_before(panes, (number + 1) * width(place.level - 1));
      if (of_part.empty()) continue;
      parts.push_back(node(tree, {place.level - 1, number}, of_part, made.failures));
    }
    if (parts.size() == 1) {  // which is kept below
      failures.insert(failures.end(), made.failures.begin(), made.failures.end());
      return parts.front();
    }
    made.run = std::make_shared<const Run>(layout_, merger_.merge(parts, made.failures));
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
      while (at != tree.end() && at->first < Place{level, number_at(level, number)}) {
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
