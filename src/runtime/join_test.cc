// Joins over the memory store, against a brute-force computation: random events on both sides, late
// ones among them, epochs of random size, failing commits, restarts, any number of threads.
#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <gameflow/abi.h>

#include "log/memory/memory_store.h"
#include "log/test_util.h"
#include "plan/functions.h"
#include "runtime/checkpoint.h"
#include "runtime/engine.h"

namespace gameflow::runtime {
namespace {

// {key, at, id}; of the result {key, left, right}.
struct Value {
  Text key;
  i64 at, id;
};

u32 side(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out, abi::RecordError*) {
  gameflow::detail::current_arena = call->arena;
  for (u32 i = 0; i < records->count; ++i) {
    const auto& value = *static_cast<const Value*>(records->values[i]);
    out->push_back({&value, value.at, value.key, i, nullptr});
  }
  gameflow::detail::current_arena = nullptr;
  return 0;
}

// Every 7th left one fails with a right one, every 11th without.
bool fails(i64 left, i64 right) {
  return right < 0 ? left % 11 == 0 : left % 7 == 0 && right % 3 == 0;
}

u32 join_pairs(abi::Call* call, const abi::Pairs* pairs, List<abi::Emitted>* out,
               abi::RecordError* errors) {
  gameflow::detail::current_arena = call->arena;
  u32 failed = 0;
  for (u32 i = 0; i < pairs->count; ++i) {
    const auto& left = *static_cast<const Value*>(pairs->left[i]);
    const auto* const right = static_cast<const Value*>(pairs->right[i]);
    const i64 right_id = right == nullptr ? -1 : right->id;
    if (fails(left.id, right_id)) {
      errors[failed++] = {i, 0, "no"};
      continue;
    }
    auto* const made = new (call->arena->allocate(sizeof(Value), alignof(Value)))
        Value{pairs->row_keys[i], left.id, right_id};
    out->push_back({made, pairs->times[i], {}, i, &pairs->record_keys[i]});
  }
  gameflow::detail::current_arena = nullptr;
  return failed;
}

struct Rules {
  std::int64_t before = 0, after = 0, grace = 0;
  bool is_left = false;
};

struct Sent {
  bool is_left;
  std::uint32_t partition;
  std::string key;
  std::int64_t at, id;
};

std::shared_ptr<const plan::Graph> graph_of(const Rules& rules) {
  spec::Dataflow flow;
  flow.types = std::make_shared<record::TypeTable>();
  const record::Type* const text = flow.types->scalar(record::Kind::kString);
  const record::Type* const number = flow.types->scalar(record::Kind::kI64);
  const record::Type* const type =
      flow.types->object("value", {{"key", text}, {"at", number}, {"id", number}});
  for (const char* const name : {"left", "right", "out", "late"})
    flow.topics.push_back({.name = name,
                           .position = {},
                           .type = name == std::string_view("late") ? nullptr : type,
                           .partitions = name == std::string_view("out") ? 1U : 2U,
                           .retention_age = {},
                           .retention_bytes = {}});
  spec::Service service;
  service.name = "s";
  for (const char* const name : {"left", "right"})
    service.sources.push_back({name, {}, spec::StartOffset::kBeginning, type, {}});
  service.sinks.push_back({"out", {}, type, {}});
  spec::Join& join = service.join.emplace();
  join.before = {rules.before};
  join.after = {rules.after};
  join.type = rules.is_left ? spec::JoinType::kLeft : spec::JoinType::kInner;
  join.grace = {rules.grace};
  join.idle_timeout = {1'000};
  join.late = spec::LatePolicy::kToTopic;
  join.late_topic = "late";
  flow.services.push_back(std::move(service));
  return std::make_shared<const plan::Graph>(plan::lower(flow));
}

plan::Functions bind(const plan::Graph& graph) {
  static std::vector<std::unique_ptr<std::vector<abi::Function>>> kept;
  auto& functions = *kept.emplace_back(std::make_unique<std::vector<abi::Function>>());
  for (const plan::FunctionName& name : plan::functions_of(graph)) {
    const auto pointer = name.kind == abi::FunctionKind::kJoin
                             ? reinterpret_cast<void (*)()>(join_pairs)
                             : reinterpret_cast<void (*)()>(side);
    functions.push_back(
        {name.kind, name.name.data(), pointer, {abi::kFirstDeclared, abi::kNotWrapped}, 0});
  }
  const abi::Library library{abi::kVersion, static_cast<u32>(functions.size()), functions.data()};
  return *plan::Functions::bind(library, graph);
}

// What is promised, by brute force: all that has come, epoch by epoch.
class Model {
 public:
  explicit Model(const Rules& rules) : rules_(rules) {}

  // The records of an epoch, left ones first, each partition in order; `watermark` as it ends.
  void run(const std::vector<Sent>& records, std::optional<std::int64_t> watermark) {
    for (const Sent& record : records) take(record);
    if (watermark) closed_ = std::max(closed_, std::optional(*watermark - rules_.grace));
    if (!rules_.is_left || !closed_) return;
    for (auto& [record, has_met] : left_) {
      if (!is_closed(record) || has_met) continue;
      give(record.id, -1);
      has_met = true;
    }
  }

  // A restart goes on from what was committed: the watermark of epochs without work is not.
  void reopen(std::optional<std::int64_t> watermark) {
    closed_.reset();
    if (watermark) closed_ = *watermark - rules_.grace;
  }

  std::vector<std::string> outputs;  // of the epochs so far
  std::uint64_t late = 0, dead = 0;

 private:
  bool is_closed(const Sent& left) const { return closed_ && left.at + rules_.after < *closed_; }

  void take(const Sent& record) {
    const std::int64_t end = record.at + rules_.after + (record.is_left ? 0 : rules_.before);
    if (closed_ && end < *closed_) {
      ++late;
      return;
    }
    if (record.is_left) {
      bool has_met = false;
      for (const Sent& right : right_) has_met = meet(record, right) || has_met;
      left_.emplace_back(record, has_met);
    } else {
      for (auto& [left, has_met] : left_) {
        if (!is_closed(left)) has_met = meet(left, record) || has_met;
      }
      right_.push_back(record);
    }
    dead += failed_.size();  // a record that fails with many does so once
    failed_.clear();
  }

  bool meet(const Sent& left, const Sent& right) {
    const bool do_meet = left.key == right.key && right.at >= left.at - rules_.before &&
                         right.at <= left.at + rules_.after;
    if (!do_meet) return false;
    if (fails(left.id, right.id)) {
      failed_ = {0};
    } else {
      give(left.id, right.id);
    }
    return true;
  }

  void give(std::int64_t left, std::int64_t right) {
    if (right < 0 && fails(left, right)) {
      ++dead;
    } else {
      outputs.push_back(fmt::format("{} {}", left, right));
    }
  }

  const Rules rules_;
  std::optional<std::int64_t> closed_;
  std::vector<std::pair<Sent, bool>> left_;
  std::vector<Sent> right_;
  std::vector<int> failed_;
};

constexpr std::int64_t kStart = 1'700'000'000'000;

class JoinRun {
 public:
  JoinRun(const Rules& rules, std::uint32_t threads, std::uint64_t seed)
      : rules_(rules),
        threads_(threads),
        random_(seed),
        clock_({kStart + 100'000}),
        store_(log::make_memory_store(clock_,
                                      {.gaps = seed % 2 == 0 ? std::optional(7U) : std::nullopt})),
        graph_(graph_of(rules)),
        model_(rules) {
    open();
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      std::vector<Sent> sent;
      const auto count = below(12) * (below(5) == 0 ? 40 : 1);
      for (std::uint64_t i = 0; i < count; ++i) sent.push_back(random_event());
      send(sent);
      if (below(6) == 0) fail_epoch();
      if (below(8) == 0) open();
      epoch(in_order(sent));
      if (below(4) == 0) {
        clock_.advance({static_cast<std::int64_t>(below(1'500))});
        epoch({});
        // Not all is late from now on.
        if (const auto at = watermark()) time_ = std::max(time_, *at - kStart - 50);
      }
      time_ += static_cast<std::int64_t>(below(40));
    }
    engine_->end_input();
    while (epoch({})) {
    }
    EXPECT_TRUE(log::scan_all(*store_, {"segment/", "segment0"}).empty());
  }

  std::vector<std::string> all;  // in the order in which it came
  std::uint64_t late() const { return model_.late; }
  std::uint64_t dead() const { return model_.dead; }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  Sent random_event() {
    return {
        .is_left = below(2) == 0,
        .partition = static_cast<std::uint32_t>(below(2)),
        .key = fmt::format("k{}", below(5)),
        .at = kStart + time_ + static_cast<std::int64_t>(below(100)) - (below(10) == 0 ? 200 : 0),
        .id = ++id_};
  }

  void send(const std::vector<Sent>& records) {
    for (const Sent& record : records) {
      log::Commit commit;
      commit.appends.push_back(
          {store_->topic(record.is_left ? "left" : "right")->id, record.partition, {}});
      commit.appends[0].batch.add(
          {record.at}, std::nullopt,
          fmt::format(R"({{"key":"{}","at":{},"id":{}}})", record.key, record.at, record.id));
      ASSERT_TRUE(store_->commit(std::move(commit)));
    }
  }

  static std::vector<Sent> in_order(std::vector<Sent> records) {
    std::ranges::stable_sort(records, {}, [](const Sent& record) {
      return std::pair(!record.is_left, record.partition);
    });
    return records;
  }

  void open() {
    engine_.reset();
    auto opened = Engine::open(graph_, bind(*graph_), *store_,
                               {.threads = threads_, .epoch_bytes_small = 0, .clock = &clock_});
    ASSERT_TRUE(opened) << opened.error().message;
    engine_ = std::move(*opened);
    model_.reopen(watermark());
  }

  std::optional<std::int64_t> watermark() const {
    const auto at = engine_->stats().services[0].watermark;
    return at ? std::optional(at->ms) : std::nullopt;
  }

  void fail_epoch() {
    store_->fail_next_commits(1, ErrorCode::kDiskFull);
    static_cast<void>(engine_->run_epoch());
    store_->fail_next_commits(0, ErrorCode::kDiskFull);
    compare();
  }

  bool epoch(const std::vector<Sent>& records) {
    const auto result = engine_->run_epoch();
    EXPECT_TRUE(result);
    model_.run(records, watermark());
    compare();
    return *result == EpochResult::kCommitted;
  }

  void compare() {
    std::vector<std::string> found;
    const log::TopicInfo info = *store_->topic("out");
    const log::ReadResult read = *store_->read(info.id, 0, seen_, SIZE_MAX);
    for (const auto& batch : read.batches) {
      for (std::size_t i = batch->index_of(seen_); i < batch->size(); ++i) {
        const std::string json((*batch)[i].value);
        found.push_back(fmt::format("{} {}", std::stoll(json.substr(json.find("at\":") + 4)),
                                    std::stoll(json.substr(json.find("id\":") + 4))));
      }
    }
    seen_ = read.next;
    all.insert(all.end(), found.begin(), found.end());
    std::ranges::sort(found);
    std::vector<std::string> expected = std::exchange(model_.outputs, {});
    std::ranges::sort(expected);
    ASSERT_EQ(found, expected);
    const ServiceStats stats = engine_->stats().services[0];
    ASSERT_EQ(stats.records_late, model_.late);
    ASSERT_EQ(stats.records_dead, model_.dead);
    for (const log::KeyValue& entry : log::scan_all(*store_, {"", "\x7f"}))
      ASSERT_LE(entry.value.size(), kStoredBytesMax);
  }

  const Rules rules_;
  const std::uint32_t threads_;
  std::mt19937_64 random_;
  ManualClock clock_;
  std::unique_ptr<log::MemoryStore> store_;
  std::shared_ptr<const plan::Graph> graph_;
  std::unique_ptr<Engine> engine_;
  Model model_;
  log::Offset seen_{};
  std::int64_t time_ = 0, id_ = 0;
};

TEST(Joins, GiveWhatBruteForceGives) {
  spdlog::set_level(spdlog::level::off);
  std::mt19937_64 random(1);
  std::uint64_t pairs = 0, late = 0, dead = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const auto below = [&random](std::uint64_t limit) {
      return static_cast<std::int64_t>(random() % limit);
    };
    const Rules rules{.before = below(2) * below(150),
                      .after = below(2) * below(150),
                      .grace = below(2) * below(120),
                      .is_left = seed % 3 != 0};
    SCOPED_TRACE(fmt::format("seed {}: before {}, after {}, grace {}, {}", seed, rules.before,
                             rules.after, rules.grace, rules.is_left ? "left" : "inner"));
    JoinRun one(rules, 1, seed);
    one.run(40);
    if (testing::Test::HasFatalFailure()) return;
    JoinRun four(rules, 4, seed);
    four.run(40);
    if (testing::Test::HasFatalFailure()) return;
    ASSERT_EQ(one.all, four.all);
    pairs += one.all.size();
    late += one.late();
    dead += one.dead();
  }
  // There is some of everything.
  EXPECT_GT(pairs, 10'000U);
  EXPECT_GT(late, 100U);
  EXPECT_GT(dead, 100U);
  spdlog::set_level(spdlog::level::info);
}

}  // namespace
}  // namespace gameflow::runtime
