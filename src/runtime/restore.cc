// ServiceTask::restore: what the store holds of a service comes back into memory.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/bytes.h"
#include "log/commits.h"
#include "log/store.h"
#include "log/topics.h"
#include "plan/graph.h"
#include "runtime/checkpoint.h"
#include "runtime/forgotten_rows.h"
#include "runtime/start_offset.h"
#include "runtime/task.h"
#include "state/layout.h"
#include "state/sessions.h"
#include "state/shard.h"
#include "window/assigner.h"
#include "window/trigger.h"
#include "window/watermark.h"

namespace gameflow::runtime {
namespace {

constexpr std::string_view kDamaged =
    "restore the data folder from a copy, or start with --clear-state SERVICE";

}  // namespace

class Restore {
 public:
  Restore(ServiceTask& task, const log::Store& store, Timestamp now, Duration attention,
          Forgetting* forgetting)
      : task_(task),
        windows_(task.windows()),
        panes_(windows_.panes_),
        service_(task.service()),
        store_(store),
        now_(now),
        attention_(attention),
        forgetting_(forgetting) {}

  Status run(FlushPool& pool, log::Commit& commit, VisibleChanges& visible) {
    task_.positions_.next.resize(service_.inputs.size());
    task_.positions_.watermark =
        window::Watermark(service_.inputs.size(), service_.idle_timeout(), attention_);
    GF_ASSIGN(const auto stored, store_.get(service_key(service_.name)));
    if (stored) {
      GF_TRY(take(*stored, commit));
    } else {
      GF_TRY(start_afresh());
    }
    settle(pool, commit, visible);
    if (is_changed_) {
      commit.put.push_back({service_key(service_.name),
                            encode(record_of(service_, task_.positions_, task_.former_inputs_))});
    }
    return {};
  }

 private:
  Status start_afresh() {
    is_changed_ = true;
    for (std::size_t i = 0; i < service_.inputs.size(); ++i) {
      const Input& input = service_.inputs[i];
      GF_ASSIGN(task_.positions_.next[i], find_start(store_, input.topic, input.partition,
                                                     service_.sources[input.source].start));
    }
    return {};
  }

  Status take(std::string_view stored, log::Commit& commit) {
    GF_ASSIGN(const ServiceRecord record, decode_service_record(stored, service_.name));
    const plan::Keyed* const keyed = service_.keyed ? service_.keyed->plan : nullptr;
    GF_ASSIGN(const bool keeps, keeps_rows(service_.name, store_));
    if (service_.join) return take_join(record, keeps, commit);
    GF_ASSIGN(const std::vector<state::RowSource> states,
              match_states(record, service_.name, keyed, keeps));
    GF_TRY(check_watermark(record));
    task_.positions_.counters = record.counters;
    GF_TRY(place_inputs(record));
    if (!service_.keyed) return {};
    if (service_.has_windows()) restore_results(record);
    std::uint32_t timed = 0;
    for (std::size_t i = 0; i < record.states.size(); ++i) {
      if (record.states[i].is_timed) timed |= 1U << i;
    }
    GF_TRY(read_rows(states, timed));
    const std::vector<StoredState> wanted = stored_states(keyed);
    if (record.states != wanted) {
      if (keeps) tell_changed_states(record.states, wanted);
      if (service_.has_sessions()) pack_sessions();
    }
    if (record.states != wanted || has_forgotten_) rewrite(commit);
    return {};
  }

  // Its windows go on closing with the first epoch, which gives what is due.
  Status take_join(const ServiceRecord& record, bool keeps, log::Commit& commit) {
    const BoundJoin& join = *service_.join;
    GF_ASSIGN(const FormerSides former,
              match_join(record, service_.name, *join.plan, join.sides, keeps));
    is_changed_ = record.states != stored_sides(join.sides);
    GF_TRY(check_watermark(record));
    task_.positions_.counters = record.counters;
    task_.positions_.closed = record.closed;
    GF_TRY(place_inputs(record));
    return task_.join()->restore(store_, former, forgetting_, commit);
  }

  void restore_results(const ServiceRecord& record) {
    Positions& positions = task_.positions_;
    positions.closed = service_.keyed->trigger.advance(record.closed, record.watermark);
    positions.results = {.given_until = record.fired_until,
                         .fired_until = record.fired_until,
                         .unsaid = {record.unsaid.begin(), record.unsaid.end()},
                         .in_flight = {},
                         .emit_at = record.emit_at};
  }

