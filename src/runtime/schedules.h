// The times of the dataflow's schedules, which become records of their topics. Which of them have
// been given is stored in the commit that appends them.
//
// Threads  the thread that runs epochs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"

namespace gameflow::runtime {

// Times of one schedule that an epoch gives.
struct DueTimes {
  std::size_t schedule;
  std::vector<Timestamp> times;
};

class Schedules {
 public:
  // `graph` outlives this. `takes_over`: the program has run until now.
  Schedules(const plan::Graph& graph, bool takes_over) : graph_(graph), takes_over_(takes_over) {}

  // Takes what the store holds. A schedule that does not catch up leaves out what would have been
  // given while the program did not run; a new one begins now. What the store should hold is added
  // to `commit`. Once, before the first epoch; all its topics exist. Errors as log::Store::topic
  // and get.
  Status restore(const log::Store& store, Timestamp now, log::Commit& commit);

  // What has to be given by now, of each schedule at most kTimesMax, in order.
  std::vector<DueTimes> due(Timestamp now);
  void write(const std::vector<DueTimes>& due, log::Commit& commit) const;
  // They are written.
  void commit(const std::vector<DueTimes>& due);

  // Whether one is due within a second of when due() was last asked.
  bool is_near() const;

  static constexpr std::size_t kTimesMax = 1000;

 private:
  struct Schedule {
    const plan::Schedule* plan;
    log::TopicId topic;
    Timestamp given_until;  // all times up to this one
    std::optional<Timestamp> next;
  };
  void set_given(Schedule& schedule, Timestamp until) const;

  const plan::Graph& graph_;
  const bool takes_over_;
  std::vector<Schedule> schedules_;
  Timestamp looked_at_;
};

// Where it is stored up to which time a schedule has been given.
std::string schedule_key(std::string_view name);

}  // namespace gameflow::runtime
