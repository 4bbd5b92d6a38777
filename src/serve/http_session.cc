#include "serve/http_session.h"

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <variant>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "auth/access.h"
#include "base/priority.h"
#include "serve/deadline.h"
#include "serve/gate.h"
#include "serve/peer.h"
#include "serve/pending_reply.h"
#include "serve/request_body.h"
#include "serve/request_header.h"
#include "serve/response_header.h"
#include "serve/signal.h"
#include "serve/websocket_session.h"

namespace gameflow::serve {

namespace beast = boost::beast;
namespace wire = boost::beast::http;

namespace {

// A header, or part of a body with the pipelined requests behind it.
constexpr std::size_t kBufferBytesMax = 128U << 10;
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kLastChunk = "0\r\n\r\n";

// What the connection does after a reply.
enum class Next : std::uint8_t {
  kRequest,  // serve the next one
  kLinger,   // close, once the client has had a chance to read the reply
  kClose,    // close now
  kUpgrade,  // become the WebSocket that is in upgrade_
};

// Workers run SQL for people and read from disk: the engine and the connections go first.
void yield_to_engine() {
  static thread_local const bool has_yielded = (lower_thread_priority(), true);
  static_cast<void>(has_yielded);
}

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(ServerState& state, Transport transport, Connections::Lease& lease)
      : state_(state),
        lease_(lease),
        limits_(lease.place() == Connections::Place::kOrdinary ? state.options.limits
                                                               : state.hurried_limits),
        transport_(std::move(transport)),
        peer_(peer_of(transport_.next_layer())),
        deadline_(std::make_shared<Deadline>(transport_)),
        buffer_(kBufferBytesMax),
        body_(state, limits_, transport_, buffer_, *deadline_) {}

  // Returns once the connection is closed, or what it is to go on as.
  asio::awaitable<std::optional<Upgrade>> run();
  const SessionLimits& limits() const { return limits_; }
  void stop() override;
  void abort() override;

 private:
  enum class Phase : std::uint8_t {
    kIdle,      // between requests
    kBusy,      // with one
    kStopping,  // the one that runs is the last
  };

  asio::awaitable<Next> secure();
  Reply refuse();
  asio::awaitable<bool> wait_for_request();
  asio::awaitable<Next> serve_one();
  asio::awaitable<Next> serve_request();
  asio::awaitable<ErrorOf> receive_header();
  bool may_serve(const Route& route) const;
  asio::awaitable<std::optional<Reply>> admit(const Route& route);
  bool is_still_admitted() const;
  Call call(const Match& match) const;
  asio::awaitable<Reply> answer(const Match& match);
  asio::awaitable<Next> upgrade(const Match& match, const WebSocket& socket);
  asio::awaitable<Next> stream(const Match& match, const Stream& endless);
  asio::awaitable<bool> send_messages(Messages& messages, bool chunked);
  asio::awaitable<ErrorOf> write(std::string_view first, std::string_view second = {},
                                 std::string_view third = {});
  asio::awaitable<Next> send(Reply reply, Next next);
  void log_access(const Reply& reply) const;
  asio::awaitable<void> linger();

  ServerState& state_;
  Connections::Lease& lease_;
  const SessionLimits& limits_;
  Transport transport_;
  const std::string peer_;
  std::shared_ptr<Deadline> deadline_;
  Phase phase_ = Phase::kIdle;

