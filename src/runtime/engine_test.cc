// The engine over the memory store, against a brute-force computation: random input, epochs of
// random size, failing commits, restarts, any number of threads. Operators are written by hand
// here; the compiled ones are tested in tests/dataflow.
#include "runtime/engine.h"

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/operator.h>

#include "log/memory/memory_store.h"

namespace gameflow::runtime {
namespace {

struct Event {
  Text user;
  i64 at;
};
struct Row {
  u32 count;
};
struct Count {
  Text user;
  u32 count;
};

// What generated code does, by hand: count events per user; the user "bad" throws in assign-key,
// "worse" in update.
u32 assign_timestamp(abi::Call*, const void* events, std::size_t stride, u32 count, const i64*,
                     i64* times, abi::RecordError*) {
  for (u32 i = 0; i < count; ++i) {
    times[i] = reinterpret_cast<const Event*>(static_cast<const char*>(events) + i * stride)->at;
  }
  return 0;
}

u32 assign_key(abi::Call*, const void* events, std::size_t stride, u32 count, Text* keys,
               abi::RecordError* errors) {
  u32 failed = 0;
  for (u32 i = 0; i < count; ++i) {
    keys[i] = reinterpret_cast<const Event*>(static_cast<const char*>(events) + i * stride)->user;
    if (keys[i] == Text("bad")) errors[failed++] = {i, "bad user"};
  }
  return failed;
}

u32 update_state(abi::Call*, const void* const* events, void* const* rows, const i64*, i64,
                 u32 count, abi::RowUse* uses, abi::RecordError* errors) {
  u32 failed = 0;
  for (u32 i = 0; i < count; ++i) {
    uses[i] = {};
    if (static_cast<const Event*>(events[i])->user == Text("worse")) {
      errors[failed++] = {i, "worse user"};
      continue;
    }
    static_cast<Row*>(rows[i])->count += 1;
    uses[i] = {1, 1};
  }
  return failed;
}

bool flush(abi::Call* call, void* out, abi::RecordError* error) {
  constexpr std::string_view kQuery =
      "select _key as user, count from counts order by count desc, _key";
  auto* list = new (out) List<Count>();
  if (call->sql(call->sql_context, kQuery.data(), kQuery.size(), 1, list)) return true;
  error->message = call->sql_error;
  return false;
}

constexpr abi::Service kService{"counting", assign_timestamp, assign_key, update_state, flush};
constexpr abi::Library kLibrary{abi::kVersion, 1, &kService};

constexpr std::int64_t kWindow = 100, kGrace = 50;
constexpr Timestamp kStart{1'700'000'000'000};

struct PlanOptions {
  std::int64_t grace = kGrace;
  std::vector<spec::Source> sources{{.topic = "events", .position = {}}};
};

plan::Plan make_test_plan(const PlanOptions& options) {
  using record::Kind;
  auto dataflow = std::make_shared<spec::Dataflow>();
  auto types = std::make_shared<record::TypeTable>();
  const auto* text = types->scalar(Kind::kString);
  const auto* event = types->object(
      "event", {{.name = "user", .type = text}, {.name = "at", .type = types->scalar(Kind::kI64)}});
  const auto* count = types->object(
      "count",
      {{.name = "user", .type = text}, {.name = "count", .type = types->scalar(Kind::kU32)}});
  const auto* row = types->object("row", {{.name = "count", .type = types->scalar(Kind::kU32)}});
  dataflow->topics = {{.name = "events", .type = event, .partitions = 3},
                      {.name = "more-events", .type = event},
                      {.name = "counts-out", .type = types->list_of(count)}};
  spec::Service service{.name = "counting", .sources = options.sources, .event = event};
  service.states = {{.name = "counts", .position = {}, .key = Kind::kString, .type = row}};
  service.window.duration = {kWindow};
  service.window.grace = {options.grace};
  service.output = types->list_of(count);
  service.sinks = {"counts-out"};
  dataflow->services = {service};
  dataflow->types = types;
  return plan::make_plan(dataflow);
}

struct Harness {
  ManualClock clock{kStart};
  std::unique_ptr<log::MemoryStore> store = log::make_memory_store(clock);
  std::unique_ptr<Engine> engine;
  std::uint32_t threads;
  std::size_t epoch_bytes = 32U << 20;
  PlanOptions options;

