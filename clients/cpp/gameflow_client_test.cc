// The client against a server in memory that loses requests and answers on command.
#include "gameflow_client.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow_client {
namespace {

std::string number_text(int n) {
  return "{\"n\":" + std::to_string(n) + "}";
}

enum class Fault { kNone, kLost, kAnswerLost, kHalfAnswer, kBusy, kNoTopic };

// Remembers the next number of each producer, as gameflow does. An event with "bad" is refused.
class ModelServer {
 public:
  Response operator()(const Request& request) {
    const std::lock_guard<std::mutex> lock(mutex_);
    urls_.push_back(request.url);
    headers_ = request.headers;
    Response response;
    const Fault fault = fault_ ? fault_(request) : Fault::kNone;
    if (fault == Fault::kLost) return lost();
    if (fault == Fault::kBusy) return {503, "{}", "", 0};
    if (fault == Fault::kNoTopic)
      return {404, R"({"error":{"code":"topic_not_found","message":"no"}})", "", 0};
    if (request.body.size() > body_bytes_max_) return {413, "{}", "", 0};
    response = take(request);
    if (fault == Fault::kAnswerLost) return lost();
    if (fault == Fault::kHalfAnswer) response.body.resize(response.body.size() / 2);
    return response;
  }

  std::function<Fault(const Request&)> fault_;
  std::size_t body_bytes_max_ = SIZE_MAX;
  std::vector<std::string> stored_, urls_, headers_;  // the last ones
  std::map<std::string, std::uint64_t> producers_;

 private:
  static Response lost() { return {0, "", "connection reset", 0}; }

  static std::string parameter(const std::string& url, const std::string& name) {
    const std::size_t at = url.find(name + "=");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 1;
    return url.substr(begin, url.find('&', begin) - begin);
  }

  Response take(const Request& request) {
    std::uint64_t& next = producers_[parameter(request.url, "producer")];
    const std::uint64_t first = std::stoull(parameter(request.url, "sequence"));
    if (first > next) return {409, R"({"error":{"code":"sequence_gap","message":"a gap"}})", "", 0};
    std::uint64_t index = first, accepted = 0, duplicates = 0, rejected = 0;
    std::istringstream lines(request.body);
    for (std::string line; std::getline(lines, line); ++index) {
      if (line.find("bad") != std::string::npos) {
        ++rejected;
      } else if (index < next) {
        ++duplicates;
      } else {
        ++accepted;
        stored_.push_back(line);
      }
    }
    next = std::max(next, index);
    const std::string body = "{\"accepted\":" + std::to_string(accepted) +
                             ",\"duplicates\":" + std::to_string(duplicates) +
                             ",\"rejected\":" + std::to_string(rejected) + ",\"errors\":[]}\n";
    return {accepted + duplicates == 0 ? 400 : 200, body, "", 0};
  }

  std::mutex mutex_;
};

class ClientTest : public testing::Test {
 protected:
  ClientTest() {
    folder_ = std::filesystem::temp_directory_path() / ("gameflow-client-" + detail::new_id());
    std::filesystem::create_directory(folder_);
  }
  ~ClientTest() override { std::filesystem::remove_all(folder_); }

  Options options() {
    Options options;
    options.url = "http://server/";
    options.topic = "events";
    options.retry_min = Milliseconds(1);
    options.retry_max = Milliseconds(4);
    options.flush_interval = Milliseconds(1);
    options.transport = [this](const Request& request) { return server_(request); };
    return options;
  }
  static std::vector<std::string> numbers(int count, int first = 0) {
    std::vector<std::string> texts;
    for (int n = first; n < first + count; ++n) texts.push_back(number_text(n));
    return texts;
  }