  beast::flat_buffer buffer_;
  std::optional<RequestParser> parser_;
  Request request_;
  auth::Caller caller_ = auth::Caller::anyone();
  RequestBody body_;
  std::shared_ptr<Signal> signal_;  // of a stream
  std::optional<Upgrade> upgrade_;
  Deadline::Instant started_;
};

void HttpSession::stop() {
  asio::post(transport_.get_executor(), [self = shared_from_this()] {
    const bool idle = self->phase_ == Phase::kIdle;
    self->phase_ = Phase::kStopping;
    ErrorOf ignored;
    if (idle) self->transport_.next_layer().cancel(ignored);
    if (!self->signal_) return;
    // A stream: its client may be slow to take the message that is being written.
    self->deadline_->set_in(self->limits_.linger_time_max);
    self->signal_->wake();
  });
}

void HttpSession::abort() {
  asio::post(transport_.get_executor(), [self = shared_from_this()] {
    self->phase_ = Phase::kStopping;
    ErrorOf ignored;
    self->transport_.next_layer().close(ignored);
    if (self->signal_) self->signal_->wake();
  });
}

asio::awaitable<std::optional<Upgrade>> HttpSession::run() {
  ErrorOf ignored;
  transport_.next_layer().set_option(Tcp::no_delay(true), ignored);
  Next next = Next::kRequest;
  if (state_.certificate) next = co_await secure();
  if (next == Next::kRequest && lease_.place() == Connections::Place::kRefused)
    next = co_await send(refuse(), Next::kLinger);
  while (next == Next::kRequest) next = co_await serve_one();
  if (next == Next::kUpgrade) co_return std::move(upgrade_);
  if (next == Next::kLinger) co_await linger();
  transport_.next_layer().close(ignored);
  co_return std::nullopt;
}

// Agrees on TLS. It has as long as a header.
asio::awaitable<Next> HttpSession::secure() {
  deadline_->set_in(limits_.header_time_max);
  const Transport::Begins begins = co_await transport_.listen();
  if (begins == Transport::Begins::kNever) co_return Next::kClose;
  if (begins == Transport::Begins::kOtherwise)
    co_return co_await send(
        error_reply(400, to_string(ErrorCode::kInvalidArgument),
                    "this port speaks https: begin the address with https://, not http://"),
        Next::kLinger);
  // This connection keeps it, whatever takes its place meanwhile.
  const auto context = state_.certificate->context();
  const ErrorOf error = co_await transport_.start_tls(*context);
  if (error) spdlog::debug("http: no TLS with a client: {}", error.message());
  co_return error || phase_ == Phase::kStopping ? Next::kClose : Next::kRequest;
}

Reply HttpSession::refuse() {
  ++state_.stats.refused_connections;
  return error_reply(503, to_string(ErrorCode::kUnavailable), state_.connections.why(lease_));
}

// False: the client is gone, silent for too long, or the server stops.
asio::awaitable<bool> HttpSession::wait_for_request() {
  if (phase_ == Phase::kStopping) co_return false;
  if (!has_request(buffer_)) {
    phase_ = Phase::kIdle;
    deadline_->set_in(limits_.idle_time_max);
    while (!has_request(buffer_)) {
      const ErrorOf error = co_await receive_some(transport_, buffer_);
      if (error || phase_ == Phase::kStopping) co_return false;
    }
  }
  phase_ = Phase::kBusy;
  co_return true;
}

asio::awaitable<Next> HttpSession::serve_one() {
  const bool there = co_await wait_for_request();
  if (!there) co_return Next::kClose;
  const Next next = co_await serve_request();
  body_.drop(*parser_, request_);
  body_.give_back();
  co_return next;
}

// The parser's own limit is for what it has not yet taken apart: many short fields never reach it.
asio::awaitable<ErrorOf> HttpSession::receive_header() {
  const std::size_t bytes_max = limits_.header_bytes_max;
  for (std::size_t bytes = 0;;) {
    if (has_folded_line(buffer_.cdata())) co_return wire::error::bad_field;
    ErrorOf error;
    const std::size_t taken = parser_->put(buffer_.data(), error);
    buffer_.consume(taken);
    bytes += taken;
    if (error && error != wire::error::need_more) co_return error;
    const bool is_done = parser_->is_header_done();
    if (bytes + (is_done ? 0 : buffer_.size()) > bytes_max) co_return wire::error::header_limit;
    if (is_done) co_return ErrorOf{};
    error = co_await receive_some(transport_, buffer_);
    if (error) co_return error;
  }
}

asio::awaitable<Next> HttpSession::serve_request() {
  started_ = std::chrono::steady_clock::now();
  request_ = {};
  request_.is_tls = transport_.is_tls();
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
  parser_->body_limit(boost::none);  // checked below, where the reply can say so
  deadline_->set_in(limits_.header_time_max);
  ErrorOf error = co_await receive_header();
  if (error) {
    auto failure = header_failure(error, deadline_->has_passed(), limits_);
    if (!failure) co_return Next::kClose;
    co_return co_await send(std::move(*failure), Next::kLinger);
  }
  if (auto refused = check_header(parser_->get()))
    co_return co_await send(std::move(*refused), Next::kLinger);
  // An early reply leaves the body unread: the next request cannot be found behind it.
  const Next after_refusal = parser_->is_done() ? Next::kRequest : Next::kLinger;
  if (auto refused = read_header(parser_->get(), request_))
    co_return co_await send(std::move(*refused), after_refusal);
  if (auto redirected = leave_prefix(state_.matching, request_))
    co_return co_await send(std::move(*redirected), after_refusal);
  auto matched = match_route(state_.routes, state_.matching, request_);
  if (auto* refused = std::get_if<Reply>(&matched))
    co_return co_await send(std::move(*refused), after_refusal);
  const Match& match = std::get<Match>(matched);
  if (!may_serve(*match.route)) co_return co_await send(refuse(), Next::kLinger);
  if (auto refused = co_await admit(*match.route)) {
    open_to_page(state_.matching, *match.route, request_, *refused);
    co_return co_await send(std::move(*refused), after_refusal);
  }
  if (const auto* socket = std::get_if<WebSocket>(&match.route->handler))
    co_return co_await upgrade(match, *socket);
  if (!parser_->is_done()) {
    auto refused = co_await body_.read(*parser_, request_);
    if (refused) {
      open_to_page(state_.matching, *match.route, request_, *refused);
      co_return co_await send(std::move(*refused), Next::kLinger);
    }
  }
  deadline_->lift();
  if (const auto* endless = std::get_if<Stream>(&match.route->handler))
    co_return co_await stream(match, *endless);
  Reply reply = co_await answer(match);
  open_to_page(state_.matching, *match.route, request_, reply);
  co_return co_await send(std::move(reply), Next::kRequest);
}

bool HttpSession::may_serve(const Route& route) const {
  return lease_.place() != Connections::Place::kReserved || route.is_essential;
}

// Finds out who asks; the reply, where they may not.
asio::awaitable<std::optional<Reply>> HttpSession::admit(const Route& route) {
  if (!state_.gate) co_return std::nullopt;
  auto caller = state_.gate->admit(route, request_, is_own_page(state_.matching, request_), peer_,
                                   std::chrono::steady_clock::now());
  if (caller) {
    caller_ = std::move(*caller);
    co_return std::nullopt;
  }
  if (caller.error().pause.count() > 0) {
    deadline_->lift();
    asio::steady_timer pause(transport_.get_executor(), caller.error().pause);
    ErrorOf ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return std::move(caller.error().reply);
}

// Tokens may be replaced until a connection is known as one that stays for its caller; from then on
// it is told.
bool HttpSession::is_still_admitted() const {
  return !state_.gate || state_.gate->still_admits(caller_);
}

Call HttpSession::call(const Match& match) const {
  return {request_, match.arguments, state_.stats, caller_, peer_};
}

asio::awaitable<Reply> HttpSession::answer(const Match& match) {
  const Handler& handler = match.route->handler;
  if (std::holds_alternative<Quick>(handler)) {
    Reply reply;
    run_route(*match.route, call(match), [&reply](Reply made) { reply = std::move(made); });
    co_return reply;
  }
  PendingReply pending(transport_.get_executor());
  const ReplyCallback done = pending.callback();
  if (std::holds_alternative<Blocking>(handler)) {
    asio::post(state_.workers, [this, &match, done] {  // this coroutine waits for it
      yield_to_engine();
      run_route(*match.route, call(match), done);
    });
  } else {
    run_route(*match.route, call(match), done);
    // While it is still in the cache: the next request, of another connection, gets its memory.
    body_.drop(*parser_, request_);
  }
  co_return co_await pending.wait();
}

asio::awaitable<Next> HttpSession::upgrade(const Match& match, const WebSocket& socket) {
  const auto& header = parser_->get();
  if (!beast::websocket::is_upgrade(header)) {
    Reply reply = error_reply(426, "upgrade_required", "this address speaks WebSocket only");
    reply.headers.emplace_back("Upgrade", "websocket");
    co_return co_await send(std::move(reply), parser_->is_done() ? Next::kRequest : Next::kLinger);
  }
  if (!parser_->is_done() || buffer_.size() > 0)
    co_return co_await send(error_reply(400, to_string(ErrorCode::kInvalidArgument),
                                        "nothing may follow the header of a WebSocket upgrade "
                                        "before it is answered"),
                            Next::kLinger);
  if (!header[wire::field::sec_websocket_protocol].empty())
    co_return co_await send(error_reply(400, to_string(ErrorCode::kInvalidArgument),
                                        "no subprotocol is spoken here; leave out "
                                        "Sec-WebSocket-Protocol"),
                            Next::kRequest);
  if (!lease_.stay(caller_)) co_return co_await send(refuse(), Next::kLinger);
  if (!is_still_admitted()) co_return co_await send(Gate::unknown_token(), Next::kLinger);
  auto signal = std::make_shared<Signal>();
  auto opened = socket.open(call(match), signal);
  if (!opened) {
    lease_.leave();
    co_return co_await send(std::move(opened.error()), Next::kRequest);
  }
  deadline_->lift();
  Reply accepted;
  accepted.status = 101;
  log_access(accepted);
  upgrade_.emplace(std::move(transport_), parser_->release(), std::move(*opened),
                   std::move(signal));
  co_return Next::kUpgrade;
}

asio::awaitable<Next> HttpSession::stream(const Match& match, const Stream& endless) {
  if (!lease_.stay(caller_)) co_return co_await send(refuse(), Next::kLinger);
  if (!is_still_admitted()) co_return co_await send(Gate::unknown_token(), Next::kLinger);
  signal_ = std::make_shared<Signal>();
  auto opened = endless.open(call(match), signal_);
  if (!opened) {
    lease_.leave();
    co_return co_await send(std::move(opened.error()), Next::kRequest);
  }
  Reply reply;
  reply.content_type = opened->content_type;
  reply.headers = std::move(opened->headers);
  log_access(reply);
  const bool chunked = parser_->get().version() == 11;
  const std::string header =
      response_header(reply, chunked ? 11 : 10, /*keep_alive=*/false, SystemClock{}.now(),
                      chunked ? BodyEnd::kLastChunk : BodyEnd::kClose);
  ErrorOf error;
  transport_.next_layer().set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), error);
  error = co_await write(header);
  if (error || request_.method == Method::kHead) co_return error ? Next::kClose : Next::kLinger;
  const bool complete = co_await send_messages(*opened->messages, chunked);
  if (!complete) co_return Next::kClose;
  if (chunked) error = co_await write(kLastChunk);
  co_return error ? Next::kClose : Next::kLinger;
}

