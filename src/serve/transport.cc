#include "serve/transport.h"

#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace gameflow::serve {

asio::awaitable<Transport::Begins> Transport::listen() {
  constexpr unsigned char kHandshakeRecord = 22;  // RFC 8446, 5.1; no request of HTTP begins so
  Tcp::socket& socket = next_layer();
  ErrorOf error;
  co_await socket.async_wait(Tcp::socket::wait_read,
                             asio::redirect_error(asio::use_awaitable, error));
  std::array<unsigned char, 1> first{};
  if (!error) socket.receive(asio::buffer(first), Tcp::socket::message_peek, error);
  if (error) co_return Begins::kNever;
  co_return first[0] == kHandshakeRecord ? Begins::kTls : Begins::kOtherwise;
}

asio::awaitable<ErrorOf> Transport::start_tls(asio::ssl::context& context) {
  Tcp::socket socket = std::move(std::get<Tcp::socket>(layer_));
  layer_ = std::make_unique<asio::ssl::stream<Tcp::socket>>(std::move(socket), context);
  ErrorOf error;
  co_await std::get<Tls>(layer_)->async_handshake(asio::ssl::stream_base::server,
                                                  asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

asio::awaitable<void> Transport::finish_sending() {
  ErrorOf ignored;
  if (auto* const tls = std::get_if<Tls>(&layer_))
    co_await (*tls)->async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
  next_layer().shutdown(Tcp::socket::shutdown_send, ignored);
}

}  // namespace gameflow::serve