  // Nothing moves the watermark past the clock: it was stored under a clock that was wrong, or the
  // clock is wrong now. Whatever comes would be late until time gets there.
  Status check_watermark(const ServiceRecord& record) const {
    const auto watermark = record.watermark;
    if (!watermark || *watermark == window::kEndOfTime || *watermark <= now_ + service_.future_max)
      return {};
    return fail(
        ErrorCode::kStateMismatch,
        fmt::format("the watermark of service '{0}' is at {1}, but the clock says {2}: until then "
                    "every record would be late. If the clock is wrong, set it right; if it was "
                    "wrong before, run 'gameflow service reset-watermark {0}', which loses no "
                    "state",
                    service_.name, format_timestamp(*watermark), format_timestamp(now_)));
  }

  Status place_inputs(const ServiceRecord& record) {
    std::vector<std::optional<Timestamp>> progress(service_.inputs.size());
    std::vector<bool> is_placed(service_.inputs.size());
    for (const StoredInput& stored : record.inputs) {
      const auto input = std::ranges::find_if(service_.inputs, [&stored](const Input& of_now) {
        return of_now.topic == stored.topic_id && of_now.partition == stored.partition;
      });
      if (input != service_.inputs.end()) {
        const auto number = static_cast<std::size_t>(input - service_.inputs.begin());
        task_.positions_.next[number] = stored.next;
        progress[number] = stored.progress;
        is_placed[number] = true;
      } else if (store_.topic(stored.topic_id)) {
        task_.former_inputs_.push_back(stored);
      } else if (stored.partition == 0 && reads(stored.topic)) {
        spdlog::warn(
            "service '{}': topic '{}' was deleted and made anew; reading it from the beginning",
            service_.name, stored.topic);
      }
    }
    for (std::size_t i = 0; i < service_.inputs.size(); ++i) {
      if (is_placed[i]) continue;
      is_changed_ = true;
      const Input& input = service_.inputs[i];
      const BoundSource& source = service_.sources[input.source];
      const bool was_remade =
          std::ranges::count(record.inputs, source.topic->name, &StoredInput::topic) != 0;
      GF_ASSIGN(task_.positions_.next[i],
                find_start(store_, input.topic, input.partition,
                           was_remade ? plan::StartOffset::kBeginning : source.start));
    }
    task_.positions_.watermark.restore(record.watermark, std::move(progress), attention_);
    return {};
  }

  bool reads(std::string_view topic) const {
    return std::ranges::any_of(service_.sources, [topic](const BoundSource& source) {
      return source.topic->name == topic;
    });
  }

  // What is stored of a state is kept or refused; but one that comes or goes does so in the middle
  // of the open windows.
  void tell_changed_states(const std::vector<StoredState>& stored,
                           const std::vector<StoredState>& wanted) const {
    for (const StoredState& state : stored) {
      if (std::ranges::count(wanted, state.name, &StoredState::name) != 0) continue;
      spdlog::warn(
          "service '{}': state '{}' is gone from the dataflow, and so are its rows in the windows "
          "that are open",
          service_.name, state.name);
    }
    for (const StoredState& state : wanted) {
      const auto before = std::ranges::find(stored, state.name, &StoredState::name);
      if (before != stored.end()) {
        if (before->shape != state.shape) {
          spdlog::info(
              "service '{}': the rows of state '{}' are {} now, they were {}: what is new in them "
              "is zero or empty",
              service_.name, state.name, state.shape, before->shape);
        }
        continue;
      }
      spdlog::warn(
          "service '{}': state '{}' is new: in the windows that are open it has only what comes "
          "from now on",
          service_.name, state.name);
    }
  }

  tl::unexpected<Error> damaged() const {
    return fail(
        ErrorCode::kDataCorrupt,
        fmt::format("a stored window of service '{}' is damaged: {}", service_.name, kDamaged));
  }

