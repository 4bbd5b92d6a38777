// Readers of topics whose offsets have gaps: each record once, whatever the page.
#include "http/tail.h"

#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "http/http_test_util.h"

namespace gameflow::http {
namespace {

using Strings = std::vector<std::string>;

constexpr int kRecords = 200;

struct World : test::TestServer {
  World() : TestServer({}, {}, {.gaps = 3}) {
    topic("t");
    for (int i = 0; i < kRecords; i += 4) {
      Strings values;
      for (int n = i; n < i + 4; ++n) values.push_back(std::to_string(n));
      append("t", values);
      all.insert(all.end(), values.begin(), values.end());
    }
    end = store->topic("t")->partitions[0].end.value;
  }

  Strings all;
  std::uint64_t end = 0;
};

Strings tail_of(const World& world, std::uint64_t from) {
  TailOptions options;
  options.start = {Position::Kind::kAt, from};
  auto tail = Tail::open(world.api, "t", options);
  Strings values;
  for (;;) {
    const auto message = tail->next();
    EXPECT_TRUE(message) << message.error().message;
    if (!message || !*message) return values;
    values.emplace_back(**message);
  }
}

TEST(Tail, StartsAtTheFirstRecordBehindAnyOffset) {
  World world;
  ASSERT_GT(world.end, 2U * kRecords);
  std::size_t left_before = kRecords;
  for (std::uint64_t from = 0; from <= world.end; ++from) {
    const Strings values = tail_of(world, from);
    ASSERT_LE(left_before - values.size(), 1U) << from;
    ASSERT_EQ(values, Strings(world.all.end() - static_cast<std::ptrdiff_t>(values.size()),
                              world.all.end()));
    left_before = values.size();
  }
  EXPECT_EQ(left_before, 0U);
}

TEST(Tail, GoesOnPastAGapAtTheEnd) {
  World world;
  auto tail = Tail::open(world.api, "t", {});
  for (int i = 0; i < kRecords; ++i) ASSERT_TRUE(*tail->next());
  for (const std::string value : {"a", "b"}) {
    ASSERT_FALSE(*tail->next());
    world.append("t", {value});
    EXPECT_EQ(**tail->next(), value);
  }
}

TEST(Routes, PagesOfATopicWithGapsConnect) {
  World world;
  for (const int limit : {1, 3, 1000}) {
    std::string next = "0", values;
    for (int page = 0; page <= kRecords && next != std::to_string(world.end); ++page) {
      const test::Response reply = ask(
          world, test::http(fmt::format("GET /topics/t/records?offset={}&limit={}", next, limit)));
      ASSERT_EQ(reply.status, 200U) << reply.body;
      for (std::size_t at = 0; (at = reply.body.find(R"("value":)", at)) != std::string::npos;) {
        at += 8;
        values += reply.body.substr(at, reply.body.find('}', at) - at) + ' ';
      }
      const std::string name = "Gameflow-Next-Offset: ";
      const std::size_t at = reply.header.find(name) + name.size();
      next = reply.header.substr(at, reply.header.find('\r', at) - at);
    }
    EXPECT_EQ(values, fmt::format("{} ", fmt::join(world.all, " "))) << limit;
  }
}

TEST(Position, APlusInAnAddressIsASpace) {
  const auto told = [](const std::string& target) {
    serve::Request request;
    EXPECT_TRUE(serve::parse_target("/ws/t?from=" + target, request));
    const auto position = position_of(request, Timestamp{1'731'406'530'000});
    return position ? std::string() : position.error().message;
  };
  EXPECT_NE(told("2024-11-12T11:15:30+01:00").find("write %2B for it"), std::string::npos);
  EXPECT_EQ(told("soon+1").find("%2B"), std::string::npos);
  EXPECT_EQ(told("2024-11-12T11:15:30%2B01:00"), "");
}

}  // namespace
}  // namespace gameflow::http
