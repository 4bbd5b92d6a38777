// Step 3 of an epoch: a window that the watermark has passed becomes one record for the sinks.
//
// Threads  a Flusher belongs to one service and one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "plan/plan.h"
#include "query/query.h"
#include "record/arena.h"
#include "runtime/window_state.h"

namespace gameflow::runtime {

// Larger results are a dead letter: nobody could read them. A `limit` in the query is the way out.
inline constexpr std::size_t kOutputBytesMax = 64U << 20;

// Live rows of one state in order of key, for a query. They point into the window.
void collect_rows(const WindowState& window, const state::Layout& layout, std::size_t state,
                  std::vector<query::Row>& rows);

// A table of a state's rows, still without segments.
query::Table make_table(const plan::StatePlan& state, std::string name);
// The values of its constant columns.
std::vector<std::int64_t> window_constants(Timestamp start, Duration size, bool closed);

class Flusher {
 public:
  // All outlive the flusher.
  Flusher(const plan::Plan& plan, const plan::ServicePlan& service, const abi::Service& functions,
          const state::Layout& layout);

  // The JSON for the sinks; nothing where no row of the window is live. An error (kOperatorFailed)
  // says what the operator threw.
  Result<std::optional<std::string>> run(const WindowState& window);
  // Gives back what is kept from one run to the next.
  void release_memory();

 private:
  static bool run_sql(void* context, const char* text, std::size_t size, u32 type_id, void* list);

  const plan::Plan& plan_;
  const plan::ServicePlan& service_;
  const abi::Service& functions_;
  const state::Layout& layout_;
  std::vector<query::Table> tables_;
  query::Database database_;
  record::BlockArena arena_;
  abi::Call call_{};
};

}  // namespace gameflow::runtime
