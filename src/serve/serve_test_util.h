// For tests of servers: a client that sends any bytes.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gameflow::serve::test {

struct Response {
  unsigned status = 0;
  std::string header, body;

  bool has(std::string_view text) const {
    return header.find(text) != std::string::npos || body.find(text) != std::string::npos;
  }
};

// A blocking socket. Reading gives up after 20 s, so that a mistake fails and does not hang.
inline int connect_to(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval patience{20, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
  return socket;
}

// Bytes over such a socket.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(connect_to(port)) {}
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
  // Bytes as they come, up to and with `end`, or up to the end of the connection.
  std::string receive_until(std::string_view end) {
    std::size_t at;
    while ((at = received_.find(end)) == std::string::npos)
      if (!receive_more()) return take(received_.size());
    return take(at + end.size());
  }
  std::string receive_rest() {
    while (receive_more()) continue;
    return take(received_.size());
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

}  // namespace gameflow::serve::test
