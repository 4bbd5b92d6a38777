// What the bytes of one connection come and go by: TCP, or TLS over it. The only one who knows
// which; sessions, WebSockets and endless replies read and write the same either way.
//
// Threads  those of the socket's strand.
// Errors   as of Asio. The end of what the client sends is asio::error::eof; over TLS also
//          stream_truncated, where the client did not say that it is the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include <boost/asio/async_result.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "serve/net.h"

namespace gameflow::serve {

// An AsyncReadStream and AsyncWriteStream of Asio; below a WebSocket of Beast, too. Over TCP an
// operation costs a branch more than one of the socket.
class Transport {
 public:
  using executor_type = Tcp::socket::executor_type;
  using Signature = void(ErrorOf, std::size_t);

  // Nothing but TCP yet.
  explicit Transport(Tcp::socket socket) : layer_(std::move(socket)) {}
  // What is left behind is a closed connection.
  Transport(Transport&& other) noexcept
      : layer_(std::exchange(other.layer_, Layer(Tcp::socket(other.get_executor())))) {}
  Transport& operator=(Transport&&) = delete;

  executor_type get_executor() { return next_layer().get_executor(); }
  // To set options, to cancel what it waits for, to close it. Another one after start_tls().
  Tcp::socket& next_layer() {
    if (auto* const tls = std::get_if<Tls>(&layer_)) return (*tls)->next_layer();
    return std::get<Tcp::socket>(layer_);
  }
  bool is_tls() const { return std::holds_alternative<Tls>(layer_); }

  enum class Begins : std::uint8_t { kTls, kOtherwise, kNever };
  // How a client begins, once it does: the bytes stay to be read. kNever: it is gone.
  asio::awaitable<Begins> listen();
  // From now on TLS. On failure the connection is of no use any more.
  asio::awaitable<ErrorOf> start_tls(asio::ssl::context& context);
  // Says that nothing more will be sent. Over TLS the client then says the same: until it does, or
  // what this waits for is cancelled.
  asio::awaitable<void> finish_sending();

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, Signature>(
        [this](auto handler, const Buffers& to) {
          if (auto* const tls = std::get_if<Tls>(&layer_))
            (*tls)->async_read_some(to, std::move(handler));
          else
            std::get<Tcp::socket>(layer_).async_read_some(to, std::move(handler));
        },
        token, buffers);
  }
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_initiate<Token, Signature>(
        [this](auto handler, const Buffers& from) {
          if (auto* const tls = std::get_if<Tls>(&layer_))
            (*tls)->async_write_some(from, std::move(handler));
          else
            std::get<Tcp::socket>(layer_).async_write_some(from, std::move(handler));
        },
        token, buffers);
  }

  // How Beast ends a WebSocket that has said good-bye.
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, Transport& transport,
                             Handler&& handler) {
    using boost::beast::async_teardown;
    using boost::beast::websocket::async_teardown;
    if (auto* const tls = std::get_if<Tls>(&transport.layer_))
      async_teardown(role, **tls, std::forward<Handler>(handler));
    else
      async_teardown(role, std::get<Tcp::socket>(transport.layer_), std::forward<Handler>(handler));
  }

 private:
  // On the heap: with its buffers it has 35 KB, which connections without TLS do without.
  using Tls = std::unique_ptr<asio::ssl::stream<Tcp::socket>>;
  using Layer = std::variant<Tcp::socket, Tls>;

  Layer layer_;
};

}  // namespace gameflow::serve
