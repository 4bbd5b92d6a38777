// The runner against a server and connectors that fail on demand: whatever dies when, each record
// arrives once.
#include "connect/run.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "connect/backoff.h"
#include "connect/fake_server.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;

// What a kill -9 is to a process: not an error that anybody could handle.
struct Killed {};

// The other side of a connector, and the dice that all failures are drawn with. A Kind makes its
// objects without arguments of its own, so there is one for the test that runs.
struct Outside {
  std::mt19937_64 random;
  bool fails = false;
  std::uint64_t total = 0;               // records of the source
  bool can_go_back = true;               // it has positions
  std::uint64_t handed_over = 0;         // of a source that cannot
  std::uint64_t breaks_off_at = 0;       // once it has handed over so many
  std::vector<std::uint64_t> delivered;  // by the sink, in order
  std::optional<Positions> kept;         // by the sink's other side
  bool keeps = false;
  std::vector<std::string> values;  // as the sink gets them
  std::set<std::uint64_t> refused;
  std::stop_source stop;

  bool one_in(int n) { return fails && random() % static_cast<std::uint64_t>(n) == 0; }
  void perhaps_fail() {
    if (one_in(40)) throw Killed();
    if (one_in(15)) throw Retry("the other side is away", milliseconds(1));
  }
};
Outside* outside = nullptr;

class CountingSource final : public Source {
 public:
  void open(std::string_view position) override {
    outside->perhaps_fail();
    next_ = position.empty() ? 0 : std::stoull(std::string(position));
    if (!outside->can_go_back) next_ = outside->handed_over;
  }
  Batch poll(milliseconds, std::size_t) override {
    outside->perhaps_fail();
    if (outside->breaks_off_at > 0 && next_ >= outside->breaks_off_at) {
      outside->breaks_off_at = 0;
      throw Retry("it broke off");
    }
    Batch batch;
    const std::uint64_t size = 1 + outside->random() % 10;
    for (; next_ < outside->total && batch.records.size() < size; ++next_)
      batch.records.push_back({.value = fmt::format("{{\"n\":{}}}", next_)});
    if (batch.records.empty()) outside->stop.request_stop();
    if (outside->can_go_back) batch.position = std::to_string(next_);
    outside->handed_over = next_;
    return batch;
  }
  void committed(std::string_view) override { outside->perhaps_fail(); }
  std::optional<std::uint64_t> lag() const override { return outside->total - next_; }

 private:
  std::uint64_t next_ = 0;
};

class CollectingSink final : public Sink {
 public:
  std::optional<Positions> open() override {
    outside->perhaps_fail();
    return outside->keeps ? outside->kept : std::nullopt;
  }
  std::vector<Refused> write(std::span<const Delivery> records) override {
    outside->perhaps_fail();
    std::vector<Refused> refused;
    for (std::size_t i = 0; i < records.size(); ++i) {
      if (outside->refused.contains(records[i].offset)) {
        refused.push_back({i, "not this one"});
      } else {
        pending_.push_back(records[i].offset);
        outside->values.emplace_back(records[i].value);
      }
    }
    return refused;
  }
  void commit(const Positions& next) override {
    outside->perhaps_fail();
    outside->delivered.insert(outside->delivered.end(), pending_.begin(), pending_.end());
    pending_.clear();
    outside->kept = next;
    if (next.at({"in", 0}) == outside->total) outside->stop.request_stop();
    outside->perhaps_fail();
  }

 private:
  std::vector<std::uint64_t> pending_;
};

spec::Connector connector_of(bool is_source) {
  spec::Connector connector;
  connector.name = "test";
  connector.version = "0.1.0";
  connector.topics = {"in"};
  connector.kind.type = is_source ? "counting-source" : "collecting-sink";
  if (is_source) {
    connector.kind.make_source = [](const Settings&, Host&) -> std::unique_ptr<Source> {
      return std::make_unique<CountingSource>();
    };
  } else {
    connector.kind.make_sink = [](const Settings&, Host&) -> std::unique_ptr<Sink> {
      return std::make_unique<CollectingSink>();
    };
  }
  return connector;
}

class RunTest : public testing::Test {
 protected:
  RunTest() {
    outside = &outside_;
    server_.topics["in"];
    server_.topics["dead-letters"];
  }
  ~RunTest() override { outside = nullptr; }

  // One process: until it ends by itself, or dies.
  Status run_once(const spec::Connector& connector) {
    SystemClock clock;
    progress_ = std::make_unique<Progress>(connector, clock);
    return connect::run({.connector = connector,
                         .http = server_,
                         .progress = *progress_,
                         .stop = outside_.stop.get_token(),
                         .seed = 1,
                         .tell = [this](const std::string& line) { told_.push_back(line); },
                         .pause = [this](milliseconds pause,
                                         const std::stop_token&) { pauses_.push_back(pause); }});
  }

