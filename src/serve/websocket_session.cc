#include "serve/websocket_session.h"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <spdlog/spdlog.h>

namespace gameflow::serve {

namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t kIncomingBytesMax = 64U << 10;
// Two coroutines on one strand: send() pulls messages and sends them, read() takes what the client
// sends (close and pong come that way, too). There is no queue: the next message is pulled when the
// last one is written.
class WebSocketSession final : public Session,
                               public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Upgrade&& upgrade, const SessionLimits& limits)
      : stream_(std::move(upgrade.transport)),
        messages_(std::move(upgrade.messages)),
        limits_(limits),
        signal_(std::move(upgrade.signal)) {}

  asio::awaitable<bool> accept(UpgradeRequest request);
  asio::awaitable<void> send();
  void stop() override;
  void abort() override;

 private:
  enum class State : std::uint8_t {
    kOpen,
    kStopping,  // say good-bye after the message that is being written
    kEnded,     // the other side is gone
  };

  void configure();
  asio::awaitable<void> read();
  asio::awaitable<void> close(websocket::close_code code, std::string_view reason);

  Tcp::socket& socket() { return stream_.next_layer().next_layer(); }

  websocket::stream<Transport> stream_;
  std::unique_ptr<Messages> messages_;
  const SessionLimits& limits_;
  std::shared_ptr<Signal> signal_;
  State state_ = State::kOpen;
};

void WebSocketSession::configure() {
  ErrorOf ignored;
  socket().set_option(Tcp::no_delay(true), ignored);
  socket().set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  stream_.set_option(websocket::stream_base::timeout{
      limits_.header_time_max, limits_.silence_time_max, /*keep_alive_pings=*/true});
  stream_.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    response.set(boost::beast::http::field::server, "gameflow");
  }));
  websocket::permessage_deflate deflate;
  deflate.server_enable = false;  // some 300 KB of memory for each client
  stream_.set_option(deflate);
  stream_.read_message_max(kIncomingBytesMax);
  stream_.auto_fragment(false);
  stream_.text(true);
}

asio::awaitable<bool> WebSocketSession::accept(UpgradeRequest request) {
  configure();
  ErrorOf error;
  co_await stream_.async_accept(request, asio::redirect_error(asio::use_awaitable, error));
  if (error) {
    spdlog::debug("http: a WebSocket was not opened: {}", error.message());
    co_return false;
  }
  asio::co_spawn(
      stream_.get_executor(), [self = shared_from_this()] { return self->read(); }, asio::detached);
  co_return true;
}

asio::awaitable<void> WebSocketSession::read() {
  boost::beast::flat_buffer buffer(kIncomingBytesMax + 1024);
  ErrorOf error;
  while (!error) {
    buffer.clear();
    co_await stream_.async_read(buffer, asio::redirect_error(asio::use_awaitable, error));
    if (error || state_ != State::kOpen) continue;
    messages_->receive({static_cast<const char*>(buffer.cdata().data()), buffer.size()});
    signal_->wake();
  }
  if (state_ == State::kOpen) state_ = State::kEnded;
  signal_->wake();
}

asio::awaitable<void> WebSocketSession::send() {
  while (state_ == State::kOpen) {
    const auto message = messages_->next();
    if (!message) {
      spdlog::warn("http: a WebSocket ends: {}", message.error().message);
      co_await close(websocket::close_code::internal_error, to_string(message.error().code));
      co_return;
    }
    if (message->kind == Message::Kind::kEnd) {
      co_await close(websocket::close_code::normal, message->text);
      co_return;
    }
    if (message->kind == Message::Kind::kUnwanted) {
      co_await close(websocket::close_code::unknown_data, message->text);
      co_return;
    }
    if (message->kind == Message::Kind::kNone) {
      co_await signal_->wait();
      continue;
    }
    ErrorOf error;
    co_await stream_.async_write(asio::buffer(message->text.data(), message->text.size()),
                                 asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return abort();
  }
  if (state_ == State::kStopping)
    co_await close(websocket::close_code::going_away, "the server stops");
}

asio::awaitable<void> WebSocketSession::close(websocket::close_code code, std::string_view reason) {
  ErrorOf error;
  const websocket::close_reason why(code, {reason.data(), reason.size()});
  co_await stream_.async_close(why, asio::redirect_error(asio::use_awaitable, error));
}

void WebSocketSession::stop() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    if (self->state_ == State::kOpen) self->state_ = State::kStopping;
    self->signal_->wake();
  });
}

void WebSocketSession::abort() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] {
    self->state_ = State::kEnded;
    ErrorOf ignored;
    self->socket().close(ignored);
    self->signal_->wake();
  });
}

}  // namespace

asio::awaitable<void> serve_websocket(const SessionLimits& limits, Upgrade upgrade,
                                      Connections::Lease& lease) {
  UpgradeRequest request = std::move(upgrade.request);
  auto session = std::make_shared<WebSocketSession>(std::move(upgrade), limits);
  lease.hold(session);
  const bool accepted = co_await session->accept(std::move(request));
  if (accepted) co_await session->send();
}

}  // namespace gameflow::serve