// False where the connection broke, or messages that should come do not.
asio::awaitable<bool> HttpSession::send_messages(Messages& messages, bool chunked) {
  while (phase_ != Phase::kStopping) {
    const auto message = messages.next();
    if (!message) {
      spdlog::warn("http: a stream is broken off: {}", message.error().message);
      co_return false;
    }
    if (message->kind == Message::Kind::kEnd) co_return true;
    if (message->kind == Message::Kind::kNone) {
      deadline_->lift();
      if (!co_await signal_->wait(transport_)) co_return false;
      continue;
    }
    const std::string_view text = message->text;
    const std::string size = chunked ? fmt::format("{:x}\r\n", text.size()) : "";
    const ErrorOf error = co_await write(size, text, chunked ? kLineEnd : "");
    if (error) co_return false;
  }
  co_return true;
}

asio::awaitable<Next> HttpSession::send(Reply reply, Next next) {
  const std::size_t bytes = reply.body.size();
  const bool fits = state_.reply_budget.take(bytes);
  if (!fits) {
    ++state_.stats.refused_replies;
    reply = error_reply(503, to_string(ErrorCode::kUnavailable),
                        "too many large replies wait for clients that read slowly; try again");
  }
  log_access(reply);
  const bool known = parser_.has_value();  // not so where the connection itself is refused
  const unsigned version = known && parser_->get().version() == 10 ? 10 : 11;
  const bool is_last = phase_ == Phase::kStopping ||
                       lease_.place() == Connections::Place::kReserved ||
                       (known && !parser_->get().keep_alive());
  if (next == Next::kRequest && is_last) next = Next::kLinger;
  const std::string header =
      response_header(reply, version, next == Next::kRequest, SystemClock{}.now());
  const bool sends_body = has_body(reply.status) && request_.method != Method::kHead;
  const ErrorOf error =
      co_await write(header, sends_body ? std::string_view(reply.body) : std::string_view());
  if (fits) state_.reply_budget.give(bytes);
  co_return error ? Next::kClose : next;
}

