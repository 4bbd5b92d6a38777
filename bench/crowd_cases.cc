// Ten thousand WebSockets on one topic, as dashboards follow it: each gets every record, in order,
// and costs little memory. The server is the program, so that its memory is its own.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"
#include "program.h"
#include "report.h"
#include "world.h"

namespace gameflow::bench {
namespace {

constexpr std::string_view kDataflow = R"(apiVersion: 0.6.0
meta: { name: crowd, version: 0.1.0 }
types:
  shot:
    type: object
    properties: { number: { type: i64 }, said: { type: string } }
topics:
  shots: { schema: { value: { type: shot } }, partitions: 1 }
)";
constexpr std::string_view kUpgrade =
    "GET /ws/shots?offset=end HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
constexpr std::string_view kPing("\x89\0", 2), kPong("\x8a\x80\0\0\0\0", 6);
constexpr std::string_view kNumber = R"({"number":)";
constexpr int kPatienceMs = 60'000;
// Of a process besides its clients.
constexpr std::size_t kOtherFiles = 100;

void expect(bool is_so, const std::string& what) {
  if (!is_so) throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

// Raises it as far as the system lets us.
std::size_t open_files_max() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

// One WebSocket, read to the record that it must get next.
class Follower {
 public:
  explicit Follower(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    expect(socket_ >= 0 && ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0,
           "cannot connect");
    expect(::send(socket_, kUpgrade.data(), kUpgrade.size(), 0) > 0, "cannot ask");
    while (rest_.find("\r\n\r\n") == std::string::npos) receive();
    if (!rest_.starts_with("HTTP/1.1 101 ")) throw std::runtime_error(rest_);
    rest_.erase(0, rest_.find("\r\n\r\n") + 4);
  }
  ~Follower() { ::close(socket_); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  int socket() const { return socket_; }
  std::uint64_t next() const { return next_; }
  void begin_at(std::uint64_t number) { next_ = number; }

  // What has come.
  void take() {
    receive();
    std::string_view left = rest_;
    while (left.size() >= 4 || left == kPing) {
      if (left.starts_with(kPing)) {
        expect(::send(socket_, kPong.data(), kPong.size(), 0) > 0, "cannot say pong");
        left.remove_prefix(kPing.size());
        continue;
      }
      // Whole messages of text, not masked, of less than 64 KiB.
      if (left[0] != '\x81') throw std::runtime_error(fmt::format("no message, but: {}", left));
      const bool is_long = left[1] == 126;
      const std::size_t head = is_long ? 4 : 2;
      const auto byte = [left](std::size_t i) { return static_cast<unsigned char>(left[i]); };
      const std::size_t size = is_long ? byte(2) * 256U + byte(3) : byte(1);
      if (left.size() < head + size) break;
      check(left.substr(head, size));
      left.remove_prefix(head + size);
    }
    rest_.erase(0, rest_.size() - left.size());
  }

 private:
  void receive() {
    static std::vector<char> buffer(64U << 10);
    const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    expect(got > 0, "the connection has ended");
    rest_.append(buffer.data(), static_cast<std::size_t>(got));
  }
  void check(std::string_view message) {
    if (message.starts_with(kNumber) &&
        std::strtoull(message.data() + kNumber.size(), nullptr, 10) == next_) {
      ++next_;
      return;
    }
    throw std::runtime_error(fmt::format("not record {}, but: {}", next_, message));
  }

  const int socket_;
  std::uint64_t next_ = 0;
  std::string rest_;
};

class Crowd {
 public:
  explicit Crowd(std::size_t followers) : size_(followers) {
    std::ofstream(folder_.path / "dataflow.yaml") << kDataflow;
    program_ = std::make_unique<Program>(
        std::vector<std::string>{gameflow_program(), "run", folder_.path / "dataflow.yaml",
                                 "--data", folder_.path / "data", "--cache", folder_.path / "cache",
                                 "--listen", "127.0.0.1:0"},
        folder_.path / "log");
    const std::uint16_t port = program_->read_port();
    producer_ = std::make_unique<Client>(port);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    send(100);  // what the server needs for any client it has then
    before_ = resident();
    for (std::size_t i = 0; i < size_; ++i) {
      followers_.push_back(std::make_unique<Follower>(port));
      followers_.back()->begin_at(sent_);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = followers_.back().get()}};
      expect(::epoll_ctl(epoll_, EPOLL_CTL_ADD, followers_.back()->socket(), &event) == 0, "epoll");
    }
  }
  ~Crowd() { ::close(epoll_); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Sends `records`, each in a request of its own; returns once all have all of them.
  void follow(std::size_t records) {
    std::vector<epoll_event> events(1'000);
    std::size_t behind = size_;
    const std::uint64_t end = sent_ + records;
    while (behind > 0) {
      if (sent_ < end) send(1);
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kPatienceMs);
      if (count <= 0) throw std::runtime_error(fmt::format("{} got nothing more", behind));
      for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count))) {
        auto& follower = *static_cast<Follower*>(event.data.ptr);
        const bool was_behind = follower.next() < end;
        follower.take();
        if (was_behind && follower.next() == end) --behind;
      }
    }
  }

  // At the most, since the first of them came.
  double bytes_per_follower() const {
    return static_cast<double>(resident() - before_) / static_cast<double>(size_);
  }
  std::size_t size() const { return size_; }

 private:
  void send(std::size_t count) {
    for (; count > 0; --count) {
      producer_->exchange(post_request(
          "/topics/shots/records", "application/x-ndjson",
          fmt::format("{}{},\"said\":\"{}\"}}\n", kNumber, sent_++, std::string(200, 'x'))));
    }
  }
  // The server's memory at its highest.
  std::size_t resident() const { return program_->resident_bytes_max(); }

  const std::size_t size_;
  const TemporaryFolder folder_;
  std::unique_ptr<Program> program_;
  std::unique_ptr<Client> producer_;
  std::vector<std::unique_ptr<Follower>> followers_;
  int epoll_ = -1;
  std::uint64_t sent_ = 0;
  std::size_t before_ = 0;
};

Body prepare_crowd(const Setting& setting) {
  use_all_cores();
  const std::size_t followers = setting.quick ? 200 : 10'000;
  const std::size_t files = open_files_max();
  if (files < followers + kOtherFiles) {
    throw CannotRun(fmt::format("only {} files may be open; ulimit -n", files));
  }
  const auto crowd = std::make_shared<Crowd>(followers);
  return [crowd, records = setting.quick ? 10U : 100U] {
    const double seconds = seconds_of([&] { crowd->follow(records); });
    return std::vector{Sample{static_cast<double>(crowd->size() * records) / seconds},
                       Sample{crowd->bytes_per_follower()}};
  };
}

}  // namespace

void add_crowd_cases(Cases& cases) {
  using enum Target::Better;
  cases.push_back(
      {.name = "follow/crowd",
       .figures = {{"", "messages/s", ""}, {"/memory", "B", "", Target{kLower, 16'384}}},
       .repetitions = 3,
       .prepare = prepare_crowd});
}

}  // namespace gameflow::bench
