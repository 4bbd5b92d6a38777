// Requests over real sockets; the runner is the test.
#include "connect/webhook/webhook_source.h"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/time.h"
#include "connect/support/peer_test_util.h"
#include "connect/support/settings_test_util.h"
#include "connect/webhook/signature.h"
#include "serve/serve_test_util.h"

namespace gameflow::connect {
namespace {

using namespace std::chrono_literals;
using serve::test::http;
using serve::test::RawClient;
using serve::test::Response;
using Texts = std::vector<std::string>;
using Values = std::initializer_list<std::pair<std::string, Settings::Value>>;

std::string github(std::string_view body, std::string_view secret = "new") {
  const std::vector<std::string_view> parts{body};
  return fmt::format("X-Signature: sha256={}\r\n", to_hex(hmac_sha256(secret, parts)));
}

struct Webhook {
  TestHost host;
  int port = free_port();
  Settings settings;
  std::unique_ptr<Source> source;

  explicit Webhook(Values values = {}) {
    settings = settings_of(kWebhookSource, {{"listen", fmt::format("127.0.0.1:{}", port)},
                                            {"path", std::string("/in")},
                                            {"signature", std::string("prefixed")},
                                            {"secrets", Texts{"new", "old"}}});
    for (const auto& [key, value] : values) settings.set(key, value);
    source = kWebhookSource.make_source(settings, host);
    source->open("");
  }
  ~Webhook() { source->close(); }

