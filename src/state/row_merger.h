// Rows of runs become one: a key that two have by the functions of the states.
//
// Threads  one at a time.
// Errors   running out of memory throws std::bad_alloc; everything may go on then.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gameflow/abi.h>

#include "record/arena.h"
#include "state/layout.h"
#include "state/run.h"

namespace gameflow::state {

// A row that took nothing more, as a sum did not fit.
struct MergeFailure {
  std::string key;  // encoded
  std::string reason;
};

class RowMerger {
 public:
  // `functions`: one for each state of `layout`, which outlives this.
  RowMerger(const Layout& layout, std::vector<abi::MergeFn> functions);

  // The rows of the parts, each with later events than the one before. What is returned lies here,
  // and its text in the parts too, until the next call.
  std::span<const RunItem> merge(std::span<const Run* const> parts,
                                 std::vector<MergeFailure>& failures);

 private:
  static constexpr std::size_t kBatch = 256;
  static constexpr std::ptrdiff_t kFetchAhead = 8;  // entries of a part

  // A key that two have: rows of `from` go into those of `into`, which lies here.
  struct Pair {
    Entry* into;
    const Entry* from;
  };

  RunItem copy(const RunItem& item);
  void add(std::span<const RunItem> from, std::vector<MergeFailure>& failures);
  void merge(std::size_t state, std::vector<MergeFailure>& failures);
  void call(std::size_t state, std::vector<MergeFailure>& failures);

  const Layout& layout_;
  const std::vector<abi::MergeFn> functions_;
  record::BlockArena arena_;  // entries, and text that functions make
  std::vector<RunItem> made_, next_;
  std::vector<Pair> pairs_;
  // A batch.
  std::vector<const Entry*> entries_;
  std::vector<void*> rows_;
  std::vector<const void*> others_;
  std::vector<u32> orders_;
  std::vector<abi::RecordError> errors_;
};

}  // namespace gameflow::state
