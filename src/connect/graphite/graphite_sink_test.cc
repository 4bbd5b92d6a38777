#include "connect/graphite/graphite_sink.h"

#include <array>
#include <future>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file_handle.h"
#include "connect/support/settings_test_util.h"

namespace gameflow::connect {
namespace {

// Stands in for Carbon; tests/system/test_connect_graphite.py has the real one.
class FakeCarbon {
 public:
  FakeCarbon() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), any, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    ::getsockname(listener_.get(), any, &size);
    port_ = ntohs(address.sin_port);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  void accept() { connection_ = FileHandle(::accept(listener_.get(), nullptr, nullptr)); }
  void hang_up() { connection_.reset(); }
  void go_away() {
    hang_up();
    listener_.reset();
  }
  // Of the connection, until so many bytes have come.
  std::string read(std::size_t size) {
    std::string text;
    std::array<char, 65536> bytes{};
    while (text.size() < size) {
      const ssize_t count = ::recv(connection_.get(), bytes.data(), bytes.size(), 0);
      if (count <= 0) break;
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

 private:
  FileHandle listener_, connection_;
  int port_ = 0;
};

class GraphiteSinkTest : public ::testing::Test {
 protected:
  using Values = std::initializer_list<std::pair<std::string, Settings::Value>>;
  void open(Values values) {
    Settings settings = settings_of(kGraphiteSink, values);
    settings.set("address", carbon.address());
    settings.set("timeout", std::int64_t{500});
    sink = kGraphiteSink.make_sink(settings, host);
    sink->open();
    carbon.accept();
  }
  std::vector<Refused> write(std::string_view value) {
    const Delivery record{.topic = "server-metrics", .timestamp_ms = 7'999, .value = value};
    return sink->write({&record, 1});
  }
  void expect_lines(std::string_view value, const std::string& lines) {
    for (const Refused& refused : write(value)) ADD_FAILURE() << refused.reason;
    sink->commit({});
    EXPECT_EQ(carbon.read(lines.size()), lines);
  }
  void expect_refused(std::string_view value, const std::string& reason) {
    const auto refused = write(value);
    ASSERT_EQ(refused.size(), 1U) << value;
    EXPECT_EQ(refused[0].reason, reason);
  }

  TestHost host;
  FakeCarbon carbon;
  std::unique_ptr<Sink> sink;
};

TEST_F(GraphiteSinkTest, WritesALineForEachMetric) {
  open({{"metrics", Settings::Map{{"servers.{data.region}.{p.id}.cpu", "p.cpu"},
                                  {"servers.{data.region}.{p.id}.memory", "p.memory"}}}});
  expect_lines(R"({"p":{"id":"eu.1 a","cpu":0.50,"memory":7},"data":{"region":"é"}})",
               "servers.__.eu_1_a.cpu 0.50 7\nservers.__.eu_1_a.memory 7 7\n");
  expect_lines(R"({"p":{"id":1,"cpu":1e2,"memory":null},"data":{"region":""}})",
               "servers._.1.cpu 1e2 7\n");
  expect_lines(
      R"([{"p":{"id":1,"cpu":1},"data":{"region":"a"}},{"p":{"id":2,"cpu":2},"data":{"region":"a"}}])",
      "servers.a.1.cpu 1 7\nservers.a.2.cpu 2 7\n");
}

TEST_F(GraphiteSinkTest, TakesTheTimeFromAField) {
  open({{"metrics", Settings::Map{{"a.{id}", "v"}}}, {"timestamp", "at"}, {"items", "list"}});
  expect_lines(R"({"at":"2024-11-12T10:15:30.9Z","list":[{"id":1,"v":2},{"id":2,"v":3,"at":5}]})",
               "a.1 2 1731406530\na.2 3 5\n");
  expect_lines(R"({"at":1731406530,"list":[{"id":1,"v":2}]})", "a.1 2 1731406530\n");
  expect_lines(R"({"at":1731406530123,"list":[{"id":1,"v":2}]})", "a.1 2 1731406530\n");
  EXPECT_EQ(write(R"({"at":1,"list":[]})").size(), 0U);
  expect_refused(R"({"at":"noon","list":[{"id":1,"v":2}]})", "'at' is \"noon\", which is no time");
  expect_refused(R"({"list":[{"id":1,"v":2}]})", "'at' is absent, which is no time");
}

TEST_F(GraphiteSinkTest, RefusesWhatMakesNoMetricAndKeepsTheRest) {
  open({{"metrics", Settings::Map{{"a.{id}", "v"}}}});
  expect_refused("no json", "its value is no JSON");
  expect_refused(R"({"id":1,"v":"2"})", "'v' is \"2\", which is no number");
  expect_refused(R"({"v":1})", "'id' is absent, so the metric has no path");
  expect_refused(R"({"id":1})", "it has none of the fields under 'metrics'");
  expect_refused(R"([{"id":1,"v":1},{"v":2}])", "'id' is absent, so the metric has no path");
  expect_lines(R"({"id":1,"v":1})", "a.1 1 7\n");
}

TEST_F(GraphiteSinkTest, SettingsThatMakeNoSenseAreFinal) {
  for (const auto* path : {"a b", ".a", "a..b", "a.{", "a."})
    EXPECT_THROW(open({{"metrics", Settings::Map{{path, "v"}}}}), std::runtime_error) << path;
  Settings settings = settings_of(kGraphiteSink, {{"metrics", Settings::Map{{"a", "v"}}}});
  for (const auto* address : {"", ":1", "host:", "host:x", "[::1", "host:123456"}) {
    settings.set("address", std::string(address));
    try {
      kGraphiteSink.make_sink(settings, host)->open();
      FAIL() << address;
    } catch (const Retry&) {
      FAIL() << address;
    } catch (const std::runtime_error&) {
    }
  }
}

TEST_F(GraphiteSinkTest, TriesAgainWhereCarbonIsAwayHangsUpOrHangs) {
  open({{"metrics", Settings::Map{{"a", "v"}}}});
  carbon.hang_up();
  write(R"({"v":1})");
  EXPECT_THROW(sink->commit({}), Retry);

  open({{"metrics", Settings::Map{{"a", "v"}}}});
  // It reads nothing: the buffers of both kernels fill up.
  EXPECT_THROW(for (int i = 0; i < 10'000'000; ++i) write(R"({"v":1})"), Retry);

  carbon.go_away();
  EXPECT_THROW(sink->open(), Retry);
}

}  // namespace
}  // namespace gameflow::connect
