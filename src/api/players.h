// Players who are forgotten: out of topics, states and dead letters, with a receipt for each.
//
// A request is stored before it is answered, and removed by the receipt that takes its place: one
// that a crash interrupts goes on at the next start. The steps, and why: docs/design/forget.md.
//
// Threads  run() is the work, on a thread of its own; all else may be called from any thread.
// Errors   returned; those of the work are told in the receipt.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "api/api.h"
#include "api/receipt.h"
#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "log/erasures.h"
#include "log/store.h"
#include "plan/graph.h"
#include "record/player.h"
#include "runtime/forgetting.h"

namespace gameflow::api {

class Players {
 public:
  // Between two epochs, with the engine at rest: at_rest() says who is forgotten as another engine
  // takes its place, or null, then the same one goes on.
  using AtRest = std::function<Result<runtime::Forgetting*>()>;
  using Rest = std::function<Status(const AtRest&)>;

  // All outlive this.
  Players(Api& api, log::Store& store, log::Erasures& erasures, Rest rest, const Clock& clock)
      : api_(api), store_(store), erasures_(erasures), rest_(std::move(rest)), clock_(clock) {}
  Players(const Players&) = delete;
  Players& operator=(const Players&) = delete;

  // Takes up what is stored. Once, before run(). kDataCorrupt.
  Status load();
  // Does what is asked for, until a stop is requested: then it ends with the piece at hand, and the
  // rest is done at the next start.
  void run(const std::stop_token& stop);

  // The number of the receipt. kInvalidArgument: no such id, or the dataflow does not say which
  // fields name players. As log::Commits.
  Result<std::uint64_t> forget(const std::string& player, bool is_dry_run);
  std::optional<Receipt> receipt(std::uint64_t number) const;
  std::vector<Receipt> receipts() const;  // oldest first

 private:
  // Up to where, by topic and partition, records have been looked at.
  using Reached = std::map<std::pair<log::TopicId, std::uint32_t>, log::Offset>;

  Status work(Job& job, const std::stop_token& stop);
  Status count(Job& job, const record::Player& player, const std::stop_token& stop);
  Status wait_for_services(Job& job, const std::stop_token& stop);
  Status erase_read(Job& job, const record::Player& player, Reached& reached,
                    const std::stop_token& stop);
  Status forget_producer(const std::string& player);
  Result<std::uint64_t> count_unread(const record::Player& player) const;
  Status erase_states(Job& job, const record::Player& player, Reached& reached,
                      const std::stop_token& stop);
  log::Editor editor(const std::string& topic, const record::Player& player) const;
  log::Offset read_until(const log::TopicInfo& topic, std::uint32_t partition) const;
  void tell(Job& job, std::string doing);
  void show(const Job& job);
  Status keep(Job& job);

  Api& api_;
  log::Store& store_;
  log::Erasures& erasures_;
  const Rest rest_;
  const Clock& clock_;

  mutable Mutex mutex_;
  std::condition_variable asked_;
  std::deque<Job> waiting_ GF_GUARDED_BY(mutex_);
  std::map<std::uint64_t, Receipt> receipts_ GF_GUARDED_BY(mutex_);
  std::uint64_t last_ GF_GUARDED_BY(mutex_) = 0;  // number
};

}  // namespace gameflow::api
