// What happens when an allocation fails.
//
// Who can give up what it does says so with a CanRunOut: there std::bad_alloc is thrown at once.
// Everybody else, such as RocksDB, or an epoch that is stored and must now be shown, gets a reserve
// that was set aside. It is address space, not memory, which is what runs out under RLIMIT_AS.
//
// Threads  any. Without install() all is as C++ has it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace gameflow {

// Once, before memory is scarce: becomes the handler of operator new.
void install_memory_reserve(std::size_t bytes);
// Sets it aside again where it was used. False: it was used, and may still be missing.
bool refill_memory_reserve();

// What a piece of work may have in arenas at a time, on all its threads together. What its
// functions make may be a thousand times its input, and memory itself is there until the system
// kills the process.
//
// Threads  any.
class MemoryAllowance {
 public:
  explicit MemoryAllowance(std::uint64_t bytes);

  // False: that is more than is left.
  bool take(std::uint64_t bytes) noexcept;
  void give(std::uint64_t bytes) noexcept { taken_ -= bytes; }
  // More was asked for, at least once.
  bool ran_out() const { return ran_out_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t taken() const { return taken_; }
  // No two have the same, also of different times.
  std::uint64_t number() const { return number_; }

 private:
  const std::uint64_t bytes_, number_;
  std::atomic<std::uint64_t> taken_ = 0;
  std::atomic<bool> ran_out_ = false;
};

// While one lives, a failed allocation of this thread throws.
class CanRunOut {
 public:
  // The allowance outlives it; null: that of the scope around it, if there is one.
  explicit CanRunOut(MemoryAllowance* allowance = nullptr);
  ~CanRunOut();
  CanRunOut(const CanRunOut&) = delete;
  CanRunOut& operator=(const CanRunOut&) = delete;

  // Of the innermost scope of this thread that has one; null: none.
  static MemoryAllowance* allowance();

 private:
  const bool before_;
  MemoryAllowance* const allowance_before_;
};

// What an arena has of the allowance of its thread's work.
//
// Threads  one at a time.
class AllowanceShare {
 public:
  AllowanceShare() = default;
  AllowanceShare(const AllowanceShare&) = delete;
  AllowanceShare& operator=(const AllowanceShare&) = delete;
  ~AllowanceShare() { give_back(); }

  // False where the allowance has ended, which counts as a failure of memory.
  bool take(std::size_t bytes) noexcept;
  // All of it, if the work is still the same; to that of a later one it does not belong.
  void give_back() noexcept;

 private:
  std::uint64_t of_ = 0;  // number of the allowance
  std::uint64_t bytes_ = 0;
};

// Counts the allocations that failed on this thread while memory was scarce. Somebody in between
// may have taken such a failure for the fault of a record or a query: whoever sees the count rise
// knows better. One that asks for more than there ever was is its own fault, and is not counted.
std::uint64_t memory_failures();
// malloc returned null: for those who do not come by operator new.
void count_memory_failure() noexcept;

// Runs a piece of work that may run out of memory; throws std::bad_alloc also where the piece
// itself made something else of that. `allowance`: as CanRunOut.
template <class Work>
void run_or_run_out(MemoryAllowance* allowance, Work&& work) {
  const CanRunOut scope(allowance);
  const std::uint64_t before = memory_failures();
  work();
  if (memory_failures() != before) throw std::bad_alloc();
}

}  // namespace gameflow
