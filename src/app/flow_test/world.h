// What a case happens in: a memory store, a clock that only the case moves, and an engine. What it
// shows is text, as cases have it.
//
// Threads  one, beside the engine's workers.
// Errors   kInvalidArgument for what the case asks and there is not; what the engine and the store
//          return.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/api.h"
#include "app/dataflow_file.h"
#include "base/calm_clock.h"
#include "base/error.h"
#include "base/time.h"
#include "log/memory/memory_store.h"
#include "plan/functions.h"
#include "query/query.h"
#include "record/batch.h"
#include "runtime/engine.h"

namespace gameflow::app::flow_test {

struct WorldOptions {
  std::uint32_t threads = 1;  // workers of the engine
  bool gaps = false;          // in the offsets of topics
};

class World {
 public:
  World(Timestamp start, const WorldOptions& options);

  void set_clock(Timestamp time) { hands_.set(time); }
  void advance_clock(Duration by) { hands_.advance(by); }

  // Starts an engine on the store; the one that ran before is gone, also after an error.
  Status start(DataflowFile file, plan::Functions functions);
  Status restart();
  bool is_running() const { return engine_ != nullptr; }

  Status append(const std::string& topic, std::uint32_t partition,
                const std::optional<std::string>& key, const std::vector<std::string>& values);
  // Epochs, until there is nothing left to do. kOperatorFailed where a service has stopped at a
  // record, as its `on-error` says; the others have gone on.
  Status run();
  void end_input() { engine_->end_input(); }
  void fail_next_commits(std::uint32_t count);

  // The records of a topic since the last call, in order of partition.
  Result<std::vector<std::string>> new_records(const std::string& topic);
  // The same with keys.
  struct KeyedRecord {
    std::optional<std::string> key;
    std::string value;
  };
  Result<std::vector<KeyedRecord>> new_keyed_records(const std::string& topic);
  Result<query::Answer> answer(const std::string& sql) const;
  // The rows of an answer, a line each.
  Result<std::vector<std::string>> query(const std::string& sql) const;
  Result<std::map<std::string, std::uint64_t>> counters(const std::string& service) const;

 private:
  Status tell_stopped();
  std::string as_without_gaps(std::string record) const;
  std::optional<std::uint64_t> without_gaps(std::string_view topic, std::uint32_t partition,
                                            record::Offset offset) const;

  const WorldOptions options_;
  ManualClock hands_;
  // What the server would make of that, except that a step forward counts at once.
  const CalmClock clock_{hands_, {.adopt_forward_after = {0}}};
  const std::unique_ptr<log::MemoryStore> store_;
  DataflowFile file_;
  plan::Functions functions_;
  std::unique_ptr<runtime::Engine> engine_;
  std::unique_ptr<api::Api> api_;
  std::map<std::pair<std::string, std::uint32_t>, record::Offset> seen_;
  std::set<std::string> told_;  // services that have stopped
};

}  // namespace gameflow::app::flow_test