  explicit Harness(std::uint32_t thread_count) : threads(thread_count) { open(); }
  void open() {
    engine.reset();
    auto opened =
        Engine::open(make_test_plan(options), &kLibrary, *store,
                     {.threads = threads, .epoch_bytes_max = epoch_bytes, .clock = &clock});
    ASSERT_TRUE(opened) << opened.error().message;
    engine = std::move(*opened);
  }
  void send(std::uint32_t partition, const std::vector<std::string>& values,
            std::string_view topic = "events") {
    log::Commit commit;
    commit.appends.push_back({store->topic(topic)->id, partition, {}});
    for (const std::string& value : values)
      commit.appends[0].batch.add(clock.now(), std::nullopt, value);
    ASSERT_TRUE(store->commit(std::move(commit)));
  }
  void run() {
    for (;;) {
      const auto result = engine->run_epoch();
      if (result && *result == EpochResult::kIdle) return;
    }
  }
  std::vector<std::string> records(const std::string& topic) {
    std::vector<std::string> values;
    const log::TopicInfo info = *store->topic(topic);
    for (std::uint32_t partition = 0; partition < info.config.partitions; ++partition) {
      auto batches = *store->read(info.id, partition, info.partitions[partition].begin, SIZE_MAX);
      for (const auto& batch : batches) {
        for (std::size_t i = 0; i < batch->size(); ++i) values.emplace_back((*batch)[i].value);
      }
    }
    return values;
  }
  ServiceStats stats() { return engine->stats().services[0]; }
};

std::string event(std::string_view user, std::int64_t at) {
  return fmt::format(R"({{"user":"{}","at":{}}})", user, at);
}

// The independent computation: window start -> user -> count, as the lines that the engine should
// write.
class Expected {
 public:
  void add(const std::string& user, std::int64_t at) { ++windows_[at / kWindow * kWindow][user]; }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [start, users] : windows_) {
      std::vector<std::pair<std::string, std::uint32_t>> sorted(users.begin(), users.end());
      std::ranges::stable_sort(sorted,
                               [](const auto& a, const auto& b) { return a.second > b.second; });
      std::string line = "[";
      for (const auto& [user, count] : sorted) {
        line +=
            fmt::format(R"({}{{"user":"{}","count":{}}})", line.size() > 1 ? "," : "", user, count);
      }
      lines.push_back(line + "]");
    }
    return lines;
  }

 private:
  std::map<std::int64_t, std::map<std::string, std::uint32_t>> windows_;
};

class RandomRuns : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RandomRuns, EqualTheBruteForceWhateverFailsInBetween) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    Harness harness(GetParam());
    harness.epoch_bytes = seed % 2 == 0 ? 1 : 32U << 20;  // 1: a batch per partition and epoch
    harness.open();
    Expected expected;
    std::uint64_t dead = 0;
    std::int64_t base = kStart.ms - kStart.ms % kWindow;
    for (int round = 0; round < 60; ++round, base += static_cast<std::int64_t>(random() % 40)) {
      std::vector<std::vector<std::string>> batches(3);
      for (std::uint64_t n = random() % 200; n > 0; --n) {
        // Out of order by less than the grace period, so that nothing is late.
        const std::int64_t at = base + static_cast<std::int64_t>(random() % kGrace);
        const std::uint64_t kind = random() % 50;
        const std::string user = kind == 0   ? "bad"
                                 : kind == 1 ? "worse"
                                             : fmt::format("user{}", random() % 30);
        batches[random() % 3].push_back(kind == 2 ? "{\"user\":" : event(user, at));
        if (kind <= 2) {
          ++dead;
        } else {
          expected.add(user, at);
        }
      }
      for (std::uint32_t p = 0; p < 3; ++p) {
        if (!batches[p].empty()) harness.send(p, batches[p]);
      }
      harness.clock.advance({static_cast<std::int64_t>(random() % 20)});
      if (random() % 4 == 0)
        harness.store->fail_next_commits(1 + random() % 2, ErrorCode::kDiskFull);
      if (random() % 3 != 0) harness.run();
      harness.store->fail_next_commits(0, ErrorCode::kDiskFull);
      if (random() % 6 == 0) harness.open();
    }
    harness.engine->end_input();
    harness.run();
    EXPECT_EQ(harness.records("counts-out"), expected.lines());
    EXPECT_EQ(harness.records("dead-letters").size(), dead);
    EXPECT_EQ(harness.stats().records_dead, dead);
    EXPECT_EQ(harness.stats().records_late, 0U);
    EXPECT_EQ(harness.stats().windows_open, 0U);
    ASSERT_TRUE(harness.store->scan({"segment/", "segment0"})->empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, RandomRuns, testing::Values(1, 2, 5));

