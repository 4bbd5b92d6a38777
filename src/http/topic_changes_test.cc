// A reader of topics hears of what is new, and of nothing else.
#include "http/topic_changes.h"

#include <string>

#include <gtest/gtest.h>

#include "http/http_test_util.h"

namespace gameflow::http::test {
namespace {

std::string next(TopicChanges& changes) {
  const auto message = changes.next();
  if (!message) return message.error().message;
  if (message->kind == serve::Message::Kind::kNone) return "none";
  return std::string(message->text);
}

TEST(TopicChanges, TellsOfNewRecordsOnce) {
  TestServer server;
  server.topic("a", 3);
  server.topic("b");
  server.topic("c");
  const auto changes = *TopicChanges::open(server.api, "a,b");
  EXPECT_EQ(changes->topics().size(), 2U);
  EXPECT_EQ(next(*changes), "{\"topic\":\"a\"}\n{\"topic\":\"b\"}\n");
  EXPECT_EQ(next(*changes), "none");
  server.append("c", {"1"});
  EXPECT_EQ(next(*changes), "none");
  for (const std::uint32_t partition : {2, 0, 2}) {
    server.append("a", {"1", "2"}, partition);
    EXPECT_EQ(next(*changes), "{\"topic\":\"a\"}\n") << partition;
    EXPECT_EQ(next(*changes), "none");
  }
  ASSERT_TRUE(server.store->delete_topic("b"));
  EXPECT_EQ(changes->next()->kind, serve::Message::Kind::kEnd);
}

TEST(TopicChanges, OverHttp) {
  TestServer server;
  server.topic("t");
  RawClient client(server.server->port());
  client.send(http("GET /changes?topics=t"));
  EXPECT_TRUE(client.receive().has("Content-Type: application/x-ndjson"));
  client.receive_until("{\"topic\":\"t\"}\n");
  server.append("t", {"1"});
  client.receive_until("{\"topic\":\"t\"}\n");
  for (const char* wrong : {"", "?topics=", "?topics=,"})
    EXPECT_GE(ask(server, http("GET /changes" + std::string(wrong))).status, 400U) << wrong;
  EXPECT_TRUE(ask(server, http("GET /changes")).has("topics must be 1 to 100 names"));
  EXPECT_EQ(ask(server, http("GET /changes?topics=t,nothing")).status, 404U);
}

}  // namespace
}  // namespace gameflow::http::test