  // With a new process after each death.
  Status run_to_end(const spec::Connector& connector) {
    for (int deaths = 0; deaths < 10'000; ++deaths) {
      try {
        return run_once(connector);
      } catch (const Killed&) {
        continue;
      }
    }
    return fail(ErrorCode::kInternal, "it does not get to its end");
  }

  // From now on all that can fails.
  void let_fail(std::uint64_t seed) {
    outside_.random.seed(seed);
    outside_.fails = true;
    server_.failure = [this] {
      if (outside_.one_in(60)) throw Killed();
      if (outside_.one_in(20)) return FakeServer::Failure::kBefore;
      if (outside_.one_in(20)) return FakeServer::Failure::kAfter;
      return outside_.one_in(20) ? FakeServer::Failure::kTemporary : FakeServer::Failure::kNone;
    };
  }

  // Records to a sink that refuses some of them, and all that can fails.
  void offer_300(std::uint64_t seed) {
    outside_.total = 300;
    outside_.refused = {5, 6, 200};
    server_.forget();
    server_.topics["dead-letters"].clear();
    server_.topics["in"].assign(outside_.total, {"null", "1"});
    let_fail(seed);
  }

  std::vector<std::string> values(const std::string& topic) {
    std::vector<std::string> all;
    for (const auto& record : server_.topics[topic]) all.push_back(record.value);
    return all;
  }

  Outside outside_;
  FakeServer server_;
  std::unique_ptr<Progress> progress_;
  std::vector<std::string> told_;
  std::vector<milliseconds> pauses_;
};

TEST_F(RunTest, ASourceStoresEachRecordOnceWhateverDies) {
  const spec::Connector connector = connector_of(true);
  std::vector<std::string> expected;
  for (int n = 0; n < 500; ++n) expected.push_back(fmt::format("{{\"n\":{}}}", n));
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    outside_ = {};
    outside_.total = expected.size();
    server_.topics["in"].clear();
    server_.forget();
    let_fail(seed);
    ASSERT_TRUE(run_to_end(connector));
    ASSERT_EQ(values("in"), expected);
    ASSERT_EQ(server_.sequence, expected.size());
  }
}

TEST_F(RunTest, ASourceWithTooMuchWaitsAsLongAsItIsToldAndSaysSoOnce) {
  outside_.total = 50;
  std::size_t refused = 0;  // each request once
  server_.failure = [&] {
    const bool stores = server_.targets.back().starts_with("POST /records");
    if (!stores || (refused > 0 && server_.targets[refused - 1] == server_.targets.back()))
      return FakeServer::Failure::kNone;
    refused = server_.targets.size();
    return FakeServer::Failure::kOverQuota;
  };
  ASSERT_TRUE(run_to_end(connector_of(true)));
  EXPECT_EQ(values("in").size(), 50U);
  ASSERT_GT(pauses_.size(), 2U);
  EXPECT_EQ(*std::ranges::min_element(pauses_), milliseconds(7'000));
  EXPECT_EQ(told_, std::vector<std::string>{"too much; going on as fast as that allows"});
}

TEST_F(RunTest, RejectedRecordsAreDeadLetters) {
  outside_.total = 100;
  server_.is_bad = [](std::string_view value) { return value == R"({"n":7})"; };
  spec::Connector connector = connector_of(true);
  connector.key_field = "n";
  ASSERT_TRUE(run_to_end(connector));
  EXPECT_EQ(server_.topics["in"].size(), 99U);
  ASSERT_EQ(server_.topics["dead-letters"].size(), 1U);
  EXPECT_EQ(
      values("dead-letters")[0],
      R"({"service":"connector/test","operator":"connect","code":"wrong_type","reason":"bad",)"
      R"("topic":"in","key":"7","value":"{\"n\":7}"})");
  EXPECT_EQ(progress_->counts().rejected, 1U);
  EXPECT_EQ(progress_->state(), State::kStopped);
}

TEST_F(RunTest, RecordsOfASourceThatCannotGoBackAreNotMistakenForKnownOnes) {
  // A request of a process that was killed arrives after the next one has asked.
  outside_.total = 3;
  outside_.can_go_back = false;
  bool done = false;
  server_.failure = [&] {
    if (!done && server_.targets.back().starts_with("POST")) {
      done = true;
      server_.sequence += 2;
    }
    return FakeServer::Failure::kNone;
  };
  outside_.random.seed(3);
  ASSERT_TRUE(run_to_end(connector_of(true)));
  std::vector<std::string> all = values("in");
  std::ranges::sort(all);
  EXPECT_EQ(all, (std::vector<std::string>{R"({"n":0})", R"({"n":1})", R"({"n":2})"}));
}

TEST_F(RunTest, WhatWaitsForMoreIsStoredWhenTheSourceBreaksOff) {
  outside_.total = 20;
  outside_.breaks_off_at = 1;
  outside_.can_go_back = false;
  spec::Connector connector = connector_of(true);
  connector.linger = Duration{50};
  ASSERT_TRUE(run_to_end(connector));
  EXPECT_EQ(server_.topics["in"].size(), 20U);
  EXPECT_EQ(told_.front(), "it broke off; trying again, next in 0.1 s");
}

TEST_F(RunTest, AServerThatHasLostItsDataIsFilledAgain) {
  outside_.total = 60;
  int posts = 0;
  server_.failure = [&] {
    if (server_.targets.back().starts_with("POST") && ++posts == 6) {
      server_.topics["in"].clear();
      server_.forget();
    }
    return FakeServer::Failure::kNone;
  };
  ASSERT_TRUE(run_to_end(connector_of(true)));
  EXPECT_EQ(server_.topics["in"].size(), 60U);
}

TEST_F(RunTest, ATopicThatIsNotThereIsFinal) {
  server_.topics.erase("in");
  const Status status = run_once(connector_of(true));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            "there is no topic 'in' on the server: declare it in dataflow.yaml, or make it with "
            "'gameflow topic create in'");
  EXPECT_EQ(progress_->state(), State::kFailed);
}

std::vector<std::uint64_t> numbers(std::uint64_t count, const std::set<std::uint64_t>& without) {
  std::vector<std::uint64_t> all;
  for (std::uint64_t n = 0; n < count; ++n) {
    if (!without.contains(n)) all.push_back(n);
  }
  return all;
}

TEST_F(RunTest, ASinkThatKeepsItsPlaceGetsEachRecordOnce) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    outside_ = {.kept = Positions(), .keeps = true};
    offer_300(seed);
    ASSERT_TRUE(run_to_end(connector_of(false)));
    ASSERT_EQ(outside_.delivered, numbers(300, outside_.refused));
    ASSERT_EQ(server_.topics["dead-letters"].size(), 3U);
  }
}