TEST(Engine, LateRecordsAreCountedOnceAndForGood) {
  Harness harness(1);
  for (std::uint32_t p = 0; p < 3; ++p) harness.send(p, {event("ann", kStart.ms + 250)});
  harness.run();
  harness.send(0, {event("bob", kStart.ms)});  // its window closed at +150
  harness.run();
  EXPECT_EQ(harness.stats().records_late, 1U);
  harness.open();
  EXPECT_EQ(harness.stats().records_late, 1U);
  harness.send(1, {event("bob", kStart.ms + 1)});
  harness.run();
  EXPECT_EQ(harness.stats().records_late, 2U);
  EXPECT_EQ(harness.stats().watermark->ms, kStart.ms + 250);
}

TEST(Engine, TopicsOfTheDataflowHaveItsRetention) {
  Harness harness(1);
  const log::Retention other{Duration{1000}, 1'000'000};
  for (const char* topic : {"events", "dead-letters"}) {
    ASSERT_TRUE(harness.store->set_retention(topic, other));
  }
  harness.open();
  EXPECT_EQ(harness.store->topic("events")->config.retention(), log::Retention{});
  EXPECT_EQ(harness.store->topic("dead-letters")->config.retention(), other);  // not declared
}

TEST(Engine, AClosedWindowStaysClosedWhateverBecomesOfTheGracePeriod) {
  Harness harness(1);
  for (std::uint32_t p = 0; p < 3; ++p) harness.send(p, {event("ann", kStart.ms)});
  for (std::uint32_t p = 0; p < 3; ++p) harness.send(p, {event("ann", kStart.ms + 150)});
  harness.run();
  harness.options.grace = 1'000;
  harness.open();
  harness.send(0, {event("bob", kStart.ms), event("bob", kStart.ms + 120)});
  harness.run();
  EXPECT_EQ(harness.stats().records_late, 1U);
  harness.engine->end_input();
  harness.run();
  EXPECT_EQ(harness.records("counts-out"),
            (std::vector<std::string>{R"([{"user":"ann","count":3}])",
                                      R"([{"user":"ann","count":3},{"user":"bob","count":1}])"}));
}

TEST(Engine, ASourceThatCameLaterStartsWhereItSays) {
  for (const bool at_end : {false, true}) {
    Harness harness(1);
    harness.send(0, {event("ann", kStart.ms)}, "more-events");
    const auto start = at_end ? spec::StartOffset::kEnd : spec::StartOffset::kBeginning;
    harness.options.sources.push_back({.topic = "more-events", .position = {}, .start = start});
    harness.open();
    harness.send(0, {event("ann", kStart.ms)}, "more-events");
    harness.open();  // the end was where it was at the first start
    harness.run();
    EXPECT_EQ(harness.stats().records_in, at_end ? 1U : 2U);
  }
}

