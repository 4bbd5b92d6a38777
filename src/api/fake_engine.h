// An engine that runs nothing: a dataflow, two states and counters that a test sets.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "plan/graph.h"
#include "query/test_util.h"
#include "record/type.h"
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
    graph_.types = std::make_shared<record::TypeTable>();
    record::TypeTable& types = *graph_.types;
    const auto* user = types.object(
        "user", {{"id", types.scalar(Kind::kString)}, {"level", types.scalar(Kind::kU8), true}});
    event_ = types.object("player-event", {{"user", user}, {"number", types.scalar(Kind::kI64)}});
    row_ = types.object(
        "", {{"count", types.scalar(Kind::kU32)}, {"team", types.scalar(Kind::kString), true}});
    const auto* list = types.list_of(event_);
    graph_.topics = {
        {.name = "players", .type = event_, .type_name = "player-event", .partitions = 4},
        {.name = "summaries", .type = list, .type_name = "player-summary"},
        {.name = "late", .type_name = "any JSON"}};
    graph_.dead_letter_topic = "dead-letters";
    plan::Keyed keyed;
    keyed.window.emplace();
    keyed.states = {{"players", "players", Kind::kString, row_},
                    {"scores", "scores", Kind::kU64, row_}};
    graph_.nodes = {{.kind = plan::Read{.topic = 0, .start = {}}, .outputs = {1}},
                    {.kind = std::move(keyed), .inputs = {0}}};
    graph_.services = {{.name = "sessions", .scope = "sessions", .nodes = {0, 1}}};
    players_ = std::make_shared<query::TestTable>("players", Kind::kString, row_);
    scores_ = std::make_shared<query::TestTable>("scores", Kind::kU64, row_);
    for (const auto& test : {players_, scores_}) {
      test->table.constant_names = {"_window_start", "_window_end", "_window_closed"};
      test->table.segments[0].constants = {0, 5000, 0};
      test->publish();
    }
    stats_.tables.push_back({"items", 3, "line 2 is broken"});
    runtime::ServiceStats& sessions = stats_.services.emplace_back();
    sessions.name = "sessions";
    sessions.records_in = 10;
    sessions.watermark = Timestamp{5000};
    sessions.partitions.push_back({.topic = "players",
                                   .partition = 1,
                                   .next_offset = 7,
                                   .end_offset = 10,
                                   .watermark = Timestamp{4000}});
    sessions.operators = {{"sessions/source/0", 0, "filter", 10, 8, 1},
                          {"sessions/window", 0, "update-state", 8, std::nullopt, 0}};
    sessions.states.push_back({.name = "players", .rows = 2, .bytes = 64});
  }

  void add(const std::string& table, const std::string& key, PlayerRow row) {
    query::TestTable& to = table == "scores" ? *scores_ : *players_;
    to.add(0, key, &row);
    to.publish();
  }
  // Keys of integers are stored big-endian, so that their bytes sort as they do.
  void add_score(u64 key, u32 count) {
    std::string encoded;
    for (int shift = 56; shift >= 0; shift -= 8) encoded += static_cast<char>(key >> shift);
    add("scores", encoded, {count, {}});
  }
  const record::Type* event() const { return event_; }
  void take_events(spec::Ingest ingest) { graph_.ingest = std::move(ingest); }

  Result<runtime::EpochResult> run_epoch() override { return runtime::EpochResult::kIdle; }
  void end_input() override {}
  void start() override {}
  void stop() override {}
  Status health() const override { return health_; }
  runtime::EngineStats stats() const override { return stats_; }
  const plan::Graph& graph() const override { return graph_; }
  plan::Graph& graph() { return graph_; }  // for a test to add to, before others look at it
  std::vector<TableName> tables() const override {
    return {{"players", "sessions", "players"}, {"scores", "sessions", "scores"}};
  }
  std::vector<query::Table> schemas() const override {
    std::vector<query::Table> schemas;
    for (const auto& test : {players_, scores_}) {
      schemas.push_back(test->table);
      schemas.back().segments.clear();
    }
    return schemas;
  }
  std::shared_ptr<const query::Tables> view(std::chrono::steady_clock::time_point) const override {
    if (on_view_) on_view_();
    if (is_busy_) return nullptr;
    auto view = std::make_unique<query::Tables>();
    for (const auto& test : {players_, scores_})
      view->push_back(std::make_shared<query::Table>(test->table));
    ++views_held_;
    return {view.release(), [this](const query::Tables* tables) {
              delete tables;
              --views_held_;
            }};
  }

  std::vector<std::uint64_t> changes() const override { return {changes_[0], changes_[1]}; }

  Status health_;
  std::array<std::atomic<std::uint64_t>, 2> changes_{};  // of players and scores
  runtime::EngineStats stats_;
  std::function<void()> on_view_;
  bool is_busy_ = false;  // an epoch does not end
  mutable std::atomic<int> views_held_ = 0;

 private:
  plan::Graph graph_;
  const record::Type* event_ = nullptr;
  const record::Type* row_ = nullptr;
  std::shared_ptr<query::TestTable> players_, scores_;
};

}  // namespace gameflow::api
