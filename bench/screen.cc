#include "screen.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <fmt/format.h>

namespace gameflow::bench {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr std::string_view kRow = R"("rows":[[)";
constexpr std::chrono::seconds kPatience{60};

}  // namespace

Screen::Screen(std::uint16_t port, const std::string& subscription) : socket_(io_) {
  socket_.next_layer().connect({asio::ip::address_v4::loopback(), port});
  socket_.handshake("localhost", "/ws/sql");
  socket_.text(true);
  socket_.write(asio::buffer(subscription));
  reader_ = std::thread([this] { read(); });
}

Screen::~Screen() {
  beast::error_code ignored;
  socket_.next_layer().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  reader_.join();
}

void Screen::read() {
  std::string failure;
  try {
    for (beast::flat_buffer buffer;; buffer.clear()) {
      socket_.read(buffer);
      const Time now = std::chrono::steady_clock::now();
      const std::string message = beast::buffers_to_string(buffer.data());
      const std::size_t at = message.find(kRow);
      if (at == std::string::npos) throw std::runtime_error(message);
      const char* number = message.c_str() + at + kRow.size();
      if (*number == '"') ++number;  // as large ones are written
      const MutexLock lock(mutex_);
      shown_.emplace_back(std::strtoull(number, nullptr, 10), now);
      changed_.notify_all();
    }
  } catch (const std::exception& error) {
    failure = error.what();
  }
  const MutexLock lock(mutex_);
  failure_ = failure;
  changed_.notify_all();
}

Screen::Time Screen::when_shown(std::uint64_t number) {
  MutexLock lock(mutex_);
  const auto is_shown = [&]() GF_REQUIRES(mutex_) {
    return !failure_.empty() || (!shown_.empty() && shown_.back().first >= number);
  };
  if (!changed_.wait_for(lock.native(), kPatience, is_shown))
    throw std::runtime_error(fmt::format("{} is not shown within a minute", number));
  if (!failure_.empty()) throw std::runtime_error(failure_);
  return std::ranges::lower_bound(shown_, number, {}, &std::pair<std::uint64_t, Time>::first)
      ->second;
}

}  // namespace gameflow::bench
