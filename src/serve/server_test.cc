// A server over a table of routes of its own: replies, streams, limits, stopping. What a header may
// look like is in src/http/wire_test.cc.
#include "serve/server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "serve/serve_test_util.h"

namespace gameflow::serve::test {
namespace {

using namespace std::chrono_literals;

// Texts that all clients are sent from the first on. Ends with `finish`, breaks off with `fail`.
class Texts {
 public:
  void add(std::string text) {
    const MutexLock lock(mutex_);
    texts_.push_back(std::make_unique<std::string>(std::move(text)));
    wake();
  }
  void finish() { end_with(Message::Kind::kEnd); }
  void break_off() {
    const MutexLock lock(mutex_);
    broken_ = true;
    wake();
  }
  // How many messages were asked for and given, by all clients.
  std::size_t given() const { return given_; }
  bool is_followed() {
    const MutexLock lock(mutex_);
    return std::ranges::any_of(waiters_, [](const auto& waiter) { return !waiter.expired(); });
  }

  std::unique_ptr<Messages> open(const std::shared_ptr<Waiter>& waiter) {
    const MutexLock lock(mutex_);
    waiters_.push_back(waiter);
    return std::make_unique<Cursor>(*this);
  }

 private:
  class Cursor final : public Messages {
   public:
    explicit Cursor(Texts& texts) : texts_(texts) {}
    Result<Message> next() override { return texts_.at(index_); }

   private:
    Texts& texts_;
    std::size_t index_ = 0;
  };

  Result<Message> at(std::size_t& index) {
    const MutexLock lock(mutex_);
    if (index < texts_.size()) {
      ++given_;
      return Message{Message::Kind::kText, *texts_[index++]};
    }
    if (broken_) return fail(ErrorCode::kOffsetOutOfRange, "gone");
    return Message{end_, ""};
  }
  void end_with(Message::Kind kind) {
    const MutexLock lock(mutex_);
    end_ = kind;
    wake();
  }
  void wake() GF_REQUIRES(mutex_) {
    for (const auto& waiter : waiters_)
      if (const auto waiting = waiter.lock()) waiting->wake();
  }

  Mutex mutex_;
  std::vector<std::unique_ptr<std::string>> texts_ GF_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Waiter>> waiters_ GF_GUARDED_BY(mutex_);
  Message::Kind end_ GF_GUARDED_BY(mutex_) = Message::Kind::kNone;
  bool broken_ GF_GUARDED_BY(mutex_) = false;
  std::atomic<std::size_t> given_ = 0;
};

struct SmallServer {
  Texts texts;
  std::unique_ptr<Server> server;

  explicit SmallServer(ServerOptions options = {}) {
    options.port = 0;
    options.threads = 2;
    const auto open =
        [this](const Call& call,
               const std::shared_ptr<Waiter>& waiter) -> tl::expected<Stream::Opened, Reply> {
      if (call.request.parameter("refuse")) return tl::unexpected(error_reply(410, "gone", "no"));
      return Stream::Opened{texts.open(waiter), "text/plain", {{"X-Number", "7"}}};
    };
    const auto echo = [](const Call& call) {
      Reply reply;
      reply.body = std::string(call.request.other_header("X-Any")) + std::string(call.request.body);
      return reply;
    };
    auto listening = Server::listen(
        options, {Route{Method::kGet, "/stream", Access::kOpen, "refuse", Stream{open}},
                  Route{Method::kPost, "/echo", Access::kOpen, "", Quick{echo}, Body::kAny}});
    if (!listening) throw std::runtime_error(listening.error().message);
    server = std::move(*listening);
    server->start();
  }

