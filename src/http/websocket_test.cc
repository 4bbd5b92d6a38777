// Topics over WebSocket, with a client of the same library.
#include <string>
#include <thread>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/http_test_util.h"

namespace gameflow::http::test {
namespace {

namespace websocket = boost::beast::websocket;
namespace asio = boost::asio;
using ErrorOf = boost::system::error_code;
using Strings = std::vector<std::string>;

// A blocking client; `host` and `origin` as a browser sends them.
class SocketClient {
 public:
  SocketClient(std::uint16_t port, const std::string& target, const std::string& origin = "")
      : stream_(io_) {
    stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
    stream_.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
      if (!origin.empty()) request.set("Origin", origin);
    }));
    websocket::response_type response;
    stream_.handshake(response, "localhost", target, error_);
    status_ = response.result_int();
    body_ = response.body();
  }

  unsigned status() const { return status_; }

  // "closed CODE REASON" where the server ends it.
  std::string next() {
    boost::beast::flat_buffer buffer;
    ErrorOf error;
    stream_.read(buffer, error);
    if (!error) {
      EXPECT_TRUE(stream_.got_text());
      return boost::beast::buffers_to_string(buffer.data());
    }
    if (error != websocket::error::closed) return "failed: " + error.message();
    const auto& reason = stream_.reason();
    return fmt::format("closed {} {}", reason.code, reason.reason.c_str());
  }
  Strings next(std::size_t count) {
    Strings messages;
    while (messages.size() < count) messages.push_back(next());
    return messages;
  }
  void send(const std::string& text) { stream_.write(asio::buffer(text)); }
  void close() {
    ErrorOf ignored;
    stream_.close(websocket::close_code::normal, ignored);
  }
  void drop() { stream_.next_layer().close(); }

 private:
  asio::io_context io_;
  websocket::stream<asio::ip::tcp::socket> stream_;
  ErrorOf error_;
  unsigned status_ = 0;
  std::string body_;
};

class WebSocket : public testing::Test {
 protected:
  WebSocket() {
    server.topic("t");
    server.append("t", {"0", "1"});
    server.append("t", {"2", "3", "4"});
  }
  SocketClient open(const std::string& target) { return {server.server->port(), target}; }
  TestServer server;
};

std::string record(std::uint64_t offset, std::string_view value, std::uint32_t partition = 0) {
  return fmt::format(
      R"({{"partition":{},"offset":{},"timestamp":1731406530000,"key":null,"value":{}}})",
      partition, offset, value);
}
std::string reset(std::uint64_t begin) {
  return fmt::format(R"({{"event":"reset","partition":0,"begin":{}}})", begin);
}

TEST_F(WebSocket, StartsWhereItIsTold) {
  struct Case {
    std::string query;
    Strings messages;  // then "live", produced once these have come
  };
  const Case cases[] = {
      {"", {"0", "1", "2", "3", "4"}},
      {"?offset=beginning", {"0", "1", "2", "3", "4"}},
      {"?offset=0", {"0", "1", "2", "3", "4"}},
      {"?offset=3", {"3", "4"}},
      {"?offset=-1", {"4"}},
      {"?tail=2", {"3", "4"}},
      {"?tail=99", {"0", "1", "2", "3", "4"}},
      {"?tail=1&partition=0", {"4"}},
      {"?offsets=0:4", {"4"}},
      {"?offset=end&offsets=0:4", {"4"}},
      {"?offset=4&format=record", {record(4, "4")}},
      {"?offset=5", {}},
      {"?offset=99", {"0", "1", "2", "3", "4"}},
      {"?offset=99&format=record&partition=0",
       {reset(0), record(0, "0"), record(1, "1"), record(2, "2"), record(3, "3"), record(4, "4")}},
  };
  for (const auto& row : cases) {
    SocketClient client = open("/ws/t" + row.query);
    EXPECT_EQ(client.next(row.messages.size()), row.messages) << row.query;
  }
}

TEST_F(WebSocket, RefusesBeforeTheUpgrade) {
  const std::pair<std::string, unsigned> cases[] = {
      {"/ws/nothing", 404},
      {"/ws/t?partition=1", 400},
      {"/ws/t?offset=x", 400},
      {"/ws/t?offset=1&tail=1", 400},
      {"/ws/t?tail=-1", 400},
      {"/ws/t?format=xml", 400},
      {"/ws/t?offsets=0", 400},
      {"/ws/t?offsets=7:1", 400},
      {"/ws/t?from=2024-11-12T10:15:30+01:00", 400},
      {"/ws/t?from=1", 400},
      {"/ws/", 404},
      {"/topics", 200},
  };
  for (const auto& [target, status] : cases) EXPECT_EQ(open(target).status(), status) << target;
}

