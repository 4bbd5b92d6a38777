// One service of the graph, bound to a store and a library: topic ids and function pointers in
// place of names. What an engine does with the service is all here; where it stands is in
// positions.h and task.h.
//
// Threads  immutable once bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "record/type.h"
#include "runtime/bound_join.h"
#include "runtime/results.h"
#include "state/layout.h"
#include "state/sessions.h"
#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {

// A `run:` block of the service.
struct BoundOperator {
  std::string node;       // id, as in plan::Description
  std::string_view name;  // as dead letters say it; empty: the number is nobody's
};

// Counts by number of the service's operators.
using OperatorCounts = std::vector<abi::StepCount>;
void add(const OperatorCounts& more, OperatorCounts& to);

// Functions that were fused into one.
struct BoundChain {
  abi::ChainFn function = nullptr;          // null: values pass as they are
  u32 asks = 0;                             // a mask of abi::Asks
  std::size_t first = 0;                    // number of the first step
  std::vector<std::string_view> operators;  // the name of each step, for dead letters
};

struct BoundSource {
  const plan::Topic* topic;
  plan::StartOffset start;
  BoundChain chain;
};

// One partition of one source. What a service reads is numbered: sources in order, partitions in
// order.
struct Input {
  std::uint32_t source;
  log::TopicId topic;
  std::uint32_t partition;
};

struct BoundSink {
  Target target;
  const record::Type* type;  // of the values that are written
  BoundChain chain;
};

// What a service with states does behind the exchange.
struct BoundKeyed {
  const plan::Keyed* plan;
  state::Layout layout;
  plan::BoundFunction<abi::UpdateFn> update;
  std::size_t first;                        // number of the first step
  std::vector<std::string_view> operators;  // names of its steps, then of on-expire by state
  std::vector<abi::ExpireFn> expires;       // by state; null: it has none
  std::vector<abi::MergeFn> merges;         // by state; where windows are merged, or sessions
  abi::FlushFn flush;                       // null: there is no window, or each row is flushed
  abi::EachFn each;                         // null: the window is flushed as a whole
  window::Assigner assigner;
  std::optional<state::SessionRules> sessions;  // windows are such
  window::Trigger trigger;
  ResultRules results;
  std::optional<Target> late;
};

struct Service {
  std::string_view name;
  plan::ServiceId id = 0;
  std::uint32_t rank = 0;     // as in the plan
  bool reads_others = false;  // as plan::Service
  std::vector<BoundSource> sources;
  std::vector<Input> inputs;
  std::optional<BoundKeyed> keyed;
  std::optional<BoundJoin> join;  // neither: a stateless pipe
  std::vector<BoundSink> sinks;
  std::vector<BoundOperator> operators;  // by number
  Target dead_letters;
  plan::ErrorPolicy on_error = plan::ErrorPolicy::kDeadLetter;
  Duration future_max;  // events stamped further ahead of the clock do not tell the time

  bool writes(log::TopicId topic) const;  // to sinks, or late records
  // Else rows live until they are erased or run out: in one window that never closes.
  bool has_windows() const { return keyed && keyed->plan->window; }
  bool has_sessions() const { return keyed && keyed->sessions; }
  // One of what the source of an input calls so: "assign-key"; it need not have it.
  void add_failure(std::uint32_t input, std::string_view op, OperatorCounts& counts) const;
  // Of `flush`, behind the functions at the rows.
  std::size_t flush_number() const { return keyed->first + keyed->operators.size(); }
  bool is_pipe() const { return !keyed && !join; }
  // Whether something leaves the rows for the sinks while records come.
  bool has_keyed_outputs() const {
    return join || (keyed && keyed->plan->has_outputs() && !sinks.empty());
  }
  // Whether what left a source's chain is still read once it is placed in shards.
  bool keeps_records() const {
    if (is_pipe()) return false;
    return has_keyed_outputs() || (keyed->update.asks & (abi::kRecords | abi::kRecordKeys)) != 0;
  }
  // Of a join.
  Side side_of(std::uint32_t input) const {
    return inputs[input].source == 0 ? Side::kLeft : Side::kRight;
  }
  // Where late records go; null: nowhere.
  const Target* late() const;
  // A partition silent for this long no longer holds time back.
  Duration idle_timeout() const;
};

// `graph` outlives the service; its functions are bound, all its topics exist. Errors as
// log::Store::topic.
Result<Service> bind_service(const plan::Graph& graph, plan::ServiceId id,
                             const plan::Functions& functions, const log::Store& store);

}  // namespace gameflow::runtime