  ModelServer server_;
  std::filesystem::path folder_;
};

constexpr Milliseconds kPatience{60'000};

TEST_F(ClientTest, SendsBatchesWithNumbersThatGoOn) {
  Options of = options();
  of.batch_events = 3;
  of.flush_interval = kPatience;
  of.key_field = "user.id";
  of.token = "t";
  of.headers = {"X-Game: y"};
  Client client(of);
  for (const std::string& event : numbers(6)) EXPECT_TRUE(client.send(event));
  EXPECT_TRUE(client.send("{\"n\":\r\n6}"));
  EXPECT_TRUE(client.flush(kPatience));
  std::vector<std::string> wanted = numbers(6);
  wanted.emplace_back("{\"n\":  6}");
  EXPECT_EQ(server_.stored_, wanted);
  EXPECT_EQ(client.close(kPatience), 0U);
  EXPECT_EQ(
      server_.urls_.front().rfind("http://server/topics/events/records?producer=gameflow-", 0), 0U);
  EXPECT_NE(server_.urls_.back().find("&key-field=user.id"), std::string::npos);
  EXPECT_EQ(server_.headers_,
            (std::vector<std::string>{"X-Game: y", "Content-Type: application/x-ndjson",
                                      "Authorization: Bearer t"}));
  EXPECT_FALSE(client.send("{}"));
  EXPECT_EQ(client.stats().sent, 7U);
}

TEST_F(ClientTest, WithoutATopicEventsHaveIdsAndTheTimeOfSending) {
  Options of = options();
  of.topic = "";
  Client client(of);
  for (const char* event : {R"({"event_name":"a"})", R"({"event_id":"mine"})", " {}"})
    client.send(event);
  EXPECT_TRUE(client.flush(kPatience));
  EXPECT_EQ(server_.urls_.front().rfind("http://server/events?producer=gameflow-", 0), 0U);
  EXPECT_NE(server_.urls_.front().find("&sent_at=1"), std::string::npos);
  EXPECT_EQ(server_.stored_[0].rfind("{\"event_id\":\"", 0), 0U);
  EXPECT_NE(server_.stored_[0].find("\",\"event_name\":\"a\"}"), std::string::npos);
  EXPECT_EQ(server_.stored_[1], R"({"event_id":"mine"})");
  EXPECT_EQ(server_.stored_[2].size(), 1 + std::string_view(R"({"event_id":""})").size() + 32);
}

TEST_F(ClientTest, EachOnceAndInOrderWhateverIsLost) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    server_.stored_.clear();
    std::mt19937 random(seed), of_server(seed + 1000);
    const auto pick = [](std::mt19937& from, int end) {
      return std::uniform_int_distribution<int>(0, end - 1)(from);
    };
    std::atomic<bool> is_fine{false};
    server_.fault_ = [&](const Request&) {
      return is_fine ? Fault::kNone : static_cast<Fault>(pick(of_server, 6));
    };
    Options of = options();
    of.store_file = (folder_ / "queue").string();
    of.batch_events = static_cast<std::size_t>(1 + pick(random, 20));
    of.queue_events = 1'000'000;
    auto client = std::make_unique<Client>(of);
    int n = 0;
    while (n < 300) {
      for (int i = pick(random, 30); i > 0; --i) client->send(number_text(n++));
      if (pick(random, 3) == 0) client->flush(Milliseconds(3));
      if (pick(random, 5) == 0) {  // a restart, while something may be on its way
        client.reset();
        client = std::make_unique<Client>(of);
      }
    }
    is_fine = true;
    EXPECT_TRUE(client->flush(kPatience)) << client->stats().last_error;
    EXPECT_EQ(client->close(kPatience), 0U);
    EXPECT_EQ(server_.stored_, numbers(n));
    EXPECT_FALSE(std::filesystem::exists(of.store_file)) << "nothing is left in the store";
  }
}

TEST_F(ClientTest, AStoreThatIsOlderThanItsClientCostsNothing) {
  const std::string store = (folder_ / "queue").string(), old = (folder_ / "old").string();
  Options of = options();
  of.store_file = store;
  {
    Client client(of);
    for (const std::string& event : numbers(5)) client.send(event);
    // The file that is there when the first batch is on its way.
    server_.fault_ = [&](const Request&) {
      if (!std::filesystem::exists(old)) std::filesystem::copy_file(store, old);
      return Fault::kNone;
    };
    EXPECT_TRUE(client.flush(kPatience));
    for (const std::string& event : numbers(5, 5)) client.send(event);
    EXPECT_EQ(client.close(kPatience), 0U);
  }
  std::filesystem::rename(old, store);
  Client next(of);
  next.send(number_text(10));
  EXPECT_TRUE(next.flush(kPatience));
  EXPECT_EQ(server_.stored_, numbers(11));
  EXPECT_GE(next.stats().duplicates, 1U);
}

TEST_F(ClientTest, AFullQueueDropsTheOldestThatWereNotSent) {
  std::size_t dropped = 0;
  std::atomic<bool> is_fine{false}, was_sent{false};
  server_.fault_ = [&](const Request&) {
    was_sent = true;
    return is_fine ? Fault::kNone : Fault::kAnswerLost;
  };
  Options of = options();
  of.batch_events = 10;
  of.queue_events = 30;
  of.flush_interval = kPatience;
  of.on_drop = [&](std::string_view reason, std::size_t count) {
    EXPECT_EQ(reason, "queue is full");
    dropped += count;
  };
  Client client(of);
  for (const std::string& event : numbers(10)) client.send(event);
  while (!was_sent) std::this_thread::yield();
  for (const std::string& event : numbers(40, 10)) client.send(event);
  EXPECT_EQ(client.stats().waiting, 30U);
  is_fine = true;
  EXPECT_TRUE(client.flush(kPatience));
  std::vector<std::string> wanted = numbers(10);
  for (const std::string& event : numbers(20, 30)) wanted.push_back(event);
  EXPECT_EQ(server_.stored_, wanted);
  EXPECT_EQ(dropped, 20U);
}

