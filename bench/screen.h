// A query that is followed as the page of a dashboard follows it, over /ws/sql.
//
// Threads  one; it has its own.
// Errors   std::exception.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "base/mutex.h"

namespace gameflow::bench {

// Whose answer is one row of one number that only grows.
class Screen {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `subscription`: what the page sends, as JSON.
  Screen(std::uint16_t port, const std::string& subscription);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // When it was first seen that the number is at least this; waits for it.
  Time when_shown(std::uint64_t number);

 private:
  void read();

  boost::asio::io_context io_;
  boost::beast::websocket::stream<boost::asio::ip::tcp::socket> socket_;
  Mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::uint64_t, Time>> shown_ GF_GUARDED_BY(mutex_);  // both ascend
  std::string failure_ GF_GUARDED_BY(mutex_);
  std::thread reader_;
};

}  // namespace gameflow::bench
