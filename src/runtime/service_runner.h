// One service of the dataflow: its place in its input, its windows, and its part of every epoch.
//
// An epoch calls, in this order: read (per input), make_slices, run_slice (per slice), merge,
// update_shard (per shard), flush, add_to, and then committed — or, if the commit failed, restore,
// which brings back what the store holds.
//
// Threads  read, run_slice and update_shard may run in parallel for different numbers; all else on
//          one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/plan.h"
#include "query/query.h"
#include "record/codec.h"
#include "runtime/engine.h"
#include "runtime/flush.h"
#include "runtime/service_store.h"
#include "runtime/shard_update.h"
#include "runtime/slice.h"
#include "runtime/window_state.h"
#include "window/watermark.h"

namespace gameflow::runtime {

class ServiceRunner {
 public:
  // `plan` and `store` outlive the runner. All topics of the plan exist.
  ServiceRunner(const plan::Plan& plan, std::size_t service, const abi::Service& functions,
                log::Store& store);

  // Brings back what the store holds, or starts afresh; what is in memory is forgotten. Errors as
  // Engine::open.
  Status restore(Timestamp now);
  // True after restore if the service, or one of its inputs, is new to the store: committing
  // add_state() fixes where it starts.
  bool has_new_input() const { return has_new_input_; }
  void add_state(log::Commit& commit);

  // Gives back what is kept from epoch to epoch. Between two epochs only.
  void release_memory();
  // Drops what an epoch that did not get to its commit has gathered.
  void forget_epoch();

  std::size_t input_count() const { return inputs_.size(); }
  // Fetches batches behind those fetched already: about `bytes_max`, at least one if there is one.
  Status read(std::size_t input, std::size_t bytes_max);
  std::size_t fetched_bytes(std::size_t input) const { return inputs_[input].fetched_bytes; }
  bool has_input() const;
  // Returns how many slices there are to run.
  std::size_t make_slices(Timestamp now);
  void run_slice(std::size_t slice, record::Decoder& decoder);

  // Advances the watermark and decides which windows close.
  void merge(Timestamp now);
  // After merge: no more input will come, all windows close.
  void finish();
  bool is_finished() const { return watermark_.value() == window::kEndOfTime; }
  // Whether what this service writes is input of `other`.
  bool feeds(const ServiceRunner& other) const;
  bool has_work() const { return has_input() || !closing_.empty(); }
  void update_shard(std::uint32_t shard, ShardUpdate& worker);
  void flush();
  void add_to(log::Commit& commit);
  // Returns the bytes of the windows that were flushed or are forgotten now.
  std::size_t committed();

  std::string_view name() const { return plan_.spec->name; }
  const plan::ServicePlan& plan() const { return plan_; }
  ServiceStats stats(Timestamp now) const;
  bool has_open_windows() const { return !windows_.empty(); }
  // Copies the live rows of one state, in order of key: open windows and the last closed one.
  StateSnapshot snapshot(std::size_t state, std::string table) const;

 private:
  struct Input {
    std::string topic;
    log::TopicId id;
    std::uint32_t partition = 0;
    spec::StartOffset start = spec::StartOffset::kBeginning;
    log::Offset next;
    std::vector<record::BatchPtr> fetched;
    std::size_t fetched_bytes = 0;
    std::uint64_t expired = 0;  // records that retention took before they were read, in this epoch
  };
  struct Target {
    log::TopicId id;
    std::uint32_t partitions = 1;
  };
  struct Output {
    Timestamp window;
    std::string json;
  };

  void close_windows();
  void open_windows(const Slice& slice, std::ptrdiff_t& far_ahead);
  void find_inputs();
  Target target(const std::string& topic) const;
  Status place_at(Input& input, spec::StartOffset start);
  Status restore_windows(const std::vector<int>& states);
  void tell_changed_states(const std::vector<StoredState>& stored) const;
  Status place_inputs(const ServiceRecord& record, Timestamp now);
  void collect_failures();
  void add_segments(log::Commit& commit);
  void add_records(log::Commit& commit);
  ServiceRecord record() const;

  const plan::Plan& dataflow_;
  const plan::ServicePlan& plan_;
  const abi::Service& functions_;
  log::Store& store_;
  const state::Layout layout_;
  const window::Tumbling tumbling_;
  std::vector<Input> inputs_;
  std::vector<StoredInput> former_inputs_;  // of sources that the dataflow has no longer
  std::vector<Target> sinks_;
  Target dead_letters_;
  std::optional<Target> late_;
  Flusher flusher_;

  // State: what the store holds after committed().
  window::Watermark watermark_;
  // Windows that start before this have been flushed, or are in this epoch; none of them opens
  // again, whatever becomes of the grace period.
  std::optional<Timestamp> open_from_;
  Windows windows_;
  std::unique_ptr<WindowState> last_closed_;
  Counters counters_;
  bool has_new_input_ = false;
  bool rewrite_all_ = false;  // the stored states are numbered otherwise: write every window anew

  // Of the running epoch.
  Timestamp now_;
  SliceRules rules_;
  std::deque<Slice> slices_;
  std::size_t slice_count_ = 0;
  std::vector<SliceInput> slice_inputs_;
  std::array<ShardUpdateResult, state::kShards> shard_results_;
  std::vector<Timestamp> closing_;
  std::vector<Output> outputs_;
  std::vector<DeadLetter> dead_;
};

}  // namespace gameflow::runtime