TEST_F(WebSocket, ChecksTheOrigin) {
  const std::uint16_t port = server.server->port();
  EXPECT_EQ(SocketClient(port, "/ws/t", "http://localhost").status(), 101U);
  EXPECT_EQ(SocketClient(port, "/ws/t", "http://LOCALHOST").status(), 101U);
  EXPECT_EQ(SocketClient(port, "/ws/t", "http://localhost:99").status(), 403U);
  EXPECT_EQ(SocketClient(port, "/ws/t", "http://evil.example").status(), 403U);
  EXPECT_EQ(SocketClient(port, "/ws/t", "null").status(), 403U);
}

TEST_F(WebSocket, DeliversAsItComes) {
  SocketClient client = open("/ws/t?tail=1");
  EXPECT_EQ(client.next(), "4");
  for (int i = 5; i < 200; ++i) {
    server.append("t", {std::to_string(i)});
    ASSERT_EQ(client.next(), std::to_string(i));
  }
}

TEST_F(WebSocket, ManyClientsWhileRecordsCome) {
  constexpr int kClients = 20, kRecords = 2000;
  std::vector<std::thread> threads;
  std::vector<int> right(kClients, 0);
  for (int i = 0; i < kClients; ++i)
    threads.emplace_back([&, i] {
      SocketClient client = open("/ws/t?offset=5");
      for (int n = 0; n < kRecords; ++n) right[i] += client.next() == std::to_string(n);
      client.close();
    });
  for (int n = 0; n < kRecords; n += 10) {
    Strings batch;
    for (int k = n; k < n + 10; ++k) batch.push_back(std::to_string(k));
    server.append("t", batch);
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(kClients, kRecords));
}

TEST_F(WebSocket, PartitionsTakeTurnsAndKeepTheirOrder) {
  server.topic("p", 3);
  for (int round = 0; round < 10; ++round)
    for (std::uint32_t partition = 0; partition < 3; ++partition)
      server.append("p", {std::to_string(round)}, partition);
  SocketClient client = open("/ws/p?format=record&offsets=0:8,1:9,2:10");
  Strings messages = client.next(3);
  std::ranges::sort(messages);
  EXPECT_EQ(messages, (Strings{record(8, "8"), record(9, "9"), record(9, "9", 1)}));
}

