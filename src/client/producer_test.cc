#include "client/producer.h"

#include <deque>

#include <gtest/gtest.h>

namespace gameflow::client {
namespace {

using std::chrono::milliseconds;

constexpr const char* kStored = R"({"accepted":2,"duplicates":0,"rejected":0,"errors":[]})";

HttpReply ok(std::string body) {
  return {.status = 200, .body = std::move(body)};
}

HttpReply failure(int status, const std::string& code) {
  return {.status = status,
          .body = R"({"error":{"code":")" + code + R"(","message":"it says )" + code + "\"}}"};
}

// Answers what the test lines up, and keeps what was asked.
class FakeServer final : public Http {
 public:
  Result<HttpReply> request(std::string_view method, const std::string& target, std::string_view,
                            std::string_view body) override {
    requests.push_back(std::string(method) + ' ' + target);
    bodies.emplace_back(body);
    if (answers.empty()) return fail(ErrorCode::kInternal, "no answer is lined up");
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  std::deque<Result<HttpReply>> answers;
  std::vector<std::string> requests, bodies;
};

struct Fixture {
  FakeServer server;
  std::vector<milliseconds> pauses;
  std::vector<std::string> told;
  std::size_t retries = 0;
  std::stop_source stop;

  Producer producer(ProducerOptions options = {}) {
    options.topic = "t";
    options.id = "id-1";
    options.tell = [this](const std::string& text) { told.push_back(text); };
    options.retrying = [this] { ++retries; };
    options.pause = [this](milliseconds time, const std::stop_token&) { pauses.push_back(time); };
    return {server, options};
  }
};

const auto kNoConnection = [] { return fail(ErrorCode::kUnavailable, "no answer: refused"); };

TEST(Producer, NumbersRecordsOverBatches) {
  Fixture f;
  Producer producer = f.producer({.key_field = "user.id"});
  f.server.answers = {ok(kStored), ok(kStored)};
  ASSERT_TRUE(producer.send("1\n2\n", 2, {}));
  const auto report = producer.send("3\n4\n", 2, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->accepted, 2U);
  EXPECT_EQ(f.server.requests,
            (std::vector<std::string>{
                "POST /topics/t/records?producer=id-1&sequence=0&key-field=user.id",
                "POST /topics/t/records?producer=id-1&sequence=2&key-field=user.id"}));
  EXPECT_EQ(producer.next_sequence(), 4U);
}

TEST(Producer, TemporaryFailuresAreRetriedWithTheSameNumbers) {
  Fixture f;
  Producer producer = f.producer();
  f.server.answers = {kNoConnection(), failure(503, "closed"), failure(507, "disk_full"),
                      failure(429, "unavailable"), ok(kStored)};
  const auto report = producer.send("1\n2\n", 2, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->retries, 4U);
  EXPECT_EQ(f.retries, 4U);
  EXPECT_EQ(f.server.requests.size(), 5U);
  for (const std::string& request : f.server.requests) EXPECT_EQ(request, f.server.requests[0]);
  for (const std::string& body : f.server.bodies) EXPECT_EQ(body, "1\n2\n");
  EXPECT_EQ(f.pauses, (std::vector<milliseconds>{milliseconds(50), milliseconds(100),
                                                 milliseconds(200), milliseconds(400)}));
  ASSERT_EQ(f.told.size(), 2U) << "once that it is gone, once that it is back";
  EXPECT_NE(f.told[1].find("back"), std::string::npos);
}

TEST(Producer, WhoSendsTooMuchWaitsAsLongAsToldAndSaysSoOnce) {
  Fixture f;
  Producer producer = f.producer();
  HttpReply much = failure(429, "quota_exceeded");
  much.retry_after = std::chrono::seconds(40);
  f.server.answers = {much, much, ok(kStored), much, ok(kStored)};
  ASSERT_TRUE(producer.send("1\n2\n", 2, {})) << "its patience is for silence";
  ASSERT_TRUE(producer.send("3\n4\n", 2, {}));
  EXPECT_EQ(f.pauses, std::vector<milliseconds>(3, milliseconds(40'000)));
  ASSERT_EQ(f.told.size(), 1U);
  EXPECT_NE(f.told[0].find("going on as fast as that allows"), std::string::npos);
}

TEST(Producer, PausesAreBounded) {
  Fixture f;
  Producer producer = f.producer();
  for (int i = 0; i < 20; ++i) f.server.answers.emplace_back(kNoConnection());
  f.server.answers.emplace_back(ok(kStored));
  ASSERT_TRUE(producer.send("1\n2\n", 2, {}));
  EXPECT_EQ(f.pauses.back(), milliseconds(2000));
  EXPECT_EQ(f.told.size(), 2U);
}

TEST(Producer, FinalErrorsAreNotRetried) {
  struct Case {
    int status;
    const char* code;
    ErrorCode expected;
  };
  for (const Case& c : {Case{404, "topic_not_found", ErrorCode::kTopicNotFound},
                        Case{501, "internal", ErrorCode::kInternal},
                        Case{400, "invalid_argument", ErrorCode::kInvalidArgument},
                        Case{413, "payload_too_large", ErrorCode::kPayloadTooLarge}}) {
    Fixture f;
    Producer producer = f.producer();
    f.server.answers = {failure(c.status, c.code)};
    const auto report = producer.send("1\n2\n", 2, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, c.expected);
    EXPECT_EQ(report.error().message, std::string("it says ") + c.code);
    EXPECT_EQ(producer.next_sequence(), 0U);
  }
}

TEST(Producer, ACertificateThatIsRefusedIsFinal) {
  Fixture f;
  Producer producer = f.producer();
  f.server.answers = {fail(ErrorCode::kInvalidArgument, "not to be trusted")};
  const auto report = producer.send("1\n2\n", 2, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message, "not to be trusted");
}

TEST(Producer, StopAndPatienceEndRetries) {
  Fixture stopped;
  Producer first = stopped.producer();
  stopped.server.answers = {kNoConnection()};
  stopped.stop.request_stop();
  const auto report = first.send("1\n2\n", 2, stopped.stop.get_token());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kUnavailable);

  Fixture patient;
  Producer second = patient.producer({.patience = milliseconds(300)});
  for (int i = 0; i < 9; ++i) patient.server.answers.emplace_back(kNoConnection());
  EXPECT_FALSE(second.send("1\n2\n", 2, {}));
  EXPECT_EQ(patient.pauses.size(), 3U) << "50 + 100 + 200 ms";
}

TEST(Producer, ABatchInFlightIsFinishedAfterStop) {
  Fixture f;
  Producer producer = f.producer();
  f.server.answers = {ok(kStored)};
  f.stop.request_stop();
  EXPECT_TRUE(producer.send("1\n2\n", 2, f.stop.get_token()));
}

TEST(Producer, RejectedRecordsAreReportedAndCounted) {
  Fixture f;
  Producer producer = f.producer();
  f.server.answers = {
      ok(R"({"accepted":1,"duplicates":0,"rejected":1,"errors":[{"index":1,"field":"a.b","code":"wrong_type","message":"must be a string"}]})"),
      HttpReply{.status = 400,
                .body = R"({"accepted":0,"duplicates":0,"rejected":2,"errors":[]})"}};
  const auto some = producer.send("1\n2\n", 2, {});
  ASSERT_TRUE(some);
  ASSERT_EQ(some->errors.size(), 1U);
  EXPECT_EQ(some->errors[0].index, 1U);
  EXPECT_EQ(some->errors[0].field, "a.b");
  EXPECT_EQ(some->errors[0].message, "must be a string");
  const auto all = producer.send("1\n2\n", 2, {});
  ASSERT_TRUE(all) << "400 with a report: nothing was good";
  EXPECT_EQ(all->rejected, 2U);
  EXPECT_EQ(producer.next_sequence(), 4U) << "rejected records have numbers too";
}

TEST(Producer, ResumesWhereTheServerStands) {
  Fixture f;
  Producer producer = f.producer();
  f.server.answers = {ok(R"({"next_sequence":1200})"), ok(kStored)};
  const auto next = producer.resume({});
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, 1200U);
  ASSERT_TRUE(producer.send("1\n2\n", 2, {}));
  EXPECT_EQ(f.server.requests[0], "GET /topics/t/producers/id-1");
  EXPECT_NE(f.server.requests[1].find("sequence=1200"), std::string::npos);
}

TEST(Producer, AServerThatForgotARandomProducerGetsANewOne) {
  Fixture f;
  Producer producer = f.producer({.id_is_random = true});
  f.server.answers = {ok(kStored), failure(409, "sequence_gap"), ok(R"({"next_sequence":0})"),
                      ok(kStored)};
  ASSERT_TRUE(producer.send("1\n2\n", 2, {}));
  ASSERT_TRUE(producer.send("3\n4\n", 2, {}));
  EXPECT_EQ(f.server.bodies.back(), "3\n4\n");
  EXPECT_NE(f.server.requests.back().find("sequence=0"), std::string::npos);
  EXPECT_NE(producer.id(), "id-1");
  EXPECT_EQ(f.told.size(), 1U);
}

TEST(Producer, AServerThatForgotAGivenProducerIsAnError) {
  Fixture f;
  Producer producer = f.producer();
  f.server.answers = {ok(kStored), failure(409, "sequence_gap"), ok(R"({"next_sequence":0})")};
  ASSERT_TRUE(producer.send("1\n2\n", 2, {}));
  const auto report = producer.send("3\n4\n", 2, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kSequenceGap);
}

}  // namespace
}  // namespace gameflow::client
