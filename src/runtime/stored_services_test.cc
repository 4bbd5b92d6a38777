#include "runtime/stored_services.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "log/memory/memory_store.h"
#include "log/test_util.h"
#include "runtime/checkpoint.h"
#include "runtime/fresh_start.h"

namespace gameflow::runtime {
namespace {

constexpr Timestamp kNow{1'700'000'000'000};
constexpr Timestamp kAhead{1'700'003'600'000};

class StoredServices : public testing::Test {
 protected:
  // Two services, each with a record and rows.
  void SetUp() override {
    for (const std::string name : {"counting", "counts"}) {
      ServiceRecord record;
      record.watermark = kAhead;
      record.closed = {.until = kAhead, .gone_until = kAhead};
      record.fired_until = kAhead;
      record.inputs = {{.topic = "events", .topic_id = {1}, .next = {7}, .progress = kAhead}};
      record.counters.records_in = 7;
      put(service_key(name), encode(record));
      put(rows_key(name, {.window = kNow, .number = 2}), "rows");
    }
  }

  void put(const std::string& key, const std::string& value) {
    log::Commit commit;
    commit.put.push_back({key, value});
    ASSERT_TRUE(store->commit(std::move(commit)));
  }
  std::vector<std::string> names() { return *stored_services(*store); }
  std::size_t keys() { return log::scan_all(*store, {"", "\xff"}).size(); }
  ServiceRecord record_of(const std::string& name) {
    return *decode_service_record(**store->get(service_key(name)), name);
  }

  ManualClock clock{kNow};
  std::unique_ptr<log::MemoryStore> store = log::make_memory_store(clock);
};

TEST_F(StoredServices, AreListed) {
  EXPECT_EQ(names(), (std::vector<std::string>{"counting", "counts"}));
  const auto service = stored_service("counts", *store);
  ASSERT_TRUE(service);
  EXPECT_EQ(service->watermark, kAhead);
  EXPECT_EQ(service->counters.records_in, 7U);
}

TEST_F(StoredServices, OneIsForgottenAndNothingOfItStays) {
  ASSERT_EQ(keys(), 4U);
  ASSERT_TRUE(forget_service("counting", *store));
  EXPECT_EQ(names(), std::vector<std::string>{"counts"});
  EXPECT_EQ(keys(), 2U);
}

TEST_F(StoredServices, OneThatCannotBeReadCanBeForgotten) {
  put(service_key("counting"), "\xff from a newer gameflow");
  EXPECT_EQ(stored_service("counting", *store).error().code, ErrorCode::kStateMismatch);
  EXPECT_TRUE(forget_service("counting", *store));
}

TEST_F(StoredServices, AWatermarkIsResetAndAllElseStays) {
  ASSERT_TRUE(reset_watermark("counting", kNow, *store));
  const ServiceRecord record = record_of("counting");
  EXPECT_EQ(record.watermark, std::nullopt);
  EXPECT_EQ(record.inputs.at(0).progress, std::nullopt);
  EXPECT_EQ(record.inputs.at(0).next, log::Offset{7});
  EXPECT_EQ(record.closed.until, kNow) << "what ends later may open again";
  EXPECT_EQ(record.closed.gone_until, kNow);
  EXPECT_EQ(record.fired_until, kNow);
  EXPECT_EQ(record.counters.records_in, 7U);
  EXPECT_EQ(keys(), 4U);
  EXPECT_EQ(record_of("counts").watermark, kAhead);
}

// Service 'counting' reads topic 'events'.
plan::Graph counting_graph() {
  plan::Graph graph;
  graph.topics.push_back({.name = "events"});
  graph.nodes.push_back({.kind = plan::Read{.topic = 0}});
  graph.services.push_back({.name = "counting", .nodes = {0}});
  return graph;
}

TEST_F(StoredServices, OneStartsAfreshWhereItHasReadTo) {
  auto fresh = plan_fresh_start(counting_graph(), "counting", EndOfRead{}, *store);
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_EQ(keys(), 4U) << "it is said before it is done";
  EXPECT_NE(fresh->told.find("(4 bytes of state) is thrown away"), std::string::npos);
  EXPECT_NE(fresh->told.find("none of them is published again"), std::string::npos);
  ASSERT_TRUE(store->commit(std::move(fresh->commit)));
  const ServiceRecord record = record_of("counting");
  EXPECT_EQ(record.inputs.at(0).next, log::Offset{7});
  EXPECT_EQ(record.inputs.at(0).progress, kAhead);
  EXPECT_EQ(record.watermark, kAhead);
  EXPECT_EQ(record.closed.until, kAhead) << "what was published stays closed";
  EXPECT_EQ(record.fired_until, kAhead);
  EXPECT_EQ(record.counters.records_in, 0U);
  EXPECT_EQ(keys(), 3U) << "its rows are gone, and nothing of the other service is";
}

TEST_F(StoredServices, OneReadsAgain) {
  const auto topic = store->create_topic({.name = "events", .partitions = 2})->id;
  for (const char* value : {"a", "b", "c"}) {
    ASSERT_TRUE(store->commit(log::append(topic, 1, {value})));
    clock.advance({1'000});
  }
  struct Row {
    StartsFrom from;
    std::uint64_t next;
    const char* told;
  };
  for (const Row& row : {Row{Beginning{}, 0, "from the beginning, 3 records"},
                         Row{kNow + Duration{1'500}, 2, ", 1 records"}}) {
    SCOPED_TRACE(row.told);
    auto fresh = plan_fresh_start(counting_graph(), "counting", row.from, *store);
    ASSERT_TRUE(fresh) << fresh.error().message;
    EXPECT_NE(fresh->told.find(row.told), std::string::npos) << fresh->told;
    EXPECT_NE(fresh->told.find("publishes their results once more"), std::string::npos);
    ASSERT_TRUE(store->commit(std::move(fresh->commit)));
    const ServiceRecord record = record_of("counting");
    ASSERT_EQ(record.inputs.size(), 2U);
    EXPECT_EQ(record.inputs[1].next, log::Offset{row.next});
    EXPECT_EQ(record.watermark, std::nullopt);
    EXPECT_EQ(record.closed.until, std::nullopt);
  }
}

TEST_F(StoredServices, WhatCannotBeReadSaysNotWhereToGoOn) {
  put(service_key("counting"), "\xff from a newer gameflow");
  const auto end = plan_fresh_start(counting_graph(), "counting", EndOfRead{}, *store);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, ErrorCode::kStateMismatch);
  EXPECT_NE(end.error().message.find("--from beginning, or --from TIME"), std::string::npos);
  EXPECT_TRUE(plan_fresh_start(counting_graph(), "counting", Beginning{}, *store));

  const auto typo = plan_fresh_start(counting_graph(), "countin", EndOfRead{}, *store);
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().message,
            "--clear-state: the dataflow has no service 'countin'. Did you mean 'counting'?");
}

TEST_F(StoredServices, AnUnknownOneIsToldWithThoseThereAre) {
  const Status typo = forget_service("countin", *store);
  ASSERT_FALSE(typo);
  EXPECT_EQ(typo.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(typo.error().message,
            "there is no service 'countin'. Did you mean 'counting'? There are: counting, counts");
  EXPECT_EQ(reset_watermark("players", kNow, *store).error().message,
            "there is no service 'players'. There are: counting, counts");
  EXPECT_EQ(keys(), 4U);

  ASSERT_TRUE(forget_service("counting", *store) && forget_service("counts", *store));
  EXPECT_EQ(forget_service("counts", *store).error().message,
            "no service is stored here, so there is no 'counts'");
}

}  // namespace
}  // namespace gameflow::runtime