  Response ask(std::string_view request) const {
    RawClient client(server->port());
    client.send(request);
    return client.receive();
  }
};

TEST(Server, AnyHeaderAndAnyType) {
  const SmallServer small;
  const Response reply =
      small.ask(http("POST /echo", "x-any: 5\r\nContent-Type: image/png\r\n", "body"));
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body, "5body");
  EXPECT_TRUE(small.ask(http("GET /")).has("GET / lists the routes"));
}

TEST(Stream, ChunksAndTheLastOne) {
  SmallServer small;
  small.texts.add("one\n\n");
  RawClient client(small.server->port());
  client.send(http("GET /stream"));
  const Response head = client.receive();
  EXPECT_EQ(head.status, 200U);
  EXPECT_TRUE(head.has("Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(head.has("X-Number: 7\r\n"));
  EXPECT_TRUE(head.has("Content-Type: text/plain\r\n"));
  EXPECT_FALSE(head.has("Content-Length"));
  EXPECT_EQ(client.receive_until("\n\n\r\n"), "5\r\none\n\n\r\n");
  small.texts.add(std::string(20, 'x'));  // after a wait
  small.texts.finish();
  EXPECT_EQ(client.receive_rest(), "14\r\n" + std::string(20, 'x') + "\r\n0\r\n\r\n");
}

TEST(Stream, WithoutChunksInHttp10) {
  SmallServer small;
  small.texts.add("one\n");
  small.texts.add("two\n");
  small.texts.finish();
  RawClient client(small.server->port());
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(client.receive().has("chunked"));
  EXPECT_EQ(client.receive_rest(), "one\ntwo\n");
}

TEST(Stream, BrokenOffHasNoLastChunk) {
  SmallServer small;
  small.texts.add("one\n");
  small.texts.break_off();
  RawClient client(small.server->port());
  client.send(http("GET /stream"));
  client.receive();
  EXPECT_EQ(client.receive_rest(), "4\r\none\n\r\n");
}

TEST(Stream, WhoGoesAwayIsLetGoThoughThereIsNothingToSend) {
  SmallServer small;
  {
    RawClient gone(small.server->port());
    gone.send(http("GET /stream"));
    gone.receive();
    while (!small.texts.is_followed()) std::this_thread::sleep_for(1ms);
  }
  while (small.texts.is_followed()) std::this_thread::sleep_for(1ms);
  RawClient half(small.server->port());
  half.send(http("GET /stream"));
  half.receive();
  half.finish_sending();
  EXPECT_EQ(half.receive_rest(), "");
}

TEST(Stream, WhoSaysMoreIsNotListenedTo) {
  SmallServer small;
  RawClient client(small.server->port());
  client.send(http("GET /stream") + http("GET /stream"));
  client.receive();
  client.send("more");
  for (const char* text : {"one\n", "two\n"}) {
    small.texts.add(text);
    client.receive_until(text);
  }
  small.texts.finish();
  EXPECT_EQ(client.receive_rest(), "\r\n0\r\n\r\n");
}

TEST(Stream, RefusedAndHead) {
  SmallServer small;
  EXPECT_EQ(small.ask(http("GET /stream?refuse=1")).status, 410U);
  EXPECT_EQ(small.ask(http("POST /stream")).status, 405U);
  RawClient client(small.server->port());
  client.send(http("HEAD /stream"));
  EXPECT_TRUE(client.receive().has("X-Number: 7"));
  EXPECT_EQ(client.receive_rest(), "");
}

TEST(Stream, WhoReadsNothingDelaysNobodyAndIsPulledNoMore) {
  ServerOptions options;
  options.limits.write_time_max = 60s;
  SmallServer small(options);
  for (int i = 0; i < 400; ++i) small.texts.add(std::string(100'000, 'x'));
  small.texts.finish();
  RawClient slow(small.server->port());
  slow.send(http("GET /stream"));
  EXPECT_TRUE(slow.wait());
  RawClient fast(small.server->port());
  fast.send(http("GET /stream"));
  fast.receive();
  EXPECT_GT(fast.receive_rest().size(), 40'000'000U);
  // What the slow one has not read was not pulled either: socket buffers are some megabytes.
  EXPECT_LT(small.texts.given(), 400U + 200U);
  slow.receive();
  EXPECT_TRUE(slow.receive_rest().ends_with("0\r\n\r\n"));
}

// Until no more of the stream fits into the buffers of the one who reads nothing.
void wait_until_stuck(SmallServer& small) {
  while (small.texts.given() == 0) std::this_thread::sleep_for(1ms);
  for (std::size_t before = 0; before != small.texts.given(); std::this_thread::sleep_for(500ms))
    before = small.texts.given();
}

TEST(Stream, WhoReadsNothingForTooLongIsLetGo) {
  ServerOptions options;
  options.limits.write_time_max = 100ms;
  SmallServer small(options);
  for (int i = 0; i < 400; ++i) small.texts.add(std::string(100'000, 'x'));
  RawClient slow(small.server->port());
  slow.send(http("GET /stream"));
  wait_until_stuck(small);
  slow.receive();
  EXPECT_FALSE(slow.receive_rest().ends_with("0\r\n\r\n"));
}

TEST(Stream, EndsWithTheServer) {
  ServerOptions options;
  options.limits.linger_time_max = 100ms;
  SmallServer small(options);
  small.texts.add("one\n");
  RawClient waiting(small.server->port());
  waiting.send(http("GET /stream"));
  waiting.receive();
  waiting.receive_until("one\n\r\n");
  for (int i = 0; i < 400; ++i) small.texts.add(std::string(100'000, 'x'));
  RawClient stuck(small.server->port());  // reads nothing
  stuck.send(http("GET /stream"));
  EXPECT_TRUE(stuck.wait());
  wait_until_stuck(small);
  const auto begin = std::chrono::steady_clock::now();
  small.server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
  EXPECT_FALSE(stuck.receive_rest().ends_with("0\r\n\r\n"));
}

}  // namespace
}  // namespace gameflow::serve::test
