// For the tests here: a server over topics in memory, and a client that sends any bytes.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "http/server_state.h"
#include "log/memory/memory_store.h"

namespace gameflow::http::test {

inline constexpr Timestamp kNow{1'731'406'530'000};

// A server on a free port, with topics only.
struct TestServer {
  ManualClock clock{kNow};
  std::unique_ptr<log::MemoryStore> store;
  api::Api api{*store, nullptr, clock};
  std::unique_ptr<Server> server;

  explicit TestServer(ServerOptions options = {}, const SessionLimits& limits = {},
                      const log::MemoryOptions& memory = {})
      : store(log::make_memory_store(clock, memory)) {
    options.port = 0;
    auto listening = listen_with_limits(api, options, limits);
    if (!listening) throw std::runtime_error(listening.error().message);
    server = std::move(*listening);
    server->start();
  }

  void topic(const std::string& name, std::uint32_t partitions = 1) {
    log::TopicConfig config;
    config.name = name;
    config.partitions = partitions;
    ASSERT_TRUE(store->create_topic(config));
  }

  // Appends one batch of the values, with times from kNow on.
  void append(const std::string& name, const std::vector<std::string>& values,
              std::uint32_t partition = 0) {
    log::Commit commit;
    log::Append append{store->topic(name)->id, partition, {}};
    for (const auto& value : values) append.batch.add(kNow, std::nullopt, value);
    commit.appends.push_back(std::move(append));
    ASSERT_TRUE(store->commit(std::move(commit)));
  }
};

struct Response {
  unsigned status = 0;
  std::string header, body;

  bool has(std::string_view text) const {
    return header.find(text) != std::string::npos || body.find(text) != std::string::npos;
  }
};

// A blocking socket. Reading gives up after 20 s, so that a mistake fails and does not hang.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect");
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { ::close(socket_); }

  // False where the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  // One response; status 0 where the connection ends before it is complete.
  Response receive(bool head = false) {
    Response response;
    std::size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos)
      if (!receive_more()) return response;
    response.header = take(end + 4);
    std::size_t length = 0;
    if (const auto at = response.header.find("Content-Length: "); at != std::string::npos && !head)
      length = std::stoul(response.header.substr(at + 16));
    while (received_.size() < length)
      if (!receive_more()) return response;
    response.body = take(length);
    response.status = static_cast<unsigned>(std::stoul(response.header.substr(9, 3)));
    return response;
  }
  std::vector<Response> receive_all() {
    std::vector<Response> all;
    for (;;) {
      all.push_back(receive());
      if (all.back().status != 0) continue;
      all.pop_back();
      return all;
    }
  }
  // True once something has come, false where the connection ends before.
  bool wait() { return !received_.empty() || receive_more(); }
  // True once the server closes the connection and nothing more comes.
  bool closed() { return received_.empty() && !receive_more(); }

 private:
  bool receive_more() {
    char bytes[16384];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size > 0) received_.append(bytes, static_cast<std::size_t>(size));
    return size > 0;
  }
  std::string take(std::size_t size) {
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }

  int socket_;
  std::string received_;
};

// A request with a Host header and, where there is a body, its length.
inline std::string http(std::string_view method_and_target, std::string_view headers = "",
                        std::string_view body = "") {
  std::string text(method_and_target);
  text += " HTTP/1.1\r\nHost: localhost\r\n";
  text += headers;
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text += "\r\n";
  text += body;
  return text;
}

inline Response ask(const TestServer& server, std::string_view request, bool head = false) {
  RawClient client(server.server->port());
  client.send(request);
  return client.receive(head);
}

}  // namespace gameflow::http::test
