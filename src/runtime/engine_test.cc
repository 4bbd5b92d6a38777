// The engine over the memory store, against a brute-force computation: random input, epochs of
// random size, failing commits, restarts, any number of threads. Operators are written by hand
// here; the compiled ones are tested in tests/dataflow.
#include "runtime/engine.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/abi.h>

#include "log/memory/memory_store.h"
#include "log/test_util.h"

namespace gameflow::runtime {
namespace {

using namespace std::chrono_literals;

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

// As generated code does: what a function makes lives in the arena of its call.
class ArenaScope {
 public:
  explicit ArenaScope(const abi::Call* call) { gameflow::detail::current_arena = call->arena; }
  ~ArenaScope() { gameflow::detail::current_arena = nullptr; }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;
};

// What generated code does, by hand: count events per user; the user "bad" throws in assign-key,
// "worse" in update.
u32 source(abi::Call* call, const abi::Records* records, List<abi::Emitted>* out,
           abi::RecordError* errors) {
  const ArenaScope scope(call);
  u32 failed = 0;
  for (u32 i = 0; i < records->count; ++i) {
    const auto& event = *static_cast<const Event*>(records->values[i]);
    if (event.user == Text("bad")) {
      errors[failed++] = {i, 1, "bad user"};
      continue;
    }
    out->push_back({&event, event.at, event.user, i, nullptr});
  }
  return failed;
}

// So many calls of update run out of memory, as growing a table may.
std::atomic<int> updates_to_run_out{0};

// What a record of the user "huge" makes, as a list that grows with each record would.
std::size_t huge_bytes = 0;

u32 update(abi::Call* call, const abi::KeyedRecords* records, abi::RowUse* uses,
           List<abi::Emitted>*, abi::RecordError* errors) {
  if (updates_to_run_out > 0 && updates_to_run_out-- > 0) throw std::bad_alloc();
  u32 failed = 0;
  for (u32 i = 0; i < records->count; ++i) {
    uses[i] = {};
    if (static_cast<const Event*>(records->values[i])->user == Text("worse")) {
      errors[failed++] = {i, 0, "worse user"};
      continue;
    }
    try {
      if (static_cast<const Event*>(records->values[i])->user == Text("huge"))
        call->arena->allocate(huge_bytes, 1);
    } catch (const std::bad_alloc&) {
      errors[failed++] = {i, 0, "out of memory"};
      continue;
    }
    static_cast<Row*>(records->rows[i])->count += 1;
    uses[i] = {1, 1, 0};
  }
  return failed;
}

const void* flush(abi::Call* call, abi::RecordError* error) {
  constexpr std::string_view kQuery =
      "select _key as user, count from counts order by count desc, _key";
  auto* list = new (call->arena->allocate(sizeof(List<Count>), 16)) List<Count>();
  if (call->sql(call->context, kQuery.data(), kQuery.size(), nullptr, 0, 1, list)) return list;
  error->message = call->sql_error;
  return nullptr;
}

// The functions under the names that the graph has for them.
plan::Functions bind_functions(const plan::Graph& graph) {
  static std::deque<std::vector<abi::Function>> kept;
  std::vector<abi::Function>& functions = kept.emplace_back();
  const auto pointer = [](auto* function) { return reinterpret_cast<void (*)()>(function); };
  for (const plan::FunctionName& name : plan::functions_of(graph)) {
    const char* const text = name.name.data();  // of the graph, which outlives its engine
    switch (name.kind) {
      case abi::FunctionKind::kChain:
        functions.push_back(
            {name.kind, text, pointer(source), {abi::kFirstDeclared, abi::kNotWrapped}, 0});
        break;
      case abi::FunctionKind::kUpdate:
        functions.push_back({name.kind,
                             text,
                             pointer(update),
                             {abi::kFirstDeclared, abi::kNotWrapped},
                             abi::kRecords});
        break;
      case abi::FunctionKind::kFlush:
        functions.push_back(
            {name.kind, text, pointer(flush), {abi::kFirstDeclared + 1, abi::kNotWrapped << 1}, 0});
        break;
      case abi::FunctionKind::kExpire:
      case abi::FunctionKind::kEach:
      case abi::FunctionKind::kMerge:
      case abi::FunctionKind::kJoin:
        break;
    }
  }
  const abi::Library library{abi::kVersion, static_cast<u32>(functions.size()), functions.data()};
  return *plan::Functions::bind(library, graph);
}

constexpr std::int64_t kWindow = 100, kGrace = 50;
constexpr Timestamp kStart{1'700'000'000'000};

struct PlanOptions {
  std::int64_t grace = kGrace;
  std::vector<spec::Source> sources{{.topic = "events", .position = {}}};
};

std::shared_ptr<const plan::Graph> make_graph(const PlanOptions& options) {
  using record::Kind;
  spec::Dataflow dataflow;
  auto types = std::make_shared<record::TypeTable>();
  const auto* text = types->scalar(Kind::kString);
  const auto* event = types->object(
      "event", {{.name = "user", .type = text}, {.name = "at", .type = types->scalar(Kind::kI64)}});
  const auto* count = types->object(
      "count",
      {{.name = "user", .type = text}, {.name = "count", .type = types->scalar(Kind::kU32)}});
  const auto* row = types->object("row", {{.name = "count", .type = types->scalar(Kind::kU32)}});
  dataflow.topics = {{.name = "events", .type = event, .partitions = 3},
                     {.name = "more-events", .type = event},
                     {.name = "counts-out", .type = types->list_of(count)}};
  spec::Service service{.name = "counting", .sources = options.sources};
  for (spec::Source& source : service.sources) source.type = event;
  service.states = {{.name = "counts", .position = {}, .key = Kind::kString, .type = row}};
  service.partition.emplace().update_state.emplace(
      spec::Function{spec::FunctionKind::kUpdateState, {}, {}});
  service.window.emplace().shape = spec::Tumbling{{kWindow}, {}};
  service.window->grace = {options.grace};
  service.sinks = {{.topic = "counts-out", .position = {}, .type = types->list_of(count)}};
  dataflow.services = {service};
  dataflow.types = types;
  return std::make_shared<const plan::Graph>(plan::lower(dataflow));
}

struct Harness {
  // Behind the events: none of them is ahead of its record.
  ManualClock clock{kStart + Duration{10'000}};
  std::unique_ptr<log::MemoryStore> store = log::make_memory_store(clock);
  std::unique_ptr<Engine> engine;
  std::uint32_t threads;
  std::size_t epoch_bytes = 32U << 20;
  PlanOptions options;
  MemoryWatch* memory = nullptr;

  explicit Harness(std::uint32_t thread_count) : threads(thread_count) { open(); }
  void open() {
    engine.reset();
    const auto graph = make_graph(options);
    auto opened = Engine::open(graph, bind_functions(*graph), *store,
                               {.threads = threads,
                                .epoch_bytes_max = epoch_bytes,
                                .epoch_bytes_small = 0,
                                .clock = &clock,
                                .memory = memory});
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
      const log::ReadResult read =
          *store->read(info.id, partition, info.partitions[partition].begin, SIZE_MAX);
      for (const auto& batch : read.batches) {
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
      const bool loses_power = random() % 6 == 0;
      if (loses_power) harness.store->lose_power();
      if (loses_power || random() % 6 == 0) harness.open();
    }
    harness.engine->end_input();
    harness.run();
    EXPECT_EQ(harness.records("counts-out"), expected.lines());
    EXPECT_EQ(harness.records("dead-letters").size(), dead);
    EXPECT_EQ(harness.stats().records_dead, dead);
    EXPECT_EQ(harness.stats().records_late, 0U);
    EXPECT_EQ(harness.stats().windows_open, 0U);
    ASSERT_TRUE(log::scan_all(*harness.store, {"segment/", "segment0"}).empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, RandomRuns, testing::Values(1, 2, 5));

// What others have read never comes back in another form; rows alone may be computed again.
TEST(Engine, AnEpochIsDurableBeforeItsOutputIsShown) {
  Harness harness(1);
  const auto lose_power = [&harness] {
    harness.store->lose_power();
    harness.open();
  };
  for (std::uint32_t p = 0; p < 3; ++p) harness.send(p, {event("ann", kStart.ms)});
  harness.run();
  EXPECT_EQ(harness.stats().records_in, 3U);
  lose_power();
  EXPECT_EQ(harness.stats().records_in, 0U);  // only rows had changed
  harness.run();
  harness.send(0, {event("bad", kStart.ms)});  // makes durable what is before it
  lose_power();
  EXPECT_EQ(harness.stats().records_in, 3U);
  harness.run();
  lose_power();
  EXPECT_EQ(harness.records("dead-letters").size(), 1U);
  EXPECT_EQ(harness.stats().records_in, 4U);
  for (std::uint32_t p = 0; p < 3; ++p) harness.send(p, {event("ann", kStart.ms + 150)});
  harness.run();
  lose_power();
  EXPECT_EQ(harness.records("counts-out"),
            std::vector<std::string>{R"([{"user":"ann","count":3}])"});
  EXPECT_EQ(harness.stats().windows_closed, 1U);
}

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

class FullMemory : public testing::Test {
 protected:
  static constexpr std::uint64_t kBytesMax = 100U << 20;

  FullMemory() {
    harness_.memory = &watch_;
    harness_.open();
    for (std::uint32_t p = 0; p < 3; ++p) harness_.send(p, {event("ann", kStart.ms)});
  }

  Harness harness_{2};
  MemoryUse use_;
  MemoryWatch watch_{MemoryLimit(kBytesMax, {}), harness_.clock, [this] { return use_; }};
};

TEST_F(FullMemory, HoldsTheServiceBackAndNothingBecomesLate) {
  harness_.run();
  use_.resident = kBytesMax;
  harness_.run();
  EXPECT_TRUE(harness_.stats().is_held);
  for (std::uint32_t p = 0; p < 3; ++p) harness_.send(p, {event("bob", kStart.ms + 10)});
  for (int i = 0; i < 10; ++i) {
    harness_.clock.advance(Duration{86'400'000});
    harness_.run();
  }
  EXPECT_EQ(harness_.stats().records_in, 3U);
  EXPECT_EQ(harness_.stats().windows_open, 1U) << "who could not be heard was not silent";
  use_.resident = kBytesMax / 2;
  harness_.run();
  EXPECT_FALSE(harness_.stats().is_held);
  harness_.run();
  EXPECT_EQ(harness_.stats().records_in, 6U);
  EXPECT_EQ(harness_.stats().records_late, 0U);
}

TEST_F(FullMemory, WindowsGoOnClosing) {
  harness_.run();
  use_.resident = kBytesMax;
  harness_.run();
  ASSERT_TRUE(harness_.stats().is_held);
  harness_.clock.advance(Duration{86'400'000});
  harness_.run();
  EXPECT_EQ(harness_.stats().windows_open, 0U);
  EXPECT_EQ(harness_.records("counts-out"),
            std::vector<std::string>{R"([{"user":"ann","count":3}])"});
}

TEST_F(FullMemory, AnEpochThatRunsOutIsDroppedAndTriedAgain) {
  updates_to_run_out = 1;
  const auto result = harness_.engine->run_epoch();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kMemoryFull);
  EXPECT_EQ(watch_.level(), MemoryLimit::Level::kFull);
  EXPECT_EQ(harness_.stats().records_in, 0U);
  harness_.run();
  harness_.engine->end_input();
  harness_.run();
  EXPECT_EQ(harness_.records("counts-out"),
            std::vector<std::string>{R"([{"user":"ann","count":3}])"});
  EXPECT_TRUE(harness_.records("dead-letters").empty());
}

// The limit leaves 64 MiB for what functions make.
TEST_F(FullMemory, AnEpochWhoseFunctionsMakeTooMuchIsDoneInSmallerPieces) {
  harness_.run();
  huge_bytes = 20U << 20;
  for (int i = 0; i < 10; ++i) harness_.send(0, {event("huge", kStart.ms)});
  const auto first = harness_.engine->run_epoch();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*first, EpochResult::kTooLarge);
  EXPECT_EQ(harness_.stats().records_in, 3U);
  harness_.run();
  EXPECT_FALSE(harness_.stats().is_held) << "memory was not full";
  harness_.engine->end_input();
  harness_.run();
  EXPECT_EQ(harness_.records("counts-out"),
            std::vector<std::string>{R"([{"user":"huge","count":10},{"user":"ann","count":3}])"});
  EXPECT_TRUE(harness_.records("dead-letters").empty());
}

TEST_F(FullMemory, ARecordThatMakesMoreThanThereIsStopsAndIsTold) {
  harness_.run();
  huge_bytes = 100U << 20;
  harness_.send(0, {event("huge", kStart.ms)});
  Result<EpochResult> result = EpochResult::kTooLarge;
  for (int i = 0; i < 100 && result && *result == EpochResult::kTooLarge; ++i)
    result = harness_.engine->run_epoch();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kMemoryFull);
  EXPECT_EQ(result.error().message,
            "an epoch needs more memory than there is: of 1 KiB of input functions made more than "
            "64 MiB. Is there one that never stops, or whose lists grow with each record?");
  EXPECT_EQ(harness_.stats().records_in, 3U);
  EXPECT_TRUE(harness_.records("dead-letters").empty());
  huge_bytes = 1;  // as another dataflow would
  harness_.clock.advance(MemoryLimit::kRanOutTime);
  harness_.run();
  EXPECT_FALSE(harness_.stats().is_held);
  harness_.run();
  EXPECT_EQ(harness_.stats().records_in, 4U);
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

// The rows of the only table, segment by segment.
std::vector<std::string> rows_of(const query::Tables& tables) {
  std::vector<std::string> rows;
  for (const query::Segment& segment : tables.front()->segments) {
    for (const auto& shard : *segment.shards) {
      if (shard == nullptr) continue;
      const state::Layout& layout = shard->layout();
      shard->for_each([&](const state::Entry* entry) {
        rows.push_back(fmt::format("{} {} +{} closed={}", layout.key(entry),
                                   static_cast<const Row*>(layout.row(entry, 0))->count,
                                   segment.constants[0] - kStart.ms, segment.constants[2]));
      });
    }
  }
  return rows;
}

// The sum over all rows.
std::uint64_t count_of(const query::Tables& tables) {
  std::uint64_t sum = 0;
  for (const query::Segment& segment : tables.front()->segments) {
    for (const auto& shard : *segment.shards) {
      if (shard == nullptr) continue;
      shard->for_each([&](const state::Entry* entry) {
        sum += static_cast<const Row*>(shard->layout().row(entry, 0))->count;
      });
    }
  }
  return sum;
}

std::shared_ptr<const query::Tables> view_of(const Engine& engine) {
  return engine.view(std::chrono::steady_clock::now());
}

TEST(Engine, AViewHasOpenWindowsAndTheLastClosedOneAndStaysSo) {
  Harness harness(1);
  const auto before = view_of(*harness.engine);
  for (std::uint32_t p = 0; p < 3; ++p)
    harness.send(p, {event("ann", kStart.ms), event("bob", kStart.ms + 260)});
  harness.run();
  const auto view = view_of(*harness.engine);
  ASSERT_EQ(view->size(), 1U);
  EXPECT_EQ(view->front()->name, "counts");
  const std::vector<std::string> rows{"ann 3 +0 closed=1", "bob 3 +200 closed=0"};
  EXPECT_EQ(rows_of(*view), rows);
  harness.send(0, {event("bob", kStart.ms + 260)});
  harness.run();
  EXPECT_EQ(rows_of(*view), rows);
  EXPECT_TRUE(rows_of(*before).empty());
  EXPECT_EQ(rows_of(*view_of(*harness.engine)).back(), "bob 4 +200 closed=0");
  harness.open();
  EXPECT_EQ(rows_of(*view_of(*harness.engine)).back(), "bob 4 +200 closed=0");
}

// Whether epochs make versions, or who asks does, or waits for an epoch: what was committed before
// is there.
TEST(Engine, AViewHasAllThatWasCommittedBefore) {
  Harness harness(2);
  harness.engine->start();
  std::atomic<bool> is_done = false;
  std::thread reader([&] {
    std::uint64_t seen = 0;
    for (std::size_t round = 0; !is_done; ++round) {
      const std::uint64_t committed = harness.engine->stats().services.front().records_in;
      const auto view = harness.engine->view(std::chrono::steady_clock::now() + 10s);
      ASSERT_NE(view, nullptr);
      const std::uint64_t counted = count_of(*view);
      ASSERT_GE(counted, committed);
      ASSERT_GE(counted, seen);
      seen = counted;
      if (round % 3 == 0) std::this_thread::sleep_for(1ms);
    }
  });
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    harness.send(i % 3, {event(fmt::format("player{}", i % 50), kStart.ms)});
    if (i % 10 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i));
  }
  while (harness.engine->stats().services.front().records_in < 2'000) std::this_thread::yield();
  is_done = true;
  reader.join();
  EXPECT_EQ(count_of(*view_of(*harness.engine)), 2'000U);
  harness.engine->stop();
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