  // Sends; the answer may come later.
  std::unique_ptr<RawClient> post(std::string_view headers, std::string_view body,
                                  std::string_view target = "POST /in") const {
    auto client = std::make_unique<RawClient>(static_cast<std::uint16_t>(port));
    client->send(http(target, headers, body));
    return client;
  }
  Response refused(std::string_view headers, std::string_view body) const {
    return post(headers, body)->receive();
  }
  // Values of one batch; waits for one.
  Texts take(std::size_t bytes_max = 1 << 20) const {
    Texts values;
    EXPECT_TRUE(wait_until([&] {
      for (Record& record : source->poll(50ms, bytes_max).records)
        values.push_back(std::move(record.value));
      return !values.empty();
    }));
    return values;
  }
};

TEST(WebhookSource, AnswersOnceItIsDurable) {
  const Webhook webhook;
  const auto one = webhook.post(github("{\"n\":1}"), "{\"n\":1}");
  EXPECT_EQ(webhook.take(), Texts{"{\"n\":1}"});
  const auto two = webhook.post(github("[2,3]"), "[2,3]");
  EXPECT_EQ(webhook.take(), (Texts{"2", "3"}));
  webhook.source->committed("");
  const Response first = one->receive();
  EXPECT_EQ(first.status, 200U);
  EXPECT_EQ(first.body, "{\"accepted\":1}\n");
  EXPECT_EQ(webhook.source->lag(), 0U);
  webhook.source->committed("");
  EXPECT_EQ(two->receive().body, "{\"accepted\":2}\n");
}

TEST(WebhookSource, Bodies) {
  struct Case {
    std::string body;
    Texts values;         // empty: refused
    std::string message;  // then
  };
  const std::vector<Case> cases{
      {R"( {"a": [1, 2]} )", {R"({"a": [1, 2]} )"}, ""},
      {"{\"a\":\n 1}\n", {"{\"a\":\n 1}\n"}, ""},
      {"[]", {}, "{\"accepted\":0}"},
      {"[{},[1],\"x\"]", {"{}", "[1]", "\"x\""}, ""},
      {"{\"n\":1}\n\r\n{\"n\":2}\r\n{\"n\":3}", {"{\"n\":1}", "{\"n\":2}\r", "{\"n\":3}"}, ""},
      {"{\"n\":1}\n{\"n\":", {}, "line 2 is no JSON"},
      {"[1,x]", {}, "element 1 is no JSON"},
      {"[1,}]", {}, "invalid_json"},
      {"[1,2", {}, "invalid_json"},
      {"", {}, "the body is empty"},
      {" \n ", {}, "the body is empty"},
      {"hello", {}, "line 1 is no JSON"},
      {"\xff\xfe", {}, "line 1 is no JSON"}};
  const Webhook webhook;
  for (const Case& each : cases) {
    const auto client = webhook.post(github(each.body), each.body);
    if (each.values.empty()) {
      EXPECT_TRUE(client->receive().has(each.message)) << each.body;
      continue;
    }
    EXPECT_EQ(webhook.take(), each.values) << each.body;
    webhook.source->committed("");
    EXPECT_EQ(client->receive().status, 200U);
  }
}

TEST(WebhookSource, Refuses) {
  const Webhook webhook({{"body-max", std::int64_t{2048}}});
  EXPECT_EQ(webhook.refused("", "{}").status, 401U);
  EXPECT_EQ(webhook.refused(github("{ }"), "{}").status, 401U);
  EXPECT_EQ(webhook.refused(github("{}", "other"), "{}").status, 401U);
  EXPECT_TRUE(webhook.refused("X-Signature: {}\r\n", "{}").has("does not begin with sha256="));
  EXPECT_EQ(webhook.refused(github("{}") + "Content-Encoding: gzip\r\n", "{}").status, 415U);
  const std::string large(3000, '1');
  EXPECT_EQ(webhook.refused(github(large), large).status, 413U);
  EXPECT_EQ(webhook.post("", "", "GET /in")->receive().status, 405U);
  EXPECT_EQ(webhook.post("", "", "GET /healthz")->receive().body, "{\"status\":\"ok\"}\n");
  EXPECT_EQ(webhook.post(github("{}"), "{}", "POST /other")->receive().status, 404U);
  EXPECT_EQ(webhook.source->lag(), 0U);
  // The secret before, any type and any query do no harm.
  const auto old =
      webhook.post(github("{}", "old") + "Content-Type: application/cloudevents+json\r\n", "{}",
                   "POST /in?source=a");
  EXPECT_EQ(webhook.take(), Texts{"{}"});
  webhook.source->committed("");
  EXPECT_EQ(old->receive().status, 200U);
}

TEST(WebhookSource, TimesAreThoseOfNow) {
  const Webhook webhook({{"signature", std::string("timestamped")}});
  const auto at = [](std::int64_t seconds) {
    const std::string time = std::to_string(seconds);
    const std::vector<std::string_view> parts{time, ".", "{}"};
    return fmt::format("X-Signature: t={},v1={}\r\n", time, to_hex(hmac_sha256("new", parts)));
  };
  const std::int64_t now = SystemClock().now().ms / 1000;
  EXPECT_EQ(webhook.refused(at(now - 400), "{}").status, 401U);
  const auto good = webhook.post(at(now), "{}");
  EXPECT_EQ(webhook.take(), Texts{"{}"});
  webhook.source->committed("");
  EXPECT_EQ(good->receive().status, 200U);
}

TEST(WebhookSource, TooMuchWaiting) {
  const Webhook webhook(
      {{"waiting-max", std::int64_t{4 << 20}}, {"body-max", std::int64_t{1 << 20}}});
  const std::string large = '"' + std::string(1'000'000, 'x') + '"';
  std::vector<std::unique_ptr<RawClient>> clients;
  while (clients.size() < 4) {  // each behind the one before: the order of connections is nobody's
    clients.push_back(webhook.post(github(large), large));
    EXPECT_TRUE(wait_until([&] { return webhook.source->lag() == clients.size(); }));
  }
  const Response refused = webhook.refused(github(large), large);
  EXPECT_EQ(refused.status, 503U);
  EXPECT_TRUE(refused.has("Retry-After: 1"));
  // As much as is asked for, but at least one request.
  EXPECT_EQ(webhook.take(10).size(), 1U);
  EXPECT_EQ(webhook.take(2'500'000).size(), 2U);
  EXPECT_EQ(webhook.refused(github(large), large).status, 503U);  // handed over, not yet durable
  webhook.source->committed("");
  EXPECT_EQ(clients[0]->receive().status, 200U);
  webhook.source->committed("");
  EXPECT_EQ(clients[1]->receive().status, 200U);
  EXPECT_EQ(clients[2]->receive().status, 200U);
}

TEST(WebhookSource, WhoIsNotStoredIsToldSo) {
  auto webhook = std::make_unique<Webhook>();
  const auto one = webhook->post(github("1"), "1");
  webhook->take();
  const auto two = webhook->post(github("2"), "2");
  EXPECT_TRUE(wait_until([&] { return webhook->source->lag() == 1; }));
  webhook->source->close();
  EXPECT_EQ(one->receive().status, 503U);
  EXPECT_EQ(two->receive().status, 503U);
  webhook.reset();
}

TEST(WebhookSource, SaysWhatIsWrong) {
  const auto message = [](Values values) -> std::string {
    try {
      const Webhook webhook(values);
      return "nothing";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  const auto text = [](const char* value) { return Settings::Value(std::string(value)); };
  EXPECT_NE(message({{"listen", text("localhost")}}).find("ADDRESS:PORT"), std::string::npos);
  EXPECT_NE(message({{"listen", text("nowhere:80")}}).find("not an IP address"), std::string::npos);
  EXPECT_NE(message({{"secrets", Texts{}}}).find("'signature: none'"), std::string::npos);
  EXPECT_NE(message({{"secrets", Texts{""}}}).find("one is empty"), std::string::npos);
  EXPECT_NE(message({{"path", text("in")}}).find("begins with '/'"), std::string::npos);
  EXPECT_NE(message({{"signature", text("none")}}).find("nothing to check"), std::string::npos);
  EXPECT_NE(
      message({{"signature", text("none")}, {"secrets", Texts{}}, {"listen", text("0.0.0.0:0")}})
          .find("loopback"),
      std::string::npos);
  const Webhook webhook;
  EXPECT_NE(
      message({{"listen", text(fmt::format("127.0.0.1:{}", webhook.port).c_str())}})
          .find("is in use by another program; stop it, or choose another port with listen: "),
      std::string::npos);
}

}  // namespace
}  // namespace gameflow::connect
