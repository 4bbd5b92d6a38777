// Bytes that no polite client sends. Whatever comes, the server says something fitting and goes on.
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/gzip.h"
#include "http/http_test_util.h"

namespace gameflow::http::test {
namespace {

using Statuses = std::vector<unsigned>;

struct WireCase {
  std::string name, bytes;
  Statuses statuses;  // of all responses until the connection ends
};

std::string chunked(std::string_view chunks, std::string_view target = "/topics/t/records") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(chunks);
}

std::vector<WireCase> header_cases() {
  using namespace std::string_literals;
  const std::string ok = http("GET /healthz");
  const std::string host = "Host: localhost\r\n";
  const std::string post = "POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\n";
  return {
      {"nothing", "", {}},
      {"one byte", "G", {}},
      {"half a header", "GET / HTTP/1.1\r\nHo", {}},
      {"one request", ok, {200}},
      {"pipelined", ok + ok + ok, {200, 200, 200}},
      {"pipelined, posts between", http("POST /topics/t/records", "", "1") + ok, {200, 200}},
      {"pipelined, an error between", http("GET /nothing") + ok, {404, 200}},
      {"HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", {200}},
      {"HTTP/1.0 closes", "GET /healthz HTTP/1.0\r\n\r\n" + ok, {200}},
      {"HTTP/1.0 kept alive",
       "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + ok,
       {200, 200}},
      {"asked to close", http("GET /healthz", "Connection: close\r\n") + ok, {200}},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}},
      {"HTTP/0.9", "GET /\r\n\r\n", {400}},
      {"HTTP/9.9", "GET / HTTP/9.9\r\n" + host + "\r\n", {400}},
      {"TLS hello",
       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + std::string(200, '\x01'),
       {400}},
      {"noise", std::string(300, '\xff') + "\r\n\r\n", {400}},
      {"zeros", std::string(300, '\0'), {400}},
      {"bare LF", "GET /healthz HTTP/1.1\nHost: localhost\n\n", {400}},
      {"bare CR", "GET /healthz HTTP/1.1\rHost: localhost\r\r", {400}},
      {"NUL in a value", "GET /healthz HTTP/1.1\r\nHost: local\0host\r\n\r\n"s, {400}},
      {"NUL in a name", "GET /healthz HTTP/1.1\r\nHo\0st: localhost\r\n\r\n"s, {400}},
      {"space before the colon", "GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n", {400}},
      {"no colon", "GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n", {400}},
      {"no Host", "GET /healthz HTTP/1.1\r\n\r\n", {400}},
      {"two Hosts", "GET /healthz HTTP/1.1\r\n" + host + host + "\r\n", {400}},
      {"header of 20 KB", http("GET /healthz", "X: " + std::string(20'000, 'a') + "\r\n"), {431}},
      {"2,000 headers",
       http("GET /healthz",
            [] {
              std::string all;
              for (int i = 0; i < 2000; ++i) all += "X-" + std::to_string(i) + ": 1\r\n";
              return all;
            }()),
       {431}},
      {"20,000 headers",
       http("GET /healthz",
            [] {
              std::string all;
              for (int i = 0; i < 20'000; ++i) all += "X: 1\r\n";
              return all;
            }()),
       {431}},
      {"target of 20 KB", http("GET /" + std::string(20'000, 'a')), {431}},
      {"endless header", "GET / HTTP/1.1\r\nX: " + std::string(300'000, 'a'), {431}},
      {"space in the target", http("GET /a b"), {400}},
      {"no target", "GET HTTP/1.1\r\n" + host + "\r\n", {400}},
      {"bad escape", http("GET /%zz"), {400}},
      {"escaped NUL", http("GET /stat/index.html%00.js"), {400}},
      {"escape that is not UTF-8", http("GET /topics/%ff"), {400}},
      {"method unknown", http("BREW /healthz"), {405}},
      {"method in small letters", http("get /healthz"), {405}},
      {"method of 1 KB", http(std::string(1000, 'A') + " /healthz"), {405}},
      {"CONNECT", "CONNECT localhost:80 HTTP/1.1\r\n" + host + "\r\n", {400}},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", {400}},
      {"absolute form", "GET http://localhost/healthz HTTP/1.1\r\n" + host + "\r\n", {200}},
      {"absolute form, another host",
       "GET http://evil.example/healthz HTTP/1.1\r\n" + host + "\r\n",
       {403}},
      {"empty lines in front", "\r\n" + ok + "\r\n\r\n" + ok, {200, 200}},
      {"nothing but empty lines", "\r\n\r\n", {}},
      {"a folded field", "GET /healthz HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", {400}},
      {"a field folded with a tab",
       "GET /healthz HTTP/1.1\r\n" + host + "X: a\r\n\tb\r\n\r\n",
       {400}},
      {"length and chunks",
       post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ok,
       {400}},
      {"chunks and length",
       post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + ok,
       {400}},
      {"chunks in HTTP/1.0",
       "POST /topics/t/records HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + ok,
       {400}},
      {"coding unknown", post + "Transfer-Encoding: gzip\r\n\r\n" + ok, {501}},
      {"two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + ok, {501}},
      {"chunked not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + ok, {501}},
      {"chunked twice",
       post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       {400}},
      {"two equal lengths", post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1" + ok, {400}},
      {"two lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n11" + ok, {400}},
      {"length with a sign", post + "Content-Length: +1\r\n\r\n1", {400}},
      {"negative length", post + "Content-Length: -1\r\n\r\n", {400}},
      {"length that is no number", post + "Content-Length: one\r\n\r\n", {400}},
      {"length over 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", {400}},
      {"expectation unknown", http("POST /topics/t/records", "Expect: 200-maybe\r\n", "1"), {417}},
  };
}

std::vector<WireCase> body_cases() {
  const std::string ok = http("GET /healthz");
  const std::string post = "POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\n";
  const std::string gzipped = "Content-Encoding: gzip\r\n";
  const std::string bomb = gzip(std::string(5'000'000, ' '));
  return {
      {"body of zero bytes", post + "Content-Length: 0\r\n\r\n" + ok, {200, 200}},
      {"body cut short", post + "Content-Length: 10\r\n\r\n123", {400}},
      {"body of a GET", http("GET /healthz", "", "x") + ok, {200, 200}},
      {"declared too large", post + "Content-Length: 1000001\r\n\r\n", {413}},
      {"declared absurdly large", post + "Content-Length: 9223372036854775807\r\n\r\n", {413}},
      {"too large and sent",
       http("POST /topics/t/records", "", std::string(1'000'001, '1')),
       {413}},
      {"just small enough",
       http("POST /topics/t/records", "", "\"" + std::string(999'998, 'a') + "\""),
       {200}},
      {"chunks", chunked("1\r\n1\r\n3\r\n\n23\r\n0\r\n\r\n") + ok, {200, 200}},
      {"chunks with extensions", chunked("1;a=b\r\n1\r\n0;c\r\n\r\n") + ok, {200, 200}},
      {"chunks with a trailer", chunked("1\r\n1\r\n0\r\nX: y\r\n\r\n") + ok, {200, 200}},
      {"chunks, trailer of 200 KB",
       chunked("1\r\n1\r\n0\r\nX: " + std::string(200'000, 'a') + "\r\n\r\n"),
       {400}},
      {"chunks, extension of 200 KB",
       chunked("1;a=" + std::string(200'000, 'a') + "\r\n1\r\n"),
       {400}},
      {"chunks, extension of 20 KB",
       chunked("1;a=" + std::string(20'000, 'a') + "\r\n1\r\n0\r\n\r\n"),
       {400}},
      {"chunks, extension of 200 bytes",
       chunked("1;a=" + std::string(200, 'a') + "\r\n1\r\n0\r\n\r\n") + ok,
       {200, 200}},
      {"chunk size is no number", chunked("x\r\n1\r\n0\r\n\r\n"), {400}},
      {"chunk size over 64 bits", chunked("fffffffffffffffff\r\n"), {400}},
      {"chunk absurdly large", chunked("7fffffffffffffff\r\n"), {413}},
      {"chunk longer than it says", chunked("1\r\n123\r\n0\r\n\r\n"), {400}},
      {"chunks without an end", chunked("1\r\n1\r\n"), {400}},
      {"chunks too large in sum",
       chunked([] {
         std::string chunks;
         for (int i = 0; i < 11; ++i) chunks += "186a0\r\n" + std::string(100'000, '1') + "\r\n";
         return chunks + "0\r\n\r\n";
       }()),
       {413}},
      {"gzip bomb", http("POST /topics/t/records", gzipped, bomb) + ok, {413, 200}},
      {"gzip that is none", http("POST /topics/t/records", gzipped, "hello") + ok, {400, 200}},
      {"gzip cut short",
       http("POST /topics/t/records", gzipped, bomb.substr(0, bomb.size() / 2)) + ok,
       {400, 200}},
      {"empty gzip", post + gzipped + "Content-Length: 0\r\n\r\n" + ok, {400, 200}},
      {"JSON, 100,000 deep",
       http("POST /topics/t/records", "Content-Type: application/json\r\n",
            std::string(100'000, '[')) +
           ok,
       {400, 200}},
      {"JSON for a topic, 10,000 deep",
       http("POST /topics", "Content-Type: application/json\r\n", std::string(10'000, '[')) + ok,
       {400, 200}},
      {"SQL of 200 KB",
       http("POST /sql", "Content-Type: text/plain\r\n", std::string(200'000, 'a')) + ok,
       {413, 200}},
  };
}

class Wire : public testing::Test {
 protected:
  Wire() : server(options()) { server.topic("t"); }
  static ServerOptions options() {
    ServerOptions options;
    options.body_bytes_max = 1'000'000;
    return options;
  }
  void run(const std::vector<WireCase>& cases) {
    for (const auto& row : cases) {
      RawClient client(server.server->port());
      client.send(row.bytes);
      client.finish_sending();
      Statuses statuses;
      std::string bodies;
      for (const Response& response : client.receive_all()) {
        statuses.push_back(response.status);
        bodies += response.body;
        if (response.status != 204) {
          EXPECT_FALSE(response.body.empty()) << row.name;
        }
      }
      EXPECT_EQ(statuses, row.statuses) << row.name << "\n" << bodies;
      ASSERT_EQ(ask(server, http("GET /healthz")).status, 200U) << "after " << row.name;
    }
  }
  TestServer server;
};

TEST_F(Wire, Headers) {
  run(header_cases());
}

TEST_F(Wire, Bodies) {
  run(body_cases());
}

TEST_F(Wire, EveryByteOfARequestAlone) {
  const std::string good = http("POST /topics/t/records", "", "{\"n\":1}");
  RawClient client(server.server->port());
  for (const char byte : good) ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_EQ(client.receive().status, 200U);
}

TEST_F(Wire, ContinueIsSaidBeforeTheBody) {
  RawClient client(server.server->port());
  client.send(
      "POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 1\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100U);
  client.send("1");
  EXPECT_EQ(client.receive().status, 200U);
}

TEST_F(Wire, ARefusedRequestIsNotAskedForItsBody) {
  for (const std::string target : {"/nothing", "/topics/t", "/healthz"}) {
    RawClient client(server.server->port());
    client.send(
        "POST " + target +
        " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    EXPECT_GE(client.receive().status, 404U) << target;
  }
}

TEST_F(Wire, TheLimitIsInTheMessage) {
  RawClient client(server.server->port());
  client.send("POST /sql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000001\r\n\r\n");
  EXPECT_TRUE(client.receive().has("the limit is 1000000"));
}

TEST(Deadlines, EndWhatIsTooSlow) {
  using std::chrono::milliseconds;
  SessionLimits limits;
  limits.header_time_max = milliseconds(50);
  limits.body_time = milliseconds(50);
  limits.idle_time_max = milliseconds(50);
  limits.linger_time_max = milliseconds(50);
  TestServer server({}, limits);
  server.topic("t");
  {
    RawClient client(server.server->port());
    client.send("GET /hea");
    EXPECT_EQ(client.receive().status, 408U);
    EXPECT_TRUE(client.closed());
  }
  {
    RawClient client(server.server->port());
    client.send("POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1");
    EXPECT_EQ(client.receive().status, 408U);
    EXPECT_TRUE(client.closed());
  }
  {
    RawClient client(server.server->port());
    EXPECT_TRUE(client.closed());
  }
  {
    RawClient client(server.server->port());
    client.send(http("GET /healthz"));
    EXPECT_EQ(client.receive().status, 200U);
    EXPECT_TRUE(client.closed());
  }
}

// The header's deadline is before that of an idle connection, which runs then, and the body's
// after.
TEST(Deadlines, AreEachTheirOwn) {
  using std::chrono::milliseconds;
  SessionLimits limits;
  limits.header_time_max = milliseconds(100);
  TestServer server({}, limits);
  server.topic("t");
  RawClient client(server.server->port());
  client.send("POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(250));
  client.send("1");
  EXPECT_EQ(client.receive().status, 200U);
  std::this_thread::sleep_for(milliseconds(250));
  client.send("GET /hea");
  EXPECT_EQ(client.receive().status, 408U);
}

// A body that keeps its rate has as long as it needs, one below it is ended.
TEST(Deadlines, OfABodyMoveWithWhatComes) {
  using std::chrono::milliseconds;
  SessionLimits limits;
  limits.body_time = milliseconds(300);
  limits.body_rate_min = 100;
  TestServer server({}, limits);
  server.topic("t");
  const std::string header = "POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\n";
  for (const std::string length : {"Content-Length: 400", "Transfer-Encoding: chunked"}) {
    RawClient client(server.server->port());
    client.send(header + length + "\r\n\r\n");
    const bool is_chunked = length.starts_with("T");
    for (int i = 0; i < 10; ++i) {  // 1 s, where 300 ms are given
      std::this_thread::sleep_for(milliseconds(100));
      client.send((is_chunked ? "28\r\n" : "") + std::string(39, ' ') + "1" +
                  (is_chunked ? "\r\n" : ""));
    }
    if (is_chunked) client.send("0\r\n\r\n");
    EXPECT_EQ(client.receive().status, 400U) << length;  // whole: "1 1 1" is no JSON
    client.send(header + length + "\r\n\r\n");
    EXPECT_EQ(client.receive().status, 408U) << length;
  }
}

TEST(Limits, WhoOnlySaysThatMuchWillComeTakesNothing) {
  TestServer server;
  server.topic("t");
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<RawClient>(server.server->port()));
    slow.back()->send("POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\n" +
                      std::string(i % 2 == 0 ? "Content-Length: 8000000\r\n\r\n["
                                             : "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n"));
  }
  for (int i = 0; i < 20; ++i) {
    const std::string body = "\"" + std::string(100'000, 'a') + "\"";
    EXPECT_EQ(ask(server, http("POST /topics/t/records", "", body)).status, 200U);
  }
}

TEST(Limits, ConnectionsOverTheLimitAreTold) {
  ServerOptions options;
  options.connections_max = 2;
  TestServer server(options);
  RawClient first(server.server->port()), second(server.server->port());
  for (RawClient* client : {&first, &second}) {
    client->send(http("GET /healthz"));
    EXPECT_EQ(client->receive().status, 200U);
  }
  RawClient third(server.server->port());
  const Response response = third.receive();
  EXPECT_EQ(response.status, 503U);
  EXPECT_TRUE(response.has("too many connections: 2 is the most"));
  first.send(http("GET /metrics"));
  const Response metrics = first.receive();
  EXPECT_TRUE(metrics.has("\ngameflow_http_refused_total{of=\"connections\"} 1\n"));
  EXPECT_TRUE(metrics.has("\ngameflow_http_connections ")) << metrics.body;
}

std::string upgrade(const std::string& target) {
  return http("GET " + target,
              "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
}

// What is refused takes none of the places of those that stay.
TEST(Limits, OnlyWhatOpensStays) {
  ServerOptions options;
  options.connections_max = 8;
  TestServer server(options);
  server.topic("t");
  RawClient client(server.server->port());
  for (int i = 0; i < 20; ++i) {
    client.send(http("GET /ws/t"));
    EXPECT_EQ(client.receive().status, 426U);
    client.send(upgrade("/ws/none"));
    EXPECT_EQ(client.receive().status, 404U);
  }
  client.send(http("GET /metrics"));
  EXPECT_TRUE(client.receive().has("\ngameflow_http_connections_staying 0\n"));
}

// A request in the body of one that is refused is none.
TEST(Wires, ARefusedUpgradeLeavesNoBodyBehind) {
  TestServer server;
  server.topic("t");
  RawClient client(server.server->port());
  const std::string inner = http("GET /livez");
  client.send(
      "GET /ws/t HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Protocol: x\r\nContent-Length: " +
      std::to_string(inner.size()) + "\r\n\r\n" + inner);
  client.finish_sending();
  const std::vector<Response> all = client.receive_all();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].status, 400U);
}

// However packets fall: bodies that look like folded fields, fields that are, and empty lines.
TEST(Wires, WherePacketsEndMakesNoDifference) {
  TestServer server;
  server.topic("t");
  const std::string body = "{\r\n  \"n\": 1,\r\n\t\"m\": 2\r\n}";
  const std::vector<std::pair<std::string, unsigned>> requests = {
      {http("POST /topics/t/records", "Content-Type: application/json\r\n", body), 200},
      {http("POST /topics/t/records", "Content-Type: application/json\r\n", " \r\n 1"), 200},
      {"\r\n\r\n" + http("GET /livez"), 200},
      {"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400},
  };
  for (const auto& [request, status] : requests) {
    for (std::size_t at = 1; at < request.size(); ++at) {
      RawClient client(server.server->port());
      client.send(request.substr(0, at));
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      client.send(request.substr(at));
      EXPECT_EQ(client.receive().status, status) << request << "\nin two at " << at;
    }
  }
}

// Bytes that arrive as the deadline passes do not lift it.
TEST(Deadlines, PassAlsoWhereBytesKeepComing) {
  using std::chrono::milliseconds;
  SessionLimits limits;
  limits.header_time_max = milliseconds(100);
  TestServer server({}, limits);
  for (int i = 0; i < 10; ++i) {
    RawClient client(server.server->port());
    client.send("GET /livez HTTP/1.1\r\nX: ");
    const auto end = std::chrono::steady_clock::now() + milliseconds(115);
    while (std::chrono::steady_clock::now() < end && client.send("a"))
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    EXPECT_EQ(client.receive().status, 408U);
  }
}

// Who takes a reserved place and sends nothing does not keep it.
TEST(Limits, ReservedPlacesAreNotHeld) {
  ServerOptions options;
  options.connections_max = 32;
  TestServer server(options);
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 32; ++i) {
    idle.push_back(std::make_unique<RawClient>(server.server->port()));
    if (i >= 30) continue;
    idle.back()->send(http("GET /livez"));
    EXPECT_EQ(idle.back()->receive().status, 200U);
  }
  for (;;) {
    RawClient probe(server.server->port());
    probe.send(http("GET /livez"));
    if (probe.receive().status == 200) break;
  }
}

TEST(Limits, WhoIsRefusedTakesNoPlace) {
  ServerOptions options;
  options.connections_per_address_max = 2;
  TestServer server(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 50; ++i)
    clients.push_back(std::make_unique<RawClient>(server.server->port()));
  EXPECT_EQ(clients[2]->receive().status, 503U);
  EXPECT_TRUE(clients[49]->closed()) << "not even told";
}

// Of 32, 24 may stay and 2 are reserved.
TEST(Limits, ThoseThatStayLeaveRoomForOthers) {
  ServerOptions options;
  options.connections_max = 32;
  TestServer server(options);
  server.topic("t");
  std::vector<std::unique_ptr<RawClient>> clients;
  const auto open = [&](const std::string& request) {
    clients.push_back(std::make_unique<RawClient>(server.server->port()));
    clients.back()->send(request);
    return clients.back()->receive();
  };
  for (int i = 0; i < 24; ++i) EXPECT_EQ(open(upgrade("/ws/t")).status, 101U) << i;
  const Response refused = open(upgrade("/ws/t"));
  EXPECT_EQ(refused.status, 503U);
  EXPECT_TRUE(refused.has("too many WebSockets and streams: 24 are open, of 32")) << refused.body;
  clients.pop_back();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(open(http("GET /version")).status, 200U) << i;
  // What is left is for those who must get in, and they go again.
  for (const std::string request : {"GET /version", "GET /topics"}) {
    RawClient client(server.server->port());
    client.send(http(request));
    EXPECT_EQ(client.receive().status, 503U) << request;
    EXPECT_TRUE(client.closed());
  }
  for (const std::string request : {"GET /livez", "GET /readyz", "GET /metrics"}) {
    RawClient client(server.server->port());
    client.send(http(request));
    EXPECT_EQ(client.receive().status, 200U) << request;
    EXPECT_TRUE(client.closed());
  }
  RawClient producer(server.server->port());
  producer.send(http("POST /topics/t/records", "", "1"));
  EXPECT_EQ(producer.receive().status, 200U);
  EXPECT_TRUE(producer.closed());
}

TEST(Limits, OneAddressMayNotHaveAllConnections) {
  ServerOptions options;
  options.connections_per_address_max = 2;
  TestServer server(options);
  RawClient first(server.server->port()), second(server.server->port());
  RawClient third(server.server->port());
  const Response response = third.receive();
  EXPECT_EQ(response.status, 503U);
  EXPECT_TRUE(response.has("too many connections from this address: 2")) << response.body;
}

TEST(Limits, BodiesHeldAtOnceAreBounded) {
  SessionLimits limits;
  limits.body_bytes_held_max = 100'000;
  TestServer server({}, limits);
  server.topic("t");
  RawClient first(server.server->port());
  first.send(
      "POST /topics/t/records HTTP/1.1\r\nHost: localhost\r\nContent-Length: 80000\r\n\r\n\"" +
      std::string(60'000, '1'));
  // There is one thread: behind these replies it has read what was there before them.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(server, http("GET /healthz")).status, 200U);
  const std::string second = http("POST /topics/t/records", "", std::string(80'000, 'x'));
  EXPECT_EQ(ask(server, second).status, 503U);
  first.send(std::string(19'998, '1') + "\"");
  EXPECT_EQ(first.receive().status, 200U);
  first.send(http("GET /healthz"));  // behind it the first body is surely given back
  EXPECT_EQ(first.receive().status, 200U);
  EXPECT_EQ(ask(server, second).status, 400U);
}

TEST(Limits, RepliesHeldAtOnceAreBounded) {
  SessionLimits limits;
  limits.reply_bytes_held_max = 40U << 20;
  TestServer server({}, limits);
  server.topic("t");
  server.append("t", {'"' + std::string(30U << 20, 'x') + '"'});  // more than sockets hold
  const std::string request = http("GET /topics/t/records");
  RawClient slow(server.server->port());
  slow.send(request);
  ASSERT_TRUE(slow.wait());  // its reply is being written
  const Response second = ask(server, request);
  EXPECT_EQ(second.status, 503U);
  EXPECT_TRUE(second.has("Retry-After"));
  EXPECT_TRUE(ask(server, http("GET /metrics")).has("{of=\"replies\"} 1\n"));
  EXPECT_EQ(ask(server, http("GET /healthz")).status, 200U);
  EXPECT_EQ(slow.receive().status, 200U);
  slow.send(http("GET /healthz"));  // behind it the reply is surely given back
  EXPECT_EQ(slow.receive().status, 200U);
  EXPECT_EQ(ask(server, request).status, 200U);
}

// The fifth is told so at once, and nothing else waits for the four that run.
TEST(Limits, QueriesDelayNobodyElse) {
  TestServer server;
  server.topic("t");
  const std::string slow = http("POST /sql", "Content-Type: text/plain\r\n",
                                "with recursive c(x) as (select 1 union all select x + 1 from c) "
                                "select sum(x) from c");
  std::vector<std::unique_ptr<RawClient>> clients;
  for (std::size_t i = 0; i < 2 * api::Api::kQueriesMax; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.server->port()));
    clients.back()->send(slow);
  }
  EXPECT_EQ(ask(server, http("GET /topics/t/records")).status, 200U);
  std::map<unsigned, std::size_t> statuses;
  for (const auto& client : clients) ++statuses[client->receive().status];
  EXPECT_EQ(statuses[400] + statuses[429], clients.size());
  EXPECT_GE(statuses[429], 1U);
}

TEST(Stopping, EndsIdleConnections) {
  TestServer server;
  RawClient client(server.server->port());
  client.send(http("GET /healthz"));
  EXPECT_EQ(client.receive().status, 200U);
  server.server->stop();
  EXPECT_TRUE(client.closed());
  server.server->stop();  // again, without harm
}

TEST(Listening, SaysWhatIsWrong) {
  TestServer server;
  ServerOptions options;
  options.port = server.server->port();
  auto same = listen(server.api, options);
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().code, ErrorCode::kPortInUse);
  const auto has = [](const Error& error, std::string_view part) {
    return error.message.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(same.error(), fmt::format("--listen 127.0.0.1:{}", options.port + 1)))
      << same.error().message;
  {
    ServerOptions other;
    other.address = "::1";
    other.port = 0;
    if (auto first = listen(server.api, other)) {  // where there is IPv6
      other.port = (*first)->port();
      const auto second = listen(server.api, other);
      ASSERT_FALSE(second);
      EXPECT_TRUE(has(second.error(), fmt::format("[::1]:{} is in use", other.port)))
          << second.error().message;
      EXPECT_TRUE(has(second.error(), "--listen [::1]:")) << second.error().message;
    }
  }
  options.address = "here";
  EXPECT_EQ(listen(server.api, options).error().code, ErrorCode::kInvalidArgument);
  options.address = "203.0.113.1";  // an address no machine has
  const auto elsewhere = listen(server.api, options);
  EXPECT_EQ(elsewhere.error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(has(elsewhere.error(), "no such address")) << elsewhere.error().message;
}

}  // namespace
}  // namespace gameflow::http::test
