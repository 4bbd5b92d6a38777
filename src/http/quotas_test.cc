// Buckets against a clock that the test moves.
#include "http/quotas.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow::http {
namespace {

using namespace std::chrono_literals;

struct Clocked {
  Quotas quotas;
  Quotas::Instant now{1h};

  // Seconds to wait; 0: taken.
  long take(const std::vector<Sender>& senders, std::uint64_t records, std::uint64_t bytes = 0) {
    const auto refusal = quotas.take(senders, records, bytes, now);
    return refusal ? static_cast<long>(refusal->wait.count()) : 0;
  }
};

const std::vector<Sender> kTen{{"address 203.0.113.7", {.records = 10}}};

TEST(Quotas, ASecondsWorthAtOnceAndThenTheRate) {
  Clocked clocked;
  EXPECT_EQ(clocked.take(kTen, 10), 0);
  EXPECT_EQ(clocked.take(kTen, 1), 1) << "the bucket is empty";
  clocked.now += 100ms;  // in which one comes in
  EXPECT_EQ(clocked.take(kTen, 1), 0);
  EXPECT_EQ(clocked.take(kTen, 1), 1);
  clocked.now += 1h;  // it does not get more than full
  EXPECT_EQ(clocked.take(kTen, 10), 0);
  EXPECT_EQ(clocked.take(kTen, 1), 1);
}

TEST(Quotas, ARequestOfAnySizePassesAndTheNextOnesWait) {
  Clocked clocked;
  EXPECT_EQ(clocked.take(kTen, 1'000), 0);
  EXPECT_EQ(clocked.take(kTen, 1), 100);
  clocked.now += 98s;
  EXPECT_EQ(clocked.take(kTen, 1), 2) << "what is refused is not counted";
  clocked.now += 1s + 1ms;
  EXPECT_EQ(clocked.take(kTen, 1), 0);
}

TEST(Quotas, WhoWaitsAsLongAsToldIsTaken) {
  Clocked clocked;
  const std::vector<Sender> senders{{"token 'a'", {.records = 7, .bytes = 1'000}}};
  for (std::uint64_t records : {3U, 20U, 1U, 500U, 8U}) {
    for (long waits = 0; const long wait = clocked.take(senders, records, records * 100); ++waits) {
      ASSERT_EQ(waits, 0) << "waited, and refused again";
      clocked.now += std::chrono::seconds(wait);
    }
  }
}

TEST(Quotas, OverTimeNobodyBringsMore) {
  Clocked clocked;
  std::uint64_t taken = 0;
  for (int i = 0; i < 100'000; ++i, clocked.now += 1ms)
    if (clocked.take(kTen, 3) == 0) taken += 3;
  EXPECT_GE(taken, 1'000U);
  EXPECT_LE(taken, 1'000U + 10U + 3U) << "a bucket and a request more";
}

TEST(Quotas, RecordsAndBytesAreTwoBuckets) {
  Clocked clocked;
  const std::vector<Sender> senders{{"address 1", {.records = 100, .bytes = 1'000}}};
  EXPECT_EQ(clocked.take(senders, 1, 3'000), 0);
  const auto refusal = clocked.quotas.take(senders, 5, 70, clocked.now);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->why,
            "address 1 may send 1000 bytes a second, and has sent more. This request brings 5 "
            "records in 70 bytes: nothing of it was stored; send it again in 3 s");
  EXPECT_EQ(clocked.quotas.refused_requests(), 1U);
  EXPECT_EQ(clocked.quotas.refused_records(), 5U);
}

TEST(Quotas, EachSenderHasItsOwnAndARequestNeedsAll) {
  Clocked clocked;
  const Sender token{"token 'game'", {.records = 15}};
  const auto from = [&](const char* address) {
    return std::vector<Sender>{{address, {.records = 10}}, token};
  };
  EXPECT_EQ(clocked.take(from("address 1"), 10), 0);
  EXPECT_EQ(clocked.take(from("address 1"), 1), 1);
  EXPECT_EQ(clocked.take(from("address 2"), 5), 0);
  EXPECT_EQ(clocked.take(from("address 3"), 1), 1) << "that of the token is empty";
  clocked.now += 100ms;
  EXPECT_EQ(clocked.take(from("address 3"), 10), 0) << "its own had nothing taken out";
}

TEST(Quotas, WhoseBucketsAreFullIsForgotten) {
  Clocked clocked;
  const auto fill = [&] {
    for (std::size_t i = 0; i < Quotas::kSendersMax; ++i)
      clocked.take({{std::to_string(i), {.records = 10}}}, 20);
  };
  fill();
  EXPECT_EQ(clocked.quotas.senders(), Quotas::kSendersMax);
  EXPECT_EQ(clocked.take({{"0", {.records = 10}}}, 1), 2) << "known, as there is no new one";
  clocked.now += 3s;
  clocked.take(kTen, 1);
  EXPECT_EQ(clocked.quotas.senders(), 1U);
  fill();
  EXPECT_LE(clocked.quotas.senders(), Quotas::kSendersMax);
}

TEST(Quotas, WithoutOneEverythingPasses) {
  Clocked clocked;
  EXPECT_EQ(clocked.take({}, 1'000'000, 1'000'000), 0);
  EXPECT_EQ(clocked.take({{"a", {}}}, 1'000'000, 1'000'000), 0);
  EXPECT_EQ(clocked.take({{"a", {}}}, 1'000'000, 1'000'000), 0);
}

}  // namespace
}  // namespace gameflow::http
