// Rows of two tables become one: a key that both have by the functions of the states.
//
// Threads  one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gameflow/abi.h>

#include "record/arena.h"
#include "state/layout.h"
#include "state/table.h"
#include "state/version.h"

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

  // Takes the rows of `from`, all of later events, into `into`. Their text is shared, and what the
  // functions make of it lies here, until Table::own_text and then release_text().
  void add(const TableVersion& from, Table& into, std::vector<MergeFailure>& failures);
  void release_text() { arena_.reset(); }

 private:
  static constexpr std::size_t kBatch = 256;

  void take(Table& into, std::vector<MergeFailure>& failures);
  void merge(std::size_t state, std::vector<MergeFailure>& failures);

  const Layout& layout_;
  const std::vector<abi::MergeFn> functions_;
  // A batch.
  std::vector<const Entry*> entries_;
  std::vector<Probe> probes_;
  std::vector<Entry*> places_;
  std::vector<std::uint32_t> merged_;  // numbers of those that both have
  std::vector<void*> rows_;
  std::vector<const void*> others_;
  std::vector<u32> orders_;
  std::vector<abi::RecordError> errors_;
  record::BlockArena arena_;
};

}  // namespace gameflow::state
