// Windows that are made of many panes: their rows, merged in order of time.
//
// Windows overlap, so what is merged is kept: as a tree over the panes' numbers, of which each node
// is the rows of 4^level panes. A window of n panes is at most 6 nodes of each of its log n levels;
// a pane that changes makes log n nodes anew, when somebody asks for them. So a slide merges a few
// runs, not n. With halves instead of quarters it would merge two thirds of them, and keep three
// times as much.
//
// Threads  one at a time, but for bytes(): any.
// Errors   running out of memory throws std::bad_alloc; everything may go on then.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <gameflow/abi.h>

#include "state/layout.h"
#include "state/row_merger.h"
#include "state/run.h"
#include "state/version.h"

namespace gameflow::state {

class PaneMerger {
 public:
  using Rows = std::shared_ptr<const TableVersion>;

  // One shard of a pane.
  struct Pane {
    std::int64_t number;  // panes in a row have numbers in a row
    const Rows* rows;
    std::uint64_t stamp;  // another one, and a higher one of the shard, once it has changed
  };

  // As RowMerger.
  PaneMerger(const Layout& layout, std::vector<abi::MergeFn> functions);

  // The rows of a shard of some panes, which come in order: a table of its own, or that of the only
  // pane. Null: none has some. Adds what could not be merged to `failures`.
  Rows merge(std::uint32_t shard, std::span<const Pane> panes, std::vector<MergeFailure>& failures);
  // No window asks for panes below `number` any more.
  void forget_before(std::int64_t number);
  void forget();

  // Of what is kept.
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Node {
    std::uint64_t stamp = 0;  // the highest of its panes
    std::shared_ptr<const Run> run;
    std::vector<MergeFailure> failures;
  };
  struct Place {
    int level;
    std::int64_t number;  // of its first pane, by 4^level
    friend auto operator<=>(const Place&, const Place&) = default;
  };
  using Tree = std::map<Place, Node>;

  const Run* node(Tree& tree, Place place, std::span<const Pane> panes,
                  std::vector<MergeFailure>& failures);

  const Layout& layout_;
  RowMerger merger_;
  std::vector<Tree> trees_;  // by shard
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace gameflow::state