asio::awaitable<ErrorOf> HttpSession::write(std::string_view first, std::string_view second,
                                            std::string_view third) {
  const auto buffer = [](std::string_view text) { return asio::buffer(text.data(), text.size()); };
  const std::array<asio::const_buffer, 3> parts{buffer(first), buffer(second), buffer(third)};
  deadline_->set_in(limits_.write_time_max);
  ErrorOf error;
  co_await asio::async_write(transport_, parts, asio::redirect_error(asio::use_awaitable, error));
  co_return error;
}

void HttpSession::log_access(const Reply& reply) const {
  // Not when the server sends producers away: they come again and again, and the engine says once
  // why it has stopped.
  const bool is_fault = reply.status >= 500 && reply.status != 503 && reply.status != 507;
  const auto level = is_fault ? spdlog::level::warn : spdlog::level::debug;
  if (!spdlog::should_log(level)) return;
  std::string_view method = "-", target = "-";
  if (parser_) {
    const auto& header = parser_->get();
    method = {header.method_string().data(), header.method_string().size()};
    target = {header.target().data(), header.target().size()};
  }
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - started_;
  spdlog::log(level, "http: {} {} {} {} bytes in {:.1f} ms", method, target.substr(0, 500),
              reply.status, reply.body.size(), parser_ ? took.count() : 0.0);
}

// Closing while the client still sends makes the kernel reset the connection, and the client may
// lose the reply it has not read yet: so say "no more", and read on for a moment.
asio::awaitable<void> HttpSession::linger() {
  deadline_->set_in(limits_.linger_time_max);
  co_await transport_.finish_sending();
  buffer_.clear();
  ErrorOf error;
  while (!error && !deadline_->has_passed())
    co_await transport_.next_layer().async_read_some(
        buffer_.prepare(64U << 10), asio::redirect_error(asio::use_awaitable, error));
}

}  // namespace

// A WebSocket may last for days: it does without the buffers and coroutines of the requests before
// it, which are twice its own memory.
asio::awaitable<void> serve_connection(ServerState& state, Transport transport,
                                       Connections::Lease lease) {
  auto session = std::make_shared<HttpSession>(state, std::move(transport), lease);
  lease.hold(session);
  auto upgrade = co_await session->run();
  const SessionLimits& limits = session->limits();
  session.reset();
  if (upgrade) co_await serve_websocket(limits, *std::exchange(upgrade, std::nullopt), lease);
}

}  // namespace gameflow::serve
