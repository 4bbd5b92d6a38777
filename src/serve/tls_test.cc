// A server that speaks TLS: its certificate and what is wrong with one, and that requests and
// endless replies are the same as without.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/mutex.h"
#include "serve/serve_test_util.h"
#include "serve/server.h"
#include "serve/tls_test_util.h"

namespace gameflow::serve::test {
namespace {

using namespace std::chrono_literals;

// Says "one", and then nothing until `ends`.
class OneText final : public Messages {
 public:
  OneText(std::atomic<int>& open, const std::atomic<bool>& ends) : open_(open), ends_(ends) {
    ++open_;
  }
  ~OneText() override { --open_; }
  Result<Message> next() override {
    if (!std::exchange(is_said_, true)) return Message{Message::Kind::kText, "one\n"};
    return Message{ends_ ? Message::Kind::kEnd : Message::Kind::kNone, ""};
  }

 private:
  std::atomic<int>& open_;
  const std::atomic<bool>& ends_;
  bool is_said_ = false;
};

class TlsServer : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    make_certificate(folder_, "first");
    use("first");
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }
  // What the server's files hold from now on.
  void use(const std::string& name) {
    for (const char* ending : {".pem", ".key"})
      std::filesystem::copy_file(folder_ / (name + ending), folder_ / (std::string("now") + ending),
                                 std::filesystem::copy_options::overwrite_existing);
  }
  void start(ServerOptions options = {}) {
    options.port = 0;
    options.threads = 2;
    options.tls = TlsFiles{folder_ / "now.pem", folder_ / "now.key"};
    const auto echo = [](const Call& call) {
      Reply reply;
      reply.body =
          std::string(call.request.is_tls ? "tls " : "plain ") + std::string(call.request.body);
      return reply;
    };
    const auto open =
        [this](const Call&,
               const std::shared_ptr<Waiter>& waiter) -> tl::expected<Stream::Opened, Reply> {
      const MutexLock lock(mutex_);
      waiters_.push_back(waiter);
      return Stream::Opened{std::make_unique<OneText>(streams_, ends_), "text/plain", {}};
    };
    auto listening =
        Server::listen(options, {Route{Method::kPost, "/echo", Access::kOpen, "", Quick{echo}},
                                 Route{Method::kGet, "/stream", Access::kOpen, "", Stream{open}}});
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
    server_->start();
  }
  void end_streams() {
    ends_ = true;
    const MutexLock lock(mutex_);
    for (const auto& waiter : waiters_) waiter->wake();
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("gameflow-tls-" + std::to_string(::getpid()));
  std::atomic<int> streams_ = 0;
  std::atomic<bool> ends_ = false;
  Mutex mutex_;
  std::vector<std::shared_ptr<Waiter>> waiters_ GF_GUARDED_BY(mutex_);
  std::unique_ptr<Server> server_;
};

TEST_F(TlsServer, RequestsOfOneConnection) {
  start();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server_->port(), version);
    ASSERT_TRUE(client.is_open());
    EXPECT_EQ(client.server_name(), "first");
    client.send(http("POST /echo", "", "body"));
    EXPECT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
    EXPECT_EQ(client.receive(8), "tls body");
    const std::string large(3'000'000, 'x');
    client.send(http("POST /echo", "Connection: close\r\n", large));
    EXPECT_TRUE(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
    EXPECT_EQ(client.receive_rest(), "tls " + large);
    EXPECT_TRUE(client.was_told_the_end());
  }
}

TEST_F(TlsServer, OldVersionsAreRefused) {
  start();
  EXPECT_FALSE(TlsClient(server_->port(), TLS1_1_VERSION).is_open());
}

TEST_F(TlsServer, WhoSpeaksHttpIsToldSo) {
  start();
  RawClient client(server_->port());
  client.send(http("POST /echo", "", "body"));
  const Response reply = client.receive();
  EXPECT_EQ(reply.status, 400U);
  EXPECT_TRUE(reply.has("this port speaks https"));
  EXPECT_TRUE(client.closed());
}

