// The steps of an epoch over all services: read, run the functions, update the shards, flush,
// commit.
//
// Threads  one; it works along with the pool's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "base/memory_reserve.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"
#include "runtime/epoch.h"
#include "runtime/epoch_steps.h"
#include "runtime/flush_pool.h"
#include "runtime/forgetting.h"
#include "runtime/intake.h"
#include "runtime/live_rows.h"
#include "runtime/loop.h"
#include "runtime/memory_hold.h"
#include "runtime/schedules.h"
#include "runtime/stats.h"
#include "runtime/tables.h"
#include "runtime/task.h"
#include "runtime/worker_pool.h"

namespace gameflow::runtime {

enum class EpochResult : std::uint8_t {
  kIdle,       // nothing to do: wait for input or for time to pass
  kCommitted,  // something was processed and is committed; call again at once
  kTooLarge,   // dropped: its functions made too much. Call again at once: the next one is smaller
};

class EpochRunner {
 public:
  // The engine's view of time as an epoch begins.
  struct Look {
    Timestamp now;
    Duration attention;
  };

  struct Limits {
    std::uint32_t threads;
    std::size_t rows_flushed_at_once;
    Intake::Limits input;
    MemoryWatch* memory;  // null: none
    bool takes_over;      // as runtime::Options
  };

  // `services` are those of the graph, in order; all references outlive the runner. `flushed` is
  // called, on any thread, when a window was flushed beside the epochs.
  EpochRunner(const plan::Graph& graph, std::vector<Service> services, log::Store& store,
              const Limits& limits, std::function<void()> flushed);

  // Once, before the first epoch. `forgetting`: as runtime::Options. Errors as Engine::open.
  Status restore(Look look, Forgetting* forgetting);
  // An error leaves everything as before the epoch, also kMemoryFull where it needs more memory
  // than there is; but one that says "restart" cannot be mended by another try.
  Result<EpochResult> run(Look look, bool input_ends);
  // Until no window is being flushed beside the epochs.
  void wait_for_flushes() { flushes_.wait(); }

  // What queries see. Any thread may ask for a view.
  const VisibleTables& tables() const { return tables_; }
  // When to run again, behind an epoch with this result.
  EngineLoop::Next next(EpochResult result) const;
  // `epochs` and `seconds`, of this process.
  EngineStats stats(Duration attention) const;
  // Between epochs: gives back what large ones and windows took in memory, and, once the process
  // has grown, what was freed since.
  void release_memory();

 private:
  Status compute(Epoch& epoch, bool input_ends, MemoryAllowance& made);
  Result<EpochResult> ran_out(const Epoch& epoch, const MemoryAllowance& made, Error error);
  void advance(Epoch& epoch, std::uint32_t rank);
  void end(Epoch& epoch);
  bool end_next(Epoch& epoch);
  void change(Epoch& epoch, std::uint32_t rank);
  Status commit(Epoch& epoch);
  void show(Epoch& epoch);

  log::Store& store_;
  WorkerPool pool_;
  VisibleTables tables_;
  LiveRows rows_;
  std::vector<std::unique_ptr<ServiceTask>> tasks_;
  FlushPool flushes_;  // behind the tasks: it uses their flushers
  EpochSteps steps_;
  Intake intake_;
  EpochMemory memory_;
  MemoryHold hold_;
  Schedules schedules_;
  struct Totals {
    std::uint64_t epochs = 0;
    EpochSeconds seconds;
  };
  Totals totals_;
  struct Condition {
    bool is_half_shown = false;  // an epoch is stored, and what is in memory is not all of it
    bool was_large = false;      // an epoch or a window was, since memory was last given back
    // What restore() would have written, but for a full disk; it goes before the first epoch.
    std::optional<log::Commit> unwritten;
  };
  Condition condition_;
};

}  // namespace gameflow::runtime