TEST_F(ClientTest, RejectedEventsAreToldAndNotSentAgain) {
  std::vector<std::string> batches;
  Options of = options();
  of.flush_interval = kPatience;
  of.on_reject = [&](std::string_view answer, const std::vector<std::string>& batch) {
    EXPECT_NE(answer.find("\"rejected\":1"), std::string::npos);
    batches.insert(batches.end(), batch.begin(), batch.end());
  };
  Client client(of);
  for (const char* event : {"{\"n\":0}", "{\"bad\":1}", "{\"n\":2}"}) client.send(event);
  EXPECT_TRUE(client.flush(kPatience));
  client.send("{\"bad\":3}");
  EXPECT_TRUE(client.flush(kPatience));
  EXPECT_EQ(client.close(kPatience), 0U);
  EXPECT_EQ(server_.stored_, (std::vector<std::string>{"{\"n\":0}", "{\"n\":2}"}));
  EXPECT_EQ(batches,
            (std::vector<std::string>{"{\"n\":0}", "{\"bad\":1}", "{\"n\":2}", "{\"bad\":3}"}));
  EXPECT_EQ(client.stats().rejected, 2U);
}

TEST_F(ClientTest, ABatchThatIsTooLargeForTheServerIsHalved) {
  server_.body_bytes_max_ = 40;
  std::vector<std::string> dropped;
  Options of = options();
  of.batch_events = 8;
  of.event_bytes = 70;
  of.on_drop = [&](std::string_view reason, std::size_t) { dropped.emplace_back(reason); };
  Client client(of);
  for (const std::string& event : numbers(8)) client.send(event);
  EXPECT_TRUE(client.send("{\"n\":\"" + std::string(50, 'x') + "\"}"));
  EXPECT_FALSE(client.send("{\"n\":\"" + std::string(100, 'x') + "\"}"));
  for (const std::string& event : numbers(3, 8)) client.send(event);
  EXPECT_TRUE(client.flush(kPatience));
  EXPECT_EQ(client.close(kPatience), 0U);
  EXPECT_EQ(server_.stored_, numbers(11));
  EXPECT_EQ(dropped, (std::vector<std::string>{"too large", "too large for the server"}));
}

TEST_F(ClientTest, AServerThatHasForgottenTheProducerGetsNewNumbers) {
  std::vector<std::string> errors;
  Options of = options();
  of.on_error = [&](std::string_view reason) { errors.emplace_back(reason); };
  Client client(of);
  client.send(number_text(0));
  EXPECT_TRUE(client.flush(kPatience));
  server_.producers_.clear();
  client.send(number_text(1));
  EXPECT_TRUE(client.flush(kPatience));
  EXPECT_EQ(client.close(kPatience), 0U);
  EXPECT_EQ(server_.stored_, numbers(2));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].rfind("409: ", 0), 0U);
}

TEST_F(ClientTest, RetryAfterIsKeptTo) {
  std::vector<std::chrono::steady_clock::time_point> times;
  Options of = options();
  of.transport = [&](const Request& request) -> Response {
    times.push_back(std::chrono::steady_clock::now());
    if (times.size() == 1) return {429, "{}", "", 1};
    return server_(request);
  };
  Client client(of);
  client.send(number_text(0));
  EXPECT_TRUE(client.flush(kPatience));
  EXPECT_EQ(client.close(kPatience), 0U);
  ASSERT_EQ(times.size(), 2U);
  EXPECT_GE(times[1] - times[0], std::chrono::seconds(1));
}

TEST_F(ClientTest, StoresThatCannotBeUsedAreTold) {
  std::vector<std::string> errors;
  Options of = options();
  of.on_error = [&](std::string_view reason) { errors.emplace_back(reason); };
  of.store_file = (folder_ / "no" / "queue").string();
  {
    Client client(of);
    client.send(number_text(0));
    EXPECT_TRUE(client.flush(kPatience));
  }
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors[0].find("cannot be written"), std::string::npos);
  of.store_file = (folder_ / "other").string();
  std::ofstream(of.store_file) << "something else\n{}\n";
  Client client(of);
  client.send(number_text(1));
  EXPECT_TRUE(client.flush(kPatience));
  EXPECT_NE(errors.back().find("is of another version"), std::string::npos);
  EXPECT_EQ(client.close(kPatience), 0U);
  EXPECT_EQ(server_.stored_, numbers(2));
}

TEST_F(ClientTest, NobodyIsThere) {
  Options of = options();
  of.transport = nullptr;
  of.url = "http://127.0.0.1:1";
  of.store_file = (folder_ / "queue").string();
  Client client(of);
  client.send(number_text(0));
  EXPECT_FALSE(client.flush(Milliseconds(50)));
  EXPECT_EQ(client.close(Milliseconds(0)), 1U);
  EXPECT_TRUE(std::filesystem::exists(of.store_file));
  EXPECT_NE(client.stats().last_error.find("no answer: "), std::string::npos);
}

}  // namespace
}  // namespace gameflow_client