TEST_F(WebSocket, ASlowClientCostsNobodyElse) {
  Strings large(20, fmt::format("\"{}\"", std::string(100'000, 'x')));
  for (int i = 0; i < 10; ++i) server.append("t", large);
  SocketClient stuck = open("/ws/t");  // 20 MB that nobody reads
  SocketClient client = open("/ws/t?offset=end");
  server.append("t", {"\"end\""});
  EXPECT_EQ(client.next(), "\"end\"");
  Strings all = stuck.next(5 + 200 + 1);  // and it was only waiting
  EXPECT_EQ(all.back(), "\"end\"");
}

// A game that sends its events here is told, and does not lose them for good without a word.
TEST_F(WebSocket, TellsAClientThatSendsSomething) {
  SocketClient client = open("/ws/t?offset=end");
  client.send("{\"event_name\":\"purchase\"}");
  EXPECT_EQ(client.next(),
            "closed 1003 nothing is taken here: send records to POST /topics/TOPIC/records");
  SocketClient large = open("/ws/t?offset=end");
  large.send(std::string(70'000, 'x'));
  // Too big: the server says 1009 and closes; unread bytes make that a reset that may overtake it.
  const std::string end = large.next();
  EXPECT_TRUE(end.starts_with("closed 1009") || end.starts_with("failed")) << end;
}

TEST_F(WebSocket, EndsWithItsTopic) {
  SocketClient client = open("/ws/t?offset=4");
  EXPECT_EQ(client.next(), "4");
  ASSERT_TRUE(server.store->delete_topic("t"));
  EXPECT_EQ(client.next(), "closed 1000 the topic was deleted");
}

TEST_F(WebSocket, EndsWithTheServer) {
  SocketClient idle = open("/ws/t?offset=end");
  SocketClient silent = open("/ws/t?offset=end");
  silent.drop();
  std::string last;
  std::thread reader([&] { last = idle.next(); });
  server.server->stop();
  reader.join();
  EXPECT_EQ(last, "closed 1001 the server stops");
}

TEST_F(WebSocket, ClientsThatLeaveAreForgotten) {
  for (int i = 0; i < 50; ++i) {
    SocketClient client = open("/ws/t?tail=1");
    EXPECT_EQ(client.next(), "4");
    i % 2 == 0 ? client.close() : client.drop();
  }
  server.append("t", {"5"});
  SocketClient client = open("/ws/t?tail=1");
  EXPECT_EQ(client.next(), "5");
}

TEST(WebSocketLimits, SilentClientsArePingedAndDropped) {
  SessionLimits limits;
  limits.silence_time_max = std::chrono::milliseconds(100);
  TestServer server({}, limits);
  server.topic("t");
  RawClient client(server.server->port());
  client.send(http("GET /ws/t",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  EXPECT_EQ(client.receive().status, 101U);
  client.receive_all();           // the ping, which is not answered, then the end
  EXPECT_FALSE(client.closed());  // something did come
}

// --- queries ---

// Without what differs from run to run.
std::string without_version(std::string text) {
  const std::size_t begin = text.find("\"version\"");
  if (begin == std::string::npos) return text;
  return text.erase(begin, text.find(R"("at")", begin) - begin);
}

TEST_F(WebSocket, FollowsQueries) {
  SocketClient client = open("/ws/sql");
  ASSERT_EQ(client.status(), 101U);
  client.send(R"({"subscribe":"a","sql":"select :x as n, 'b' as b","params":{"x":1.5}})");
  const std::string first = client.next();
  EXPECT_EQ(without_version(first),
            R"({"id":"a","at":1731406530000,"columns":["n","b"],"rows":[[1.5,"b"]],)"
            R"("truncated":false,"reads":[]})");
  client.send(R"({"subscribe":"now","sql":"select :now as now","every":"100ms","key":["now"]})");
  EXPECT_NE(client.next().find(R"("rows":[[1731406530000]])"), std::string::npos);
  server.clock.advance(Duration{10});
  EXPECT_NE(client.next().find(R"("rows":[[1731406530010]])"), std::string::npos);
  client.send(R"({"unsubscribe":"now"})");
  // A version that is known already: nothing comes but what is new, which is nothing here.
  const std::size_t at = first.find(R"("version":")") + 11;
  const std::string version = first.substr(at, first.find('"', at) - at);
  client.send(
      fmt::format(R"({{"subscribe":"c","sql":"select :x as n, 'b' as b","params":{{"x":1.5}},)"
                  R"("version":"{}"}})",
                  version));
  client.send(R"({"subscribe":"d","sql":"select 4"})");
  EXPECT_NE(client.next().find(R"({"id":"d")"), std::string::npos);
}

TEST_F(WebSocket, TellsWhatIsWrongWithAQuery) {
  SocketClient client = open("/ws/sql");
  const std::pair<std::string, std::string> cases[] = {
      {"what", "the body is not valid JSON"},
      {"[]", "must be a JSON object"},
      {R"({"sql":"select 1"})", R"({\"subscribe\":\"ID\",\"sql\":\"select …\"})"},
      {R"({"subscribe":"a","sql":"select 1","evry":"1s"})", R"(unknown field \"evry\")"},
      {R"({"subscribe":"a","sql":"select 1","every":"1ms"})", R"(from \"100ms\" to \"1h\")"},
      {R"({"subscribe":"a","sql":"select 1","params":{"x":[1]}})",
       R"(parameter \"x\" must be a text, a number)"},
      {R"({"subscribe":"a","sql":"selec 1"})", R"(near \"selec\": syntax error)"},
      {R"({"subscribe":"a","sql":"select :x"})", "there is no parameter 'x'"},
      {R"({"subscribe":"a","sql":"pragma x"})", "sql_denied"},
      {R"({"subscribe":"a","sql":"select 1 as n","key":["m"]})",
       "the key names column 'm', but the query has: n"},
  };
  for (const auto& [message, want] : cases) {
    client.send(message);
    const std::string answer = client.next();
    EXPECT_NE(answer.find(want), std::string::npos) << message << "\n" << answer;
    EXPECT_NE(answer.find(R"("error":{"code":")"), std::string::npos) << answer;
  }
  // It goes on.
  client.send(R"({"subscribe":"a","sql":"select 'fine'"})");
  EXPECT_NE(client.next().find("fine"), std::string::npos);
}

TEST_F(WebSocket, OneConnectionHasSoManyQueries) {
  SocketClient client = open("/ws/sql");
  for (int i = 0; i <= 100; ++i)
    client.send(fmt::format(R"({{"subscribe":"{}","sql":"select 1"}})", i));
  Strings refused;
  for (int i = 0; i <= 100; ++i)
    if (const std::string answer = client.next(); answer.find("error") != std::string::npos)
      refused.push_back(answer);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_NE(refused[0].find("at most 100 subscriptions"), std::string::npos);
  // One that reads no answers to what is wrong is let go.
  SocketClient wrong = open("/ws/sql");
  for (int i = 0; i < 200'000; ++i) wrong.send("{");
  std::string last;
  while (last.find("closed") == std::string::npos && last.find("failed") == std::string::npos)
    last = wrong.next();
  EXPECT_NE(last.find("closed 1011"), std::string::npos) << last;
}

}  // namespace
}  // namespace gameflow::http::test
