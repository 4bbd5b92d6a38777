#include "connect/support/tcp_stream.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Endpoint {
  std::string host, port;
};

Endpoint endpoint_of(std::string_view address, std::string_view default_port) {
  const auto wrong = [&] {
    return std::runtime_error(
        fmt::format("'{}' is no address: write HOST:PORT, as 127.0.0.1:2003", address));
  };
  std::string_view host = address, port = default_port;
  if (address.starts_with('[')) {
    const std::size_t end = address.find(']');
    if (end == std::string_view::npos) throw wrong();
    host = address.substr(1, end - 1);
    address.remove_prefix(end + 1);
    if (address.starts_with(':')) port = address.substr(1);
  } else if (const std::size_t colon = address.find(':'); colon != std::string_view::npos) {
    host = address.substr(0, colon);
    port = address.substr(colon + 1);
  }
  const bool is_number = !port.empty() && port.find_first_not_of("0123456789") == std::string::npos;
  if (host.empty() || !is_number || port.size() > 5) throw wrong();
  return {std::string(host), std::string(port)};
}

}  // namespace

TcpStream::TcpStream(std::string_view address, std::string_view default_port,
                     std::chrono::milliseconds timeout, Host& host)
    : address_(address), timeout_(timeout), host_(host) {
  const Endpoint endpoint = endpoint_of(address, default_port);
  const addrinfo wanted{.ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (const int code = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &wanted, &found))
    throw Retry(fmt::format("{} is not found: {}", address_, ::gai_strerror(code)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  std::string problem;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    socket_ = FileHandle(
        ::socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol));
    if (::connect(socket_.get(), a->ai_addr, a->ai_addrlen) == 0) return;
    if (errno == EINPROGRESS) {
      wait_for(POLLOUT, "no connection");
      int code = 0;
      socklen_t size = sizeof code;
      ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
      if (code == 0) return;
      errno = code;
    }
    problem = std::strerror(errno);
  }
  throw Retry(fmt::format("{} does not answer: {}", address_, problem));
}

void TcpStream::fail(std::string_view what) const {
  throw Retry(fmt::format("{}: {}", address_, what));
}

void TcpStream::wait_for(short events, std::string_view what) {
  const auto deadline = steady_clock::now() + timeout_;
  while (true) {
    pollfd one{.fd = socket_.get(), .events = events, .revents = 0};
    if (::poll(&one, 1, static_cast<int>(kSlice / 1ms)) > 0) return;
    if (host_.is_stopping()) fail("stopped while it was waited for");
    if (steady_clock::now() > deadline)
      fail(fmt::format("{} for {} s", what,
                       std::chrono::duration_cast<std::chrono::seconds>(timeout_).count()));
  }
}

// Whatever it says is thrown away; that it ends the connection is not.
void TcpStream::check_alive() {
  std::array<char, 4096> ignored{};
  while (true) {
    const ssize_t count = ::recv(socket_.get(), ignored.data(), ignored.size(), 0);
    if (count > 0) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    fail(count == 0 ? "it ended the connection" : std::strerror(errno));
  }
}

void TcpStream::send(std::string_view bytes) {
  check_alive();
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(POLLOUT, "it has taken nothing");
    } else if (errno != EINTR) {
      fail(std::strerror(errno));
    }
  }
}

void TcpStream::wait_until_received() {
  const auto deadline = steady_clock::now() + timeout_;
  for (auto pause = 100us; true; pause = std::min<std::chrono::microseconds>(2 * pause, 20ms)) {
    int waiting = 0;
    if (::ioctl(socket_.get(), SIOCOUTQ, &waiting) != 0) fail(std::strerror(errno));
    if (waiting == 0) break;
    if (steady_clock::now() > deadline) fail("it does not acknowledge what was sent");
    if (host_.is_stopping()) fail("stopped before it acknowledged what was sent");
    std::this_thread::sleep_for(pause);
  }
  check_alive();
}

}  // namespace gameflow::connect
