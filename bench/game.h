// The simulated game, live: all kinds of events, sent to a server as they happen, by some
// connections. What a player does goes over one of them, so it comes in order.
//
// Threads  one; it has its own.
// Errors   std::exception: of the connections from check().
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace gameflow::bench {

class Game {
 public:
  // About so many events a second from now on: as many players as that takes at this hour. Makes
  // them first, which takes some seconds for 100,000.
  Game(std::uint16_t port, double events_per_second);
  ~Game();
  Game(const Game&) = delete;
  Game& operator=(const Game&) = delete;

  // Events that are stored: the server has said so.
  std::uint64_t events() const { return events_; }
  // By how much the events that are on their way are too late, at most.
  std::chrono::milliseconds behind() const;
  void check() const;
  // Sends nothing more; returns when all are answered.
  void stop();

 private:
  class Lane;

  void play(double events_per_second);

  std::atomic<bool> is_stopping_ = false;
  std::atomic<bool> is_playing_ = false;
  std::atomic<std::uint64_t> events_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> has_failed_ = false;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::jthread player_;
};

}  // namespace gameflow::bench