TEST(Engine, ASourceThatComesBackIsReadOnceOnly) {
  Harness harness(1);
  const spec::Source more{.topic = "more-events", .position = {}};
  harness.options.sources.push_back(more);
  harness.open();
  harness.send(0, {event("ann", kStart.ms)}, "more-events");
  harness.run();
  harness.options.sources.pop_back();
  harness.open();
  harness.send(0, {event("ann", kStart.ms)});
  harness.send(0, {event("ann", kStart.ms)}, "more-events");
  harness.run();
  harness.options.sources.push_back(more);
  harness.open();
  harness.engine->end_input();
  harness.run();
  EXPECT_EQ(harness.records("counts-out"),
            (std::vector<std::string>{R"([{"user":"ann","count":3}])"}));
}

TEST(Engine, AFutureRecordIsKeptAndMovesNobodysWindow) {
  Harness harness(1);
  for (std::uint32_t p = 0; p < 3; ++p) harness.send(p, {event("ann", kStart.ms)});
  harness.send(0, {event("eve", kStart.ms + 86'400'000)});
  harness.send(0, {event("ann", kStart.ms + 1)});
  harness.run();
  EXPECT_EQ(harness.stats().records_future, 1U);
  EXPECT_EQ(harness.stats().records_late, 0U);
  EXPECT_EQ(harness.stats().watermark->ms, kStart.ms);
  harness.engine->end_input();
  harness.run();
  EXPECT_EQ(
      harness.records("counts-out"),
      (std::vector<std::string>{R"([{"user":"ann","count":4}])", R"([{"user":"eve","count":1}])"}));
}

TEST(Engine, WrongClocksOpenABoundedNumberOfWindows) {
  constexpr std::int64_t kFar = 86'400'000;
  Harness harness(2);
  std::vector<std::string> values;
  for (std::int64_t i = 0; i < 1'200; ++i)
    values.push_back(event("eve", kStart.ms + kFar + i * kWindow));
  harness.send(0, values);
  harness.run();
  EXPECT_EQ(harness.stats().windows_open, 1'000U);
  EXPECT_EQ(harness.stats().records_dead, 200U);
  // Those that are open take more, and so do the windows of now.
  for (std::uint32_t p = 0; p < 3; ++p)
    harness.send(p, {event("eve", kStart.ms + kFar), event("ann", kStart.ms)});
  harness.run();
  EXPECT_EQ(harness.stats().windows_open, 1'001U);
  EXPECT_EQ(harness.stats().records_dead, 200U);
  const std::vector<std::string> dead = harness.records("dead-letters");
  ASSERT_EQ(dead.size(), 200U);
  EXPECT_NE(dead.front().find(R"("operator":"assign-timestamp")"), std::string::npos) << dead[0];
  EXPECT_NE(dead.front().find(R"("offset":1000,)"), std::string::npos) << dead[0];
}

TEST(Engine, ASnapshotHasOpenWindowsAndTheLastClosedOne) {
  Harness harness(1);
  for (std::uint32_t p = 0; p < 3; ++p)
    harness.send(p, {event("ann", kStart.ms), event("bob", kStart.ms + 260)});
  harness.run();
  const auto snapshot = harness.engine->snapshot("counts");
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  std::vector<std::string> seen;
  for (const query::Segment& segment : snapshot->table.segments) {
    for (const query::Row& row : segment.rows) {
      seen.push_back(fmt::format("{} {} +{} closed={}", row.key,
                                 static_cast<const Row*>(row.data)->count,
                                 segment.constants[0] - kStart.ms, segment.constants[2]));
    }
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"ann 3 +0 closed=1", "bob 3 +200 closed=0"}));
  EXPECT_EQ(harness.engine->snapshot("count").error().message,
            "there is no state 'count'; did you mean 'counts'?");
}

TEST(Engine, TheLoopFollowsInputAndStops) {
  Harness harness(2);
  harness.engine->start();
  for (std::uint32_t p = 0; p < 3; ++p)
    harness.send(p, {event("ann", kStart.ms), event("ann", kStart.ms + 260)});
  while (harness.records("counts-out").empty()) std::this_thread::yield();
  harness.engine->stop();
  EXPECT_EQ(harness.records("counts-out").front(), R"([{"user":"ann","count":3}])");
}

}  // namespace
}  // namespace gameflow::runtime