  // The shard of a row follows from its key.
  Status read_rows(const std::vector<state::RowSource>& states, std::uint32_t timed) {
    std::optional<ForgottenRows> forgotten;
    if (forgetting_ != nullptr) forgotten.emplace(*forgetting_, service_);
    GF_TRY(store_.scan(
        rows_range(service_.name), [&](std::string_view key, std::string_view value) -> Status {
          const auto place = parse_rows_key(service_.name, key);
          if (!place) return damaged();
          StoredRows& stored = panes_.open_[place->window].stored;
          if (stored.count() == 0) stored.first = place->number;
          stored.next = place->number + 1;
          stored.bytes_since_full += value.size();
          ByteReader in(value);
          while (!in.at_end()) {
            ByteReader ahead = in;
            const std::string_view row_key = ahead.text();
            const std::uint64_t hash = service_.has_sessions()
                                           ? state::Sessions::shard_hash(row_key)
                                           : state::hash_key(row_key);
            const std::uint32_t shard = state::shard_of(hash);
            if (!ahead.ok()) return damaged();
            const bool goes = forgotten && forgotten->is_key(row_key);
            state::Table& table = goes ? forgotten->rows(place->window)
                                       : panes_.shards_[shard]->touch(place->window).table;
            if (!table.load(in, states, timed)) return damaged();
            if (forgotten && !goes) forgotten->empty_fields(place->window, row_key, table);
          }
          return {};
        }));
    has_forgotten_ = forgotten && forgotten->finish();
    return {};
  }

  // Those that had rows of a state which is gone, and no others, are gone, too.
  void pack_sessions() {
    const BoundKeyed& keyed = *service_.keyed;
    for (const auto& shard : panes_.shards_) {
      for (state::Shard::Window* window : shard->touched()) {
        state::Sessions(keyed.layout, *keyed.sessions, keyed.merges, window->table, window->timers)
            .pack_all(now_);
      }
    }
  }

  // All rows in the form of now.
  void rewrite(log::Commit& commit) {
    is_changed_ = true;
    RowValues rows(service_.keyed->layout);
    for (const auto& shard : panes_.shards_) {
      for (const state::Shard::Window* window : shard->touched())
        rows.add_all(window->start, window->table);
    }
    for (auto& [start, window] : panes_.open_) {
      window.stored.rewrite = {.from = window.stored.next, .shards = state::kShards};
      store_rows(service_.name, start, std::move(rows.windows()[start]), window.stored, commit);
    }
  }

  // What was read is what the first epoch finds. Windows that had closed, and whose result was not
  // committed, are flushed now; those that read others' rows, by the first epoch.
  void settle(FlushPool& pool, log::Commit& commit, VisibleChanges& visible) {
    for (std::uint32_t number = 0; number < panes_.shards_.size(); ++number) {
      panes_.shards_[number]->drop_empty();
      for (state::Shard::Window* window : panes_.shards_[number]->touched())
        window->set_timers(service_.keyed->layout);
      panes_.shards_[number]->commit(
          [&](Timestamp start, std::size_t keys, bool) { panes_.open_[start].rows += keys; });
    }
    std::erase_if(panes_.open_, [](const auto& open) {
      return open.second.rows == 0 && open.second.stored.count() == 0;
    });
    visible.fired_until = task_.positions_.results.fired_until;
    const bool flushes_later = service_.has_windows() && !service_.has_sessions();
    if (flushes_later && !service_.reads_others) finish_results(pool, commit, visible);
  }

  // As an epoch without input does; but early results wait for the first of these.
  void finish_results(FlushPool& pool, log::Commit& commit, VisibleChanges& visible) {
    ServiceEpoch part;
    task_.begin(pool, part);
    const auto emit_at = std::exchange(part.after.results.emit_at, std::nullopt);
    windows_.decide(now_, pool, part);
    if (!part.has_work()) return;
    part.flushes_now = false;
    windows_.settle(now_, part);
    part.after.results.emit_at = emit_at;
    windows_.write(part, commit);
    windows_.commit(pool, part);
    task_.positions_ = std::move(part.after);
    std::ranges::move(part.visible.changes, std::back_inserter(visible.changes));
  }

  ServiceTask& task_;
  OpenWindows& windows_;
  Panes& panes_;
  const Service& service_;
  const log::Store& store_;
  const Timestamp now_;
  const Duration attention_;
  Forgetting* const forgetting_;  // null: nobody is
  bool is_changed_ = false;       // something else should be stored from now on
  bool has_forgotten_ = false;    // what is stored names who is forgotten
};

Status ServiceTask::restore(log::Store& store, Timestamp now, Duration attention, FlushPool& pool,
                            Forgetting* forgetting, log::Commit& commit, VisibleChanges& visible) {
  return Restore(*this, store, now, attention, forgetting).run(pool, commit, visible);
}

}  // namespace gameflow::runtime