TEST_F(TlsServer, AHandshakeHasTheTimeOfAHeader) {
  ServerOptions options;
  options.limits.header_time_max = 50ms;
  start(options);
  for (const std::string_view begin : {std::string_view(), std::string_view("\x16\x03\x01", 3)}) {
    RawClient client(server_->port());
    client.send(begin);
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(TlsServer, WhatIsNoHandshakeEndsItsConnectionAlone) {
  start();
  RawClient client(server_->port());
  client.send("\x16" + std::string(100'000, 'x'));
  client.receive_rest();
  EXPECT_TRUE(TlsClient(server_->port()).is_open());
}

TEST_F(TlsServer, AStreamEndsAndIsLetGo) {
  start();
  {
    TlsClient gone(server_->port());
    gone.send(http("GET /stream"));
    gone.receive_until("one\n");
    EXPECT_EQ(streams_, 1);
  }
  TlsClient half(server_->port());
  half.send(http("GET /stream"));
  half.receive_until("one\n\r\n");
  half.finish_sending();
  while (streams_ > 0) std::this_thread::sleep_for(1ms);
  TlsClient follower(server_->port());
  follower.send(http("GET /stream"));
  follower.receive_until("one\n\r\n");
  end_streams();
  EXPECT_EQ(follower.receive_rest(), "0\r\n\r\n");
  EXPECT_TRUE(follower.was_told_the_end());
}

TEST_F(TlsServer, StopsWithIdleAndUnfinishedConnections) {
  ServerOptions options;
  options.limits.linger_time_max = 100ms;
  start(options);
  RawClient silent(server_->port());
  RawClient shaking(server_->port());
  shaking.send(std::string_view("\x16\x03\x01", 3));
  TlsClient idle(server_->port());
  TlsClient following(server_->port());
  following.send(http("GET /stream"));
  following.receive_until("one\n\r\n");
  server_->stop();
  EXPECT_EQ(following.receive_rest(), "0\r\n\r\n");
}

TEST_F(TlsServer, ConnectionsTooManyAreToldSoOverTls) {
  ServerOptions options;
  options.connections_max = 16;
  options.connections_per_address_max = 1;
  start(options);
  TlsClient first(server_->port());
  TlsClient second(server_->port());
  ASSERT_TRUE(second.is_open());
  EXPECT_TRUE(second.receive_rest().starts_with("HTTP/1.1 503"));
}

TEST_F(TlsServer, AnotherCertificateIsForNewConnections) {
  start();
  TlsClient before(server_->port());
  make_certificate(folder_, "second");
  use("second");
  ASSERT_TRUE(server_->reload_certificate());
  EXPECT_EQ(TlsClient(server_->port()).server_name(), "second");
  before.send(http("POST /echo", "", "still"));
  before.receive_until("\r\n\r\n");
  EXPECT_EQ(before.receive(9), "tls still");
  EXPECT_EQ(before.server_name(), "first");
  // One with mistakes changes nothing.
  std::ofstream(folder_ / "now.key") << "nothing";
  EXPECT_FALSE(server_->reload_certificate());
  EXPECT_EQ(TlsClient(server_->port()).server_name(), "second");
}

TEST_F(TlsServer, WhatIsWrongWithFilesIsSaid) {
  make_certificate(folder_, "second");
  make_certificate(folder_, "locked", -3'600, 86'400, "secret");
  make_certificate(folder_, "expired", -7'200, -3'600);
  make_certificate(folder_, "early", 3'600, 7'200);
  std::ofstream(folder_ / "text.pem") << "nothing";
  struct Case {
    const char *certificate, *key, *message;  // no message: it is taken
    ErrorCode code = ErrorCode::kInvalidArgument;
  };
  for (const Case& one : {
           Case{"first.pem", "first.key", ""},
           Case{"expired.pem", "expired.key", ""},
           Case{"early.pem", "early.key", ""},
           Case{"none.pem", "first.key", "none.pem, cannot be read: No such file",
                ErrorCode::kFileUnreadable},
           Case{"first.pem", "none.key", "none.key, cannot be read: No such file",
                ErrorCode::kFileUnreadable},
           Case{".", "first.key", "Is a directory", ErrorCode::kFileUnreadable},
           Case{"text.pem", "first.key", "text.pem holds no certificate in PEM"},
           Case{"first.key", "first.key", "first.key holds no certificate in PEM"},
           Case{"first.pem", "text.pem", "text.pem holds no private key in PEM"},
           Case{"first.pem", "first.pem", "first.pem holds no private key in PEM"},
           Case{"first.pem", "second.key", "is not that of the first certificate in"},
           Case{"locked.pem", "locked.key", "locked.key is encrypted"},
       }) {
    const auto opened = Certificate::open({folder_ / one.certificate, folder_ / one.key});
    const std::string message = opened ? "" : opened.error().message;
    EXPECT_EQ(opened.has_value(), std::string_view(one.message).empty()) << message;
    EXPECT_NE(message.find(one.message), std::string::npos) << message;
    EXPECT_TRUE(opened || opened.error().code == one.code);
  }
}

}  // namespace
}  // namespace gameflow::serve::test
