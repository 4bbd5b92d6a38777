// Bytes that are in use now, out of a fixed number for all.
//
// Threads  a budget any; what holds bytes of it, one.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace gameflow::serve {

class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes_max) : max_(bytes_max) {}

  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes) + bytes <= max_) return true;
    used_.fetch_sub(bytes);
    return false;
  }
  void give(std::size_t bytes) { used_.fetch_sub(bytes); }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> used_ = 0;
};

// Some of them, given back at the end.
class HeldBytes {
 public:
  explicit HeldBytes(ByteBudget& budget) : budget_(budget) {}
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;
  ~HeldBytes() { give_back(); }

  // False: the budget does not have them, and nothing has changed.
  bool grow_to(std::size_t bytes) {
    if (bytes <= bytes_) return true;
    if (!budget_.take(bytes - bytes_)) return false;
    bytes_ = bytes;
    return true;
  }
  void give_back() { budget_.give(std::exchange(bytes_, 0)); }
  std::size_t bytes() const { return bytes_; }

 private:
  ByteBudget& budget_;
  std::size_t bytes_ = 0;
};

}  // namespace gameflow::serve
