#include <new>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "auth/access.h"
#include "auth/tokens.h"
#include "serve/http_session.h"
#include "serve/peer.h"
#include "serve/server_state.h"

namespace gameflow::serve {
namespace {

constexpr std::chrono::milliseconds kStopTimeMax{4'500};

// As --listen takes it.
std::string place_of(const asio::ip::address& address, unsigned port) {
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), port)
                         : fmt::format("{}:{}", address.to_string(), port);
}

// Why there is no server at `endpoint`, and what to do.
Error cannot_listen(std::string_view setting, const Tcp::endpoint& endpoint, const ErrorOf& error) {
  const std::string place = place_of(endpoint.address(), endpoint.port());
  if (error == asio::error::address_in_use) {
    const unsigned other = endpoint.port() < 65535 ? endpoint.port() + 1U : endpoint.port() - 1U;
    return {ErrorCode::kPortInUse,
            fmt::format("{} is in use by another program; stop it, or choose another port with "
                        "{} {}",
                        place, setting, place_of(endpoint.address(), other))};
  }
  std::string advice;
  if (error == asio::error::access_denied)
    advice = fmt::format(": ports below 1024 are for root; choose another one, as with {} {}",
                         setting, place_of(endpoint.address(), 3001));
  if (error == boost::system::errc::address_not_available)
    advice =
        ": this machine has no such address; use 127.0.0.1 for this machine only, 0.0.0.0 for all "
        "networks";
  return {ErrorCode::kInvalidArgument,
          fmt::format("cannot listen on {}: {}{}", place, error.message(), advice)};
}

// As whose connection it counts; empty where that may be many: a proxy on this machine.
std::string sender_of(const Tcp::socket& socket, const ServerOptions& options) {
  ErrorOf error;
  const bool is_here = socket.remote_endpoint(error).address().is_loopback();
  if (is_here && options.connections_per_address_max == 0) return {};
  return peer_of(socket);
}

class ListeningServer final : public Server {
 public:
  ListeningServer(const ServerOptions& options, std::vector<Route> routes,
                  std::unique_ptr<Certificate> certificate)
      : state_(options, std::move(routes), std::move(certificate)),
        work_(state_.io.get_executor()),
        acceptor_(asio::make_strand(state_.io)) {}
  ~ListeningServer() override { stop(); }

  Status bind(const Tcp::endpoint& endpoint);

  std::uint16_t port() const override { return port_; }
  void start() override;
  void replace_tokens(auth::Tokens tokens) override;
  Status reload_certificate() override;
  void stop() override;

 private:
  void serve();
  asio::awaitable<void> accept();
  void spawn_session(Tcp::socket socket);

  ServerState state_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  Tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

Status ListeningServer::bind(const Tcp::endpoint& endpoint) {
  ErrorOf error;
  acceptor_.open(endpoint.protocol(), error);
  // Without it a restart has to wait until the old connections are forgotten.
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return tl::unexpected(cannot_listen(state_.options.setting, endpoint, error));
  port_ = acceptor_.local_endpoint().port();
  return {};
}

void ListeningServer::start() {
  asio::co_spawn(acceptor_.get_executor(), accept(), asio::detached);
  for (std::uint32_t i = 0; i < std::max(1U, state_.options.threads); ++i)
    threads_.emplace_back([this] { serve(); });
  spdlog::info("http: listening on {}", place_of(acceptor_.local_endpoint().address(), port_));
}

// What a handler could not do for want of memory ends nothing but its connection.
void ListeningServer::serve() {
  for (;;) {
    try {
      state_.io.run();
      return;
    } catch (const std::bad_alloc&) {
      spdlog::error("http: out of memory");
    }
  }
}

asio::awaitable<void> ListeningServer::accept() {
  asio::steady_timer pause(acceptor_.get_executor());
  while (acceptor_.is_open()) {
    ErrorOf error;
    Tcp::socket socket =
        co_await acceptor_.async_accept(asio::any_io_executor(asio::make_strand(state_.io)),
                                        asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    if (error) {
      // Most often out of file descriptors: the connections that end give some back.
      spdlog::warn("http: cannot accept a connection: {}", error.message());
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    spawn_session(std::move(socket));
  }
}

void ListeningServer::spawn_session(Tcp::socket socket) {
  auto lease = state_.connections.admit(sender_of(socket, state_.options));
  if (!lease) {
    ++state_.stats.refused_connections;
    return;
  }
  const auto strand = socket.get_executor();
  asio::co_spawn(strand, serve_connection(state_, Transport(std::move(socket)), std::move(*lease)),
                 [](const std::exception_ptr& failure) {
                   try {
                     if (failure) std::rethrow_exception(failure);
                   } catch (const std::exception& error) {
                     spdlog::error("http: a connection failed: {}", error.what());
                   }
                 });
}

void ListeningServer::replace_tokens(auth::Tokens tokens) {
  if (!state_.gate) return;
  state_.gate->replace(std::move(tokens));
  state_.connections.stop_of(
      [this](const auth::Caller& caller) { return !state_.gate->still_admits(caller); });
}

Status ListeningServer::reload_certificate() {
  if (!state_.certificate) return {};
  return state_.certificate->reload();
}

void ListeningServer::stop() {
  if (!work_) return;
  if (threads_.empty()) {
    ErrorOf ignored;
    acceptor_.close(ignored);
  } else {
    asio::post(acceptor_.get_executor(), [this] {
      ErrorOf ignored;
      acceptor_.close(ignored);
    });
    state_.connections.stop_all();
    if (!state_.connections.wait_until_none(kStopTimeMax)) {
      spdlog::warn("http: {} connections do not end, closing them", state_.connections.count());
      state_.connections.abort_all();
      // Their coroutines end at once, except where an answer of the store is still to come.
      state_.connections.wait_until_none();
    }
  }
  state_.workers.join();
  work_.reset();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options,
                                               std::vector<Route> routes) {
  ErrorOf error;
  const auto address =
      asio::ip::make_address(options.address == "localhost" ? "127.0.0.1" : options.address, error);
  if (error)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is not an IP address to listen on; use 127.0.0.1 for this "
                            "machine only, 0.0.0.0 for all networks",
                            options.address));
  std::unique_ptr<Certificate> certificate;
  if (options.tls) {
    GF_ASSIGN(certificate, Certificate::open(*options.tls));
  }
  auto server =
      std::make_unique<ListeningServer>(options, std::move(routes), std::move(certificate));
  GF_TRY(server->bind({address, options.port}));
  return server;
}

}  // namespace gameflow::serve
