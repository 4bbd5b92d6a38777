// An engine that runs nothing: a dataflow, two states and counters that a test sets.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/engine.h"

namespace gameflow::api {

struct PlayerRow {
  u32 count;
  Optional<Text> team;
};

// Topics "players" (a schema, 4 partitions), "summaries" (a list) and "late"; service "sessions"
// with states "players" (string keys) and "scores" (u64 keys).
class FakeEngine final : public runtime::Engine {
 public:
  FakeEngine() {
    using record::Kind;
    auto flow = std::make_shared<spec::Dataflow>();
    flow->types = std::make_shared<record::TypeTable>();
    record::TypeTable& types = *flow->types;
    const auto* user = types.object(
        "user", {{"id", types.scalar(Kind::kString)}, {"level", types.scalar(Kind::kU8), true}});
    event_ = types.object("player-event", {{"user", user}, {"number", types.scalar(Kind::kI64)}});
    row_ = types.object(
        "", {{"count", types.scalar(Kind::kU32)}, {"team", types.scalar(Kind::kString), true}});
    const auto* list = types.list_of(event_);
    flow->named_types = {event_, list};
    flow->type_names = {"player-event", "player-summary"};
    flow->topics = {{.name = "players", .type = event_, .partitions = 4},
                    {.name = "summaries", .type = list},
                    {.name = "late"}};
    flow->services.resize(1);
    flow->services[0].name = "sessions";
    plan_.dataflow = flow;
    plan_.services = {{.spec = &flow->services[0],
                       .scope = "sessions",
                       .states = {{"players", "players", "PlayersRow", Kind::kString, row_},
                                  {"scores", "scores", "ScoresRow", Kind::kU64, row_}}}};
    stats_.services = {{.name = "sessions",
                        .records_in = 10,
                        .watermark = Timestamp{5000},
                        .partitions = {{.topic = "players",
                                        .partition = 1,
                                        .next_offset = 7,
                                        .end_offset = 10,
                                        .watermark = Timestamp{4000}}},
                        .states = {{.name = "players", .rows = 2, .bytes = 64}}}};
  }

  void add(const std::string& table, std::string key, PlayerRow row) {
    rows_.push_back({table, std::move(key), row});
  }
  // Keys of integers are stored big-endian, so that their bytes sort as they do.
  void add_score(u64 key, u32 count) {
    std::string encoded;
    for (int shift = 56; shift >= 0; shift -= 8) encoded += static_cast<char>(key >> shift);
    add("scores", std::move(encoded), {count, {}});
  }
  const record::Type* event() const { return event_; }

  Result<runtime::EpochResult> run_epoch() override { return runtime::EpochResult::kIdle; }
  void end_input() override {}
  void start() override {}
  void stop() override {}
  Status health() const override { return health_; }
  runtime::EngineStats stats() const override { return stats_; }
  const plan::Plan& plan() const override { return plan_; }
  std::vector<TableName> tables() const override {
    return {{"players", "sessions", "players"}, {"scores", "sessions", "scores"}};
  }
  Result<runtime::StateSnapshot> snapshot(std::string_view table) const override {
    ++snapshots_;
    if (on_snapshot_) on_snapshot_();
    runtime::StateSnapshot snapshot;
    snapshot.table.name = table;
    snapshot.table.key = table == "scores" ? record::Kind::kU64 : record::Kind::kString;
    snapshot.table.row = row_;
    snapshot.table.constant_names = {"_window_start", "_window_end", "_window_closed"};
    auto copy = std::make_shared<std::deque<Stored>>();
    for (const Stored& row : rows_) {
      if (row.table != table) continue;
      copy->push_back(row);
      if (snapshot.table.segments.empty()) snapshot.table.segments.push_back({{0, 5000, 0}, {}});
      snapshot.table.segments[0].rows.push_back({copy->back().key, &copy->back().row, {}});
    }
    snapshot.storage = copy;
    return snapshot;
  }

  Status health_;
  runtime::EngineStats stats_;
  mutable std::atomic<int> snapshots_ = 0;
  std::function<void()> on_snapshot_;

 private:
  struct Stored {
    std::string table, key;
    PlayerRow row;
  };
  plan::Plan plan_;
  const record::Type* event_ = nullptr;
  const record::Type* row_ = nullptr;
  std::deque<Stored> rows_;
};

}  // namespace gameflow::api