TEST_F(RunTest, ASinkWithoutAPlaceGetsEachRecordInOrderAtLeastOnce) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    outside_ = {};
    offer_300(seed);
    ASSERT_TRUE(run_to_end(connector_of(false)));
    // What comes again is what came last.
    std::uint64_t behind = 0;
    for (const std::uint64_t offset : outside_.delivered) {
      ASSERT_LE(offset, behind + outside_.refused.size());
      behind = std::max(behind, offset + 1);
    }
    const std::set<std::uint64_t> seen(outside_.delivered.begin(), outside_.delivered.end());
    ASSERT_EQ(seen.size(), 297U);
  }
}

TEST_F(RunTest, RecordsThatRetentionHasRemovedAreTold) {
  server_.topics["in"].assign(20, {"\"k\"", "1"});
  server_.position = R"({"in/0":3})";
  server_.begins["in"] = 10;
  outside_.total = 20;
  ASSERT_TRUE(run_to_end(connector_of(false)));
  EXPECT_EQ(outside_.delivered.front(), 10U);
  EXPECT_EQ(told_, std::vector<std::string>{"topic 'in' partition 0: records 3 to 9 are gone, "
                                            "retention has removed them"});
}

TEST_F(RunTest, WhoTakesBytesGetsThoseOfRawTopics) {
  const std::string bytes("\0\xFF\n", 3);
  for (const bool takes_bytes : {false, true}) {
    for (const bool is_raw : {false, true}) {
      outside_ = {};
      outside_.total = 1;
      server_.forget();
      server_.raw.clear();
      if (is_raw) server_.raw.insert("in");
      const bool gets_bytes = takes_bytes && is_raw;
      server_.topics["in"].assign(1, {"null", gets_bytes ? bytes : "1"});
      spec::Connector connector = connector_of(false);
      connector.kind.takes_bytes = takes_bytes;
      ASSERT_TRUE(run_to_end(connector));
      EXPECT_EQ(outside_.values, std::vector<std::string>{gets_bytes ? bytes : "1"});
    }
  }
}

TEST_F(RunTest, ThePositionOfASourceIsNoneOfASink) {
  server_.position = "after 3";
  const Status status = run_to_end(connector_of(false));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kDataCorrupt);
}

TEST(Backoff, GrowsAndIsRandomAndWaitsAsLongAsIsAsked) {
  Backoff backoff(1);
  milliseconds bound = Backoff::kFirst;
  for (int i = 0; i < 20; ++i) {
    const milliseconds pause = backoff.next();
    EXPECT_GE(pause, bound / 2);
    EXPECT_LE(pause, bound);
    bound = std::min(bound * 2, Backoff::kMax);
  }
  EXPECT_EQ(backoff.next(milliseconds(60'000)), milliseconds(60'000));
  backoff.reset();
  EXPECT_LE(backoff.next(), Backoff::kFirst);
}

}  // namespace
}  // namespace gameflow::connect
