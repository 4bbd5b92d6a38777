// Every route as a client sees it, over a real socket.
#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/gzip.h"
#include "http/http_test_util.h"
#include "spec/dashboard.h"

namespace gameflow::http::test {
namespace {

TEST(Routes, Answers) {
  TestServer server;
  server.topic("t", 2);
  server.append("t", {R"({"n":1})", R"({"n":2})"});
  struct Case {
    std::string name, request;
    unsigned status;
    std::string contains;
  };
  const Case cases[] = {
      {"health", http("GET /healthz"), 200, R"({"status":"ok"})"},
      {"live", http("GET /livez"), 200, R"({"status":"ok"})"},
      {"ready", http("GET /readyz"), 200, R"({"status":"ready"})"},
      {"version", http("GET /version"), 200, R"("name":"gameflow")"},
      {"metrics", http("GET /metrics"), 200, "text/plain; version=0.0.4; charset=utf-8"},
      {"front page", http("GET /"), 200, "text/html; charset=utf-8"},
      {"front page is guarded", http("GET /"), 200, "default-src 'none'; script-src 'self'"},
      {"a page", http("GET /stat/style.css"), 200, "text/css"},
      {"a page with a query", http("GET /stat/page-echarts.html?topic=x"), 200, "text/html"},
      {"no such page", http("GET /stat/nothing.html"), 404, "not_found"},
      {"out of the folder", http("GET /stat/../CMakeLists.txt"), 404, "not_found"},
      {"out of the folder, escaped", http("GET /stat/..%2F..%2Fetc%2Fpasswd"), 404, "not_found"},
      {"topics", http("GET /topics"), 200, R"({"now":1731406530000,"topics":[{"name":"t","id":)"},
      {"a topic", http("GET /topics/t"), 200,
       R"("schema":null,"table":null,"columns":[],"raw":null,"records":2,)"},
      {"its partitions", http("GET /topics/t"), 200, R"({"partition":1,"begin":0,"end":0,)"},
      {"its age", http("GET /topics/t"), 200, R"("created_at":"2024-11-12T10:15:30Z")"},
      {"no such topic", http("GET /topics/u"), 404, "topic_not_found"},
      {"read", http("GET /topics/t/records?partition=0&offset=1"), 200,
       R"({"partition":0,"offset":1,"timestamp":1731406530000,"key":null,"value":{"n":2}})"},
      {"read says where to go on", http("GET /topics/t/records?limit=1"), 200,
       "Gameflow-Next-Offset: 1\r\n"},
      {"read the last", http("GET /topics/t/records?offset=-1"), 200, R"("offset":1,)"},
      {"read at the end", http("GET /topics/t/records?offset=end"), 200, "Content-Length: 0\r\n"},
      {"read nothing", http("GET /topics/t/records?limit=0"), 200, "Gameflow-Next-Offset: 0\r\n"},
      {"read past the end", http("GET /topics/t/records?offset=3"), 416, "offset_out_of_range"},
      {"read a partition too far", http("GET /topics/t/records?partition=2"), 400, "from 0 to 1"},
      {"read too much", http("GET /topics/t/records?limit=10001"), 400, "from 0 to 10000"},
      {"read from nowhere", http("GET /topics/t/records?offset=middle"), 400, "beginning, end"},
      {"read up to", http("GET /topics/t/records?end=1"), 200, "Gameflow-Next-Offset: 1\r\n"},
      {"read up to before", http("GET /topics/t/records?offset=1&end=0"), 200,
       "Gameflow-Next-Offset: 1\r\n"},
      {"search", http("GET /topics/t/records?contains=%22N%22:2"), 200, R"("offset":1,)"},
      {"search goes to the end", http("GET /topics/t/records?contains=nothing"), 200,
       "Gameflow-Next-Offset: 2\r\n"},
      {"unknown parameter", http("GET /topics/t/records?ofset=1"), 400,
       "unknown parameter \\\"ofset\\\"; this route has partition offset from end limit contains"},
      {"parameter twice", http("GET /topics/t/records?limit=1&limit=2"), 400, "given twice"},
      {"producer unknown", http("GET /topics/t/producers/p"), 200, R"({"next_sequence":0})"},
      {"producer over topics unknown", http("GET /producers/connector%2Fp"), 200,
       R"({"next_sequence":0,"position":null})"},
      {"states", http("GET /states"), 200, R"({"states":[],"joins":[]})"},
      {"no such state", http("GET /states/a/b"), 404, "not_found"},
      {"no dataflow", http("GET /dataflow"), 404, "topics only"},
      {"no graph", http("GET /dataflow/graph"), 404, "topics only"},
      {"studio", http("GET /studio"), 200, "text/html; charset=utf-8"},
      {"unknown route", http("GET /nothing"), 404, "docs/reference/http.md"},
      {"route with a slash too many", http("GET /topics/"), 404, "docs/reference/http.md"},
      {"wrong method", http("PUT /topics"), 405, "Allow: GET, HEAD, POST\r\n"},
      {"wrong method on a topic", http("POST /topics/t", "", "{}"), 405,
       "Allow: GET, HEAD, DELETE\r\n"},
      {"options", http("OPTIONS /healthz"), 405, "Allow: GET, HEAD\r\n"},
      {"web socket address", http("GET /ws/t"), 426, "Upgrade: websocket\r\n"},
      {"empty SQL", http("POST /sql", "Content-Type: text/plain\r\n", "  "), 400, "SELECT"},
      {"SQL without sql", http("POST /sql", "Content-Type: application/json\r\n", "{}"), 400,
       "invalid_argument"},
      {"SQL with a field unknown",
       http("POST /sql", "Content-Type: application/json\r\n", R"({"sql":"select 1","limt":1})"),
       400, "unknown field \\\"limt\\\""},
      {"SQL with a zero byte",
       http("POST /sql", "Content-Type: application/json\r\n", R"({"sql":"select 1\u0000 2"})"),
       400, "zero byte"},
      {"SQL from bad JSON", http("POST /sql", "Content-Type: application/json\r\n", "{"), 400,
       "invalid_json"},
      {"reset is refused from other sites",
       http("DELETE /topics/t", "Origin: http://evil.example\r\n"), 403, "forbidden"},
      {"produce is refused from other sites",
       http("POST /topics/t/records", "Origin: null\r\n", "{}"), 403, "forbidden"},
      {"name pointed here by somebody else",
       "GET /topics HTTP/1.1\r\nHost: evil.example:3001\r\n\r\n", 403,
       "start it with --public-url http://evil.example:3001"},
      {"address", "GET /topics HTTP/1.1\r\nHost: 127.0.0.1:3001\r\n\r\n", 200, "topics"},
      {"IPv6 address", "GET /topics HTTP/1.1\r\nHost: [::1]:3001\r\n\r\n", 200, "topics"},
  };
  for (const auto& row : cases) {
    const Response response = ask(server, row.request);
    EXPECT_EQ(response.status, row.status) << row.name << "\n" << response.body;
    EXPECT_TRUE(response.has(row.contains)) << row.name << "\n" << response.header << response.body;
    EXPECT_TRUE(response.has("nosniff")) << row.name;
    if (response.status >= 400) {
      EXPECT_TRUE(response.body.starts_with(R"({"error":{"code":")")) << row.name;
    }
  }
}

TEST(Routes, BehindAProxy) {
  ServerOptions options;
  options.public_urls = {*serve::parse_public_url("https://Stats.example.com/game/flow/")};
  TestServer server(options);
  server.topic("t");
  const auto request = [](const std::string& line, const std::string& headers,
                          const std::string& body = "") {
    return line + " HTTP/1.1\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  };
  const std::string origin = "Origin: https://stats.example.com\r\n";
  const std::vector<std::pair<std::string, unsigned>> cases = {
      // The proxy passes the name on, with the path or without; or it gives its own.
      {request("POST /game/flow/topics/t/records", "Host: stats.example.com\r\n" + origin, "1"),
       200},
      {request("POST /topics/t/records", "Host: stats.example.com\r\n" + origin, "1"), 200},
      {request("POST /topics/t/records", "Host: 127.0.0.1:3001\r\n" + origin, "1"), 200},
      {request("GET /game/flow/", "Host: stats.example.com\r\n"), 200},
      {request("GET /game/flow", "Host: stats.example.com\r\n"), 308},
      {request("GET /game", "Host: stats.example.com\r\n"), 404},
      {request("GET /game/flow/game/flow/topics", "Host: stats.example.com\r\n"), 404},
      {request("GET /topics", "Host: other.example.com\r\n"), 403},
      {request("POST /topics/t/records", "Host: 127.0.0.1\r\nOrigin: https://other.example\r\n",
               "1"),
       403},
      {request("POST /topics/t/records", "Host: 127.0.0.1\r\nOrigin: http://stats.example.com\r\n",
               "1"),
       403},
  };
  for (const auto& [text, status] : cases) {
    const Response response = ask(server, text);
    EXPECT_EQ(response.status, status) << text << response.body;
    if (status == 308) {
      EXPECT_TRUE(response.has("Location: ./flow/\r\n")) << response.header;
    }
  }
}

TEST(Routes, AnOldAddressLeadsToADashboard) {
  TestServer server;
  const auto get = [&](const std::string& target) {
    return ask(server, "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  };
  EXPECT_EQ(get("/stat/table.html").status, 404U);
  server.api.dashboards().replace(
      {*spec::parse_dashboard("title: A\naddress: /stat/table.html\ntry: gameflow x\n"
                              "rows: [{ panels: [{ type: text, text: a }] }]\n",
                              "players.yaml")
            .dashboard});
  const Response response = get("/stat/table.html?platform=PC&range=1h");
  EXPECT_EQ(response.status, 307U);
  EXPECT_TRUE(response.has("Location: ../dash/players?platform=PC&range=1h\r\n"))
      << response.header;
  EXPECT_EQ(get("/stat/table.html/").status, 404U);
  EXPECT_EQ(get("/stat/style.css").status, 200U);
  EXPECT_EQ(get("/dashboards").body,
            "{\"dashboards\":[{\"name\":\"players\",\"title\":\"A\",\"try\":\"gameflow x\"}]}\n");
}

TEST(Routes, PrefixesOfPublicUrls) {
  ServerOptions options;
  for (const std::string url : {"https://a.example/a", "https://a.example/a/b",
                                "https://a.example/x%20y%3Fz", "http://b.example:80"})
    options.public_urls.push_back(*serve::parse_public_url(url));
  TestServer server(options);
  server.topic("t");
  const auto get = [&](const std::string& target) {
    return ask(server, "GET " + target + " HTTP/1.1\r\nHost: a.example.\r\n\r\n");
  };
  EXPECT_EQ(get("/a/livez").status, 200U);
  EXPECT_EQ(get("/a/b/livez").status, 200U) << "the longest counts";
  EXPECT_TRUE(get("/a/b?x=1&y=a%26b").has("Location: ./b/?x=1&y=a%26b\r\n"));
  EXPECT_TRUE(get("/x%20y%3Fz").has("Location: ./x%20y%3Fz/\r\n"));
  EXPECT_TRUE(get("/dash?x=1").has("Location: ./dash/?x=1\r\n"));
  EXPECT_EQ(ask(server,
                "POST /topics/t/records HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "Origin: http://b.example\r\nContent-Length: 1\r\n\r\n1")
                .status,
            200U);
}

TEST(Routes, WhatIsAPublicUrl) {
  EXPECT_EQ(serve::parse_public_url("HTTP://A.example:8080")->origin, "http://a.example:8080");
  EXPECT_EQ(serve::parse_public_url("https://a.example/x/y")->prefix,
            (std::vector<std::string>{"x", "y"}));
  for (const std::string wrong :
       {"", "a.example", "ftp://a.example", "https://", "https:///x", "https://a.example/x?y=1",
        "https://a.example/x//y", "https://me@a.example", "https://a.example/#x"})
    EXPECT_FALSE(serve::parse_public_url(wrong)) << wrong;
}

TEST(Routes, PagesThatMaySendRecords) {
  ServerOptions options;
  options.allowed_origins = {"https://game.example"};
  TestServer server(options);
  server.topic("t");
  const std::string game = "Origin: https://Game.example\r\n", other = "Origin: https://other\r\n";
  const Response sent = ask(server, http("POST /topics/t/records", game, "{}"));
  EXPECT_EQ(sent.status, 200U);
  EXPECT_TRUE(sent.has("Access-Control-Allow-Origin: https://Game.example\r\n")) << sent.header;
  EXPECT_TRUE(sent.has("Vary: Origin\r\n"));
  const Response bad = ask(server, http("POST /topics/none/records", game, "{}"));
  EXPECT_EQ(bad.status, 404U);
  EXPECT_TRUE(bad.has("Access-Control-Allow-Origin: ")) << "it may see what is wrong";
  const Response may_it = ask(server, http("OPTIONS /topics/t/records", game));
  EXPECT_EQ(may_it.status, 204U);
  EXPECT_TRUE(may_it.has("Access-Control-Allow-Methods: POST\r\n")) << may_it.header;
  EXPECT_TRUE(may_it.has("Access-Control-Allow-Origin: https://Game.example\r\n"));
  EXPECT_EQ(ask(server, http("OPTIONS /topics/t/records", other)).status, 405U);
  EXPECT_EQ(ask(server, http("POST /topics/t/records", other, "{}")).status, 403U);
  // It may bring records, no more.
  EXPECT_EQ(ask(server, http("DELETE /topics/t", game)).status, 403U);
  EXPECT_EQ(ask(server, http("POST /records", game, "{}")).status, 403U);
  EXPECT_FALSE(ask(server, http("GET /topics", game)).has("Access-Control"));
  EXPECT_FALSE(ask(server, http("POST /topics/t/records", "", "{}")).has("Access-Control"));
}

TEST(Routes, HeadIsGetWithoutTheBody) {
  TestServer server;
  for (const std::string target : {"/", "/healthz", "/topics", "/nothing"}) {
    const Response got = ask(server, http("GET " + target));
    RawClient client(server.server->port());
    client.send(http("HEAD " + target) + http("GET /healthz"));
    const Response head = client.receive(/*head=*/true);
    EXPECT_EQ(head.status, got.status) << target;
    EXPECT_TRUE(head.has("Content-Length: " + std::to_string(got.body.size()) + "\r\n")) << target;
    EXPECT_EQ(client.receive().status, 200U) << target;  // no byte of a body came between
  }
}

TEST(Routes, TopicsAreMadeAndDeleted) {
  TestServer server;
  const std::string json = "Content-Type: application/json\r\n";
  Response made = ask(server, http("POST /topics", json,
                                   R"({"name":"a","partitions":3,"retention_age":"7d",)"
                                   R"("retention_bytes":1000})"));
  EXPECT_EQ(made.status, 201U) << made.body;
  EXPECT_TRUE(made.has("Location: /topics/a\r\n"));
  EXPECT_TRUE(made.has(R"("retention_age_ms":604800000,"retention_bytes":1000)")) << made.body;
  EXPECT_EQ(ask(server, http("POST /topics", json, R"({"name":"a"})")).status, 409U);
  for (const std::string bad :
       {R"({"name":"a b"})", R"({"name":1})", R"({"name":"b","partitions":0})",
        R"({"name":"b","partitions":-1})", R"({"name":"b","partitions":99999999999})",
        R"({"name":"b","retention_age":"soon"})", R"({"name":"b","retntion_age":"7d"})", R"([])",
        R"({})", R"(x)", R"({"name":"b"} x)", R"({"name":"b\u0000c"})",
        R"({"name":"b","retention_age":"1d\u0000"})", R"({"name":"b","retention_age":"0s"})",
        R"({"name":"b","retention_bytes":0})"})
    EXPECT_EQ(ask(server, http("POST /topics", json, bad)).status, 400U) << bad;
  EXPECT_EQ(ask(server, http("DELETE /topics/a")).status, 204U);
  EXPECT_EQ(ask(server, http("DELETE /topics/a")).status, 404U);
}

TEST(Routes, Produce) {
  TestServer server;
  server.topic("t");
  const std::string json = "Content-Type: application/json\r\n";
  const std::string lines = "Content-Type: application/x-ndjson\r\n";
  const std::string kafka = "Content-Type: application/vnd.kafka.json.v2+json\r\n";
  const std::string packed = gzip("{\"n\":1}\n{\"n\":2}\n");
  struct Case {
    std::string name, request;
    unsigned status;
    std::string contains;
  };
  const Case cases[] = {
      {"object", http("POST /topics/t/records", json, R"({"n":1})"), 200,
       R"({"accepted":1,"duplicates":0,"rejected":0,"errors":[]})"},
      {"array", http("POST /topics/t/records", json, R"([{"n":1},{"n":2}])"), 200,
       R"("accepted":2)"},
      {"lines", http("POST /topics/t/records", lines, "{\"n\":1}\n{\"n\":2}\n"), 200,
       R"("accepted":2)"},
      {"jsonl", http("POST /topics/t/records", "Content-Type: application/jsonl\r\n", "1\n2"), 200,
       R"("accepted":2)"},
      {"text, with a charset",
       http("POST /topics/t/records", "Content-Type: text/plain; charset=utf-8\r\n", "1\n2\n3"),
       200, R"("accepted":3)"},
      {"no type, array", http("POST /topics/t/records", "", " [1,2]"), 200, R"("accepted":2)"},
      {"no type, array behind a byte order mark",
       http("POST /topics/t/records", "", "\xef\xbb\xbf[1,2]"), 200, R"("accepted":2)"},
      {"no type, lines", http("POST /topics/t/records", "", "{}\n{}"), 200, R"("accepted":2)"},
      {"as curl sends it",
       http("POST /topics/t/records", "Content-Type: application/x-www-form-urlencoded\r\n", "{}"),
       200, R"("accepted":1)"},
      {"gzip", http("POST /topics/t/records", lines + "Content-Encoding: gzip\r\n", packed), 200,
       R"("accepted":2)"},
      {"identity", http("POST /topics/t/records", lines + "Content-Encoding: identity\r\n", "{}"),
       200, R"("accepted":1)"},
      {"gzip, cut short",
       http("POST /topics/t/records", lines + "Content-Encoding: gzip\r\n", packed.substr(0, 20)),
       400, "invalid_encoding"},
      {"deflate", http("POST /topics/t/records", lines + "Content-Encoding: deflate\r\n", "x"), 415,
       "Accept-Encoding: gzip, identity\r\n"},
      {"type unknown", http("POST /topics/t/records", "Content-Type: text/csv\r\n", "a,b"), 415,
       "application/x-ndjson"},
      {"one good, one bad", http("POST /topics/t/records", lines, "{\"n\":1}\n{\"n\":\n"), 200,
       R"("rejected":1,"errors":[{"index":1,"field":"","code":"invalid_json",)"},
      {"all bad", http("POST /topics/t/records", lines, "{\n}\n"), 400,
       R"({"accepted":0,"duplicates":0,"rejected":2,)"},
      {"no such topic", http("POST /topics/u/records", lines, "{}"), 404, "topic_not_found"},
      {"to many topics",
       http("POST /records?producer=c&sequence=0&position=after+1", lines,
            "{\"topic\":\"t\",\"value\":{\"n\":1}}\n{\"topic\":\"u\",\"value\":1}\n"),
       200, R"("index":1,"field":"topic","code":"topic_not_found")"},
      {"a position alone", http("POST /records?producer=c&sequence=2&position=after+2", lines, ""),
       200, R"("accepted":0,"duplicates":0,"rejected":0)"},
      {"position without producer", http("POST /records?position=x", lines, "{}"), 400,
       "position needs producer"},
      {"an empty position", http("POST /records?producer=c&sequence=2&position=", lines, "{}"), 400,
       "1 to 4096 bytes"},
      {"events, which nobody routes", http("POST /events", lines, "{}"), 404, "takes no events"},
      {"an odd deduplicate", http("POST /records?deduplicate=no", lines, "{}"), 400,
       "deduplicate must be true or false"},
      {"one key for many topics", http("POST /records?key=a", lines, "{}"), 400,
       "unknown parameter"},
      {"position of one topic",
       http("POST /topics/t/records?producer=p&sequence=0&position=x", lines, "{}"), 400,
       "unknown parameter"},
      {"two keys", http("POST /topics/t/records?key=a&key-field=b", lines, "{}"), 400, "exclude"},
      {"producer without sequence", http("POST /topics/t/records?producer=p", lines, "{}"), 400,
       "go together"},
      {"records in a member",
       http("POST /topics/t/records?unwrap=events", json, R"({"events":[1,2],"n":3})"), 200,
       R"("accepted":2)"},
      {"a member without a name", http("POST /topics/t/records?unwrap=", json, "{}"), 400,
       "unwrap= lacks a name: it names the member"},
      {"a member whose last part is missing",
       http("POST /topics/t/records?unwrap=events.", json, R"({"events":[1]})"), 400,
       "unwrap=events. lacks a name"},
      {"records of many topics in a member",
       http("POST /records?unwrap=batch", json, R"({"batch":[{"topic":"t","value":1}]})"), 200,
       R"("accepted":1)"},
      {"as Kafka's REST has it",
       http("POST /topics/t/records", kafka, R"({"records":[{"key":"a","value":{"n":1}}]})"), 200,
       R"("accepted":1)"},
      {"likewise, null", http("POST /topics/t/records", kafka, R"({"records":[{"value":null}]})"),
       400, R"("field":"value","code":"wrong_type")"},
      {"likewise, with a key beside", http("POST /topics/t/records?key=a", kafka, "{}"), 400,
       "bring their keys themselves"},
      {"likewise, where records are none", http("POST /topics", kafka, "{}"), 415,
       "use application/json, application/x-ndjson or text/plain"},
      {"from its own page",
       http("POST /topics/t/records", lines + "Origin: http://localhost\r\n", "{}"), 200,
       R"("accepted":1)"},
  };
  for (const auto& row : cases) {
    const Response response = ask(server, row.request);
    EXPECT_EQ(response.status, row.status) << row.name << "\n" << response.body;
    EXPECT_TRUE(response.has(row.contains)) << row.name << "\n" << response.header << response.body;
  }
}

TEST(Routes, RetriesOfAProducerAreNotStoredTwice) {
  TestServer server;
  server.topic("t");
  const auto send = [&](const std::string& sequence) {
    return ask(server, http("POST /topics/t/records?producer=p&sequence=" + sequence, "", "1\n2"));
  };
  EXPECT_TRUE(send("0").has(R"("accepted":2,"duplicates":0)"));
  EXPECT_TRUE(send("0").has(R"("accepted":0,"duplicates":2)"));
  EXPECT_TRUE(send("1").has(R"("accepted":1,"duplicates":1)"));
  EXPECT_EQ(send("9").status, 409U);
  EXPECT_TRUE(ask(server, http("GET /topics/t/producers/p")).has(R"({"next_sequence":3})"));
}

// The bytes decide where a record ends, whatever the label says.
TEST(Routes, BodiesByTheirBytes) {
  TestServer server;
  server.topic("t");
  struct Case {
    const char* type;
    std::string body;
    int accepted, rejected;
  };
  const std::string lines = "{\"n\":1}\n{\"n\":2}\n", array = " [{\"n\":1},\n {\"n\":2}]\n";
  const std::string spread = "{\n  \"n\": 1\n}\n";
  const std::vector<Case> cases = {
      {"application/json", lines, 2, 0},
      {"application/json", array, 2, 0},
      {"application/json", spread, 1, 0},
      {"application/json", "{\n  \"n\": 1\n", 0, 1},
      {"application/json", "{\"n\":1}\n{\"n\":\n", 1, 1},
      {"text/plain", lines, 2, 0},
      {"text/plain", array, 2, 0},
      {"text/plain", spread, 1, 0},
      {"text/plain", "[1,2]\n[3]\n", 2, 0},
      {"application/x-www-form-urlencoded", lines, 2, 0},
      {"application/x-www-form-urlencoded", spread, 1, 0},
      {"application/x-ndjson", lines, 2, 0},
      {"application/x-ndjson", "[1,2]\n[3]\n", 2, 0},
      {"application/x-ndjson", "[1,2]", 1, 0},
  };
  for (const Case& row : cases) {
    const Response response = ask(
        server,
        http("POST /topics/t/records", fmt::format("Content-Type: {}\r\n", row.type), row.body));
    EXPECT_TRUE(response.has(fmt::format("\"accepted\":{},\"duplicates\":0,\"rejected\":{},",
                                         row.accepted, row.rejected)))
        << row.type << " " << row.body << "\n"
        << response.body;
  }
}

TEST(Routes, ConnectorsReport) {
  TestServer server;
  server.topic("t");
  const auto put = [&](const std::string& name, const std::string& body) {
    return ask(server, http("PUT /connectors/" + name, "", body));
  };
  EXPECT_TRUE(ask(server, http("GET /connectors")).has(R"("connectors":[])"));
  EXPECT_EQ(ask(server, http("GET /connectors/c")).status, 404U);
  const std::string report =
      R"({"type":"file-sink","direction":"sink","topics":["t"],"state":"running","since_ms":5,)"
      R"("records":7,"bytes":70,"rejected":1,"retries":2,"lag":null,"last_error":"away",)"
      R"("last_error_at_ms":4,"pid":99,"version":"0.1.0","of a later version":[1]})";
  EXPECT_EQ(put("c", report).status, 204U);
  const Response all = ask(server, http("GET /connectors"));
  EXPECT_TRUE(all.has(R"("name":"c","type":"file-sink","direction":"sink","topics":["t"],)"
                      R"("state":"running","since_ms":5,)"))
      << all.body;
  EXPECT_TRUE(all.has(
      R"("records":7,"records_per_second":0E0,"bytes":70,"rejected":1,"retries":2,"lag":null,)"
      R"("last_error":"away","last_error_at_ms":4,"pid":99,"version":"0.1.0",)"
      R"("next_sequence":0,"position":null)"))
      << all.body;
  EXPECT_EQ(ask(server, http("DELETE /connectors/c")).status, 409U);
  const std::pair<const char*, const char*> mistakes[] = {
      {R"({"direction":"sink","state":"running"})", "lacks \\\"type\\\""},
      {R"({"type":"x","direction":"up","state":"running"})", "one of source, sink"},
      {R"({"type":"x","direction":"sink","state":"fine"})", "must be one of starting"},
      {R"({"type":"x","direction":"sink","state":"running","records":-1})", "whole number"},
      {"[]", "must be a JSON object"}};
  for (const auto& [body, message] : mistakes) {
    const Response refused = put("c", body);
    EXPECT_EQ(refused.status, 400U) << body;
    EXPECT_TRUE(refused.has(message)) << refused.body;
  }
  EXPECT_EQ(put("a%2Fb", report).status, 400U);
  EXPECT_EQ(put("c", R"({"type":"file-sink","direction":"sink","state":"stopped"})").status, 204U);
  EXPECT_EQ(ask(server, http("DELETE /connectors/c")).status, 204U);
  EXPECT_EQ(ask(server, http("DELETE /connectors/c")).status, 404U);
  // Its position is known without it.
  EXPECT_EQ(
      ask(server, http("POST /records?producer=connector%2Fd&sequence=0&position=after+1")).status,
      200U);
  EXPECT_TRUE(
      ask(server, http("GET /connectors/d")).has(R"("state":"not running","since_ms":null,)"));
  EXPECT_EQ(ask(server, http("DELETE /connectors/d")).status, 204U);
  EXPECT_TRUE(ask(server, http("GET /producers/connector%2Fd")).has(R"("position":null)"));
}

TEST(Routes, FailuresOfTheStoreHaveAStatus) {
  TestServer server;
  server.topic("t");
  const std::pair<ErrorCode, unsigned> cases[] = {
      {ErrorCode::kDiskFull, 507}, {ErrorCode::kClosed, 503}, {ErrorCode::kOutcomeUnknown, 503}};
  for (const auto& [code, status] : cases) {
    server.store->fail_next_commits(1, code);
    const Response response = ask(server, http("POST /topics/t/records", "", "{}"));
    EXPECT_EQ(response.status, status);
    EXPECT_TRUE(response.has(to_string(code))) << response.body;
    EXPECT_TRUE(response.has("Retry-After: 1\r\n"));
  }
}

TEST(Pages, AreKeptByTheBrowserUntilTheyChange) {
  TestServer server;
  const Response plain = ask(server, http("GET /"));
  const Response packed = ask(server, http("GET /", "Accept-Encoding: br, gzip\r\n"));
  EXPECT_TRUE(packed.has("Content-Encoding: gzip\r\n"));
  EXPECT_LT(packed.body.size(), plain.body.size());
  EXPECT_EQ(gunzip(packed.body, 10'000'000).value(), plain.body);
  for (const Response& response : {plain, packed}) {
    EXPECT_TRUE(response.has("Cache-Control: no-cache\r\n"));
    const auto at = response.header.find("ETag: ") + 6;
    const std::string tag = response.header.substr(at, response.header.find("\r\n", at) - at);
    const Response again = ask(server, http("GET /", "If-None-Match: " + tag + "\r\n"));
    EXPECT_EQ(again.status, 304U);
    EXPECT_TRUE(again.body.empty());
  }
  EXPECT_EQ(ask(server, http("GET /", "If-None-Match: \"other\"\r\n")).status, 200U);
}

// With tokens: src/serve/gate_test.cc, and tests/system/test_auth.py for all routes.
TEST(Access, WithoutTokensNobodyIsAsked) {
  TestServer server;
  const Response routes = ask(server, http("GET /routes"));
  EXPECT_TRUE(routes.has(R"({"method":"DELETE","pattern":"/topics/*","access":"admin"})"));
  EXPECT_TRUE(routes.has(R"({"method":"GET","pattern":"/livez","access":"open"})"));
  EXPECT_EQ(ask(server, http("GET /topics", "Authorization: Bearer x\r\n")).status, 200U);
  EXPECT_EQ(ask(server, http("POST /sign-in", "Authorization: Bearer x\r\n")).status, 404U);
}

TEST(Access, PagesOfOtherSitesLearnWhyTheyAreRefused) {
  ServerOptions options;
  options.tokens.emplace();
  options.allowed_origins = {"https://game.example"};
  TestServer server(options);
  server.topic("t");
  const Response refused =
      ask(server, http("POST /topics/t/records", "Origin: https://game.example\r\n", "{}"));
  EXPECT_EQ(refused.status, 401U);
  EXPECT_TRUE(refused.has("Access-Control-Allow-Origin: https://game.example\r\n"));
  EXPECT_TRUE(refused.has("WWW-Authenticate: Bearer"));
  EXPECT_EQ(ask(server, http("GET /livez")).status, 200U);
}

TEST(Pages, ComeFromAFolderWhereOneIsGiven) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(testing::TempDir()) / "gameflow-pages";
  fs::remove_all(folder);
  fs::create_directories(folder / "web" / "sub");
  std::ofstream(folder / "web" / "index.html") << "first";
  std::ofstream(folder / "web" / "sub" / "a.js") << "1";
  std::ofstream(folder / "secret.txt") << "secret";
  fs::create_symlink(folder / "secret.txt", folder / "web" / "link.txt");
  ServerOptions options;
  options.web_folder = folder / "web";
  TestServer server(options);
  EXPECT_EQ(ask(server, http("GET /")).body, "first");
  std::ofstream(folder / "web" / "index.html") << "second";
  EXPECT_EQ(ask(server, http("GET /")).body, "second");
  EXPECT_EQ(ask(server, http("GET /stat/sub/a.js")).body, "1");
  EXPECT_EQ(ask(server, http("GET /stat/icon.svg")).status, 200U) << "not there: the program's own";
  for (const std::string name : {"../secret.txt", "..%2Fsecret.txt", "link.txt", "sub", "."})
    EXPECT_EQ(ask(server, http("GET /stat/" + name)).status, 404U) << name;
  fs::remove_all(folder);
}

}  // namespace
}  // namespace gameflow::http::test
