#include "base/memory_reserve.h"

#include <atomic>
#include <cstdlib>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace gameflow {
namespace {

std::size_t reserve_bytes = 0;
std::atomic<void*> reserve{nullptr};
thread_local bool can_run_out = false;
thread_local MemoryAllowance* current_allowance = nullptr;
thread_local std::uint64_t failures = 0;

// Mapped and never touched: no memory.
void* set_aside() {
  void* const at = ::mmap(nullptr, reserve_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? nullptr : at;
}

// Whether less than a quarter of the address space is left. Allocates nothing.
bool is_scarce() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  char text[32] = {};
  const ssize_t size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return true;
  const auto used =
      std::strtoull(text, nullptr, 10) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return used > limit.rlim_cur / 4 * 3;
}

// Returns where there is more memory now.
void allocation_failed() {
  if (!can_run_out) {
    if (void* const at = reserve.exchange(nullptr); at != nullptr) {
      ::munmap(at, reserve_bytes);
      return;
    }
  }
  count_memory_failure();
  throw std::bad_alloc();
}

}  // namespace

void install_memory_reserve(std::size_t bytes) {
  reserve_bytes = bytes;
  reserve = set_aside();
  std::set_new_handler(&allocation_failed);
}

bool refill_memory_reserve() {
  if (reserve_bytes == 0 || reserve.load() != nullptr) return true;
  void* const at = set_aside();
  void* missing = nullptr;
  if (at != nullptr && !reserve.compare_exchange_strong(missing, at)) ::munmap(at, reserve_bytes);
  return false;
}

CanRunOut::CanRunOut(MemoryAllowance* allowance)
    : before_(can_run_out), allowance_before_(current_allowance) {
  can_run_out = true;
  if (allowance != nullptr) current_allowance = allowance;
}
CanRunOut::~CanRunOut() {
  can_run_out = before_;
  current_allowance = allowance_before_;
}
MemoryAllowance* CanRunOut::allowance() {
  return current_allowance;
}

MemoryAllowance::MemoryAllowance(std::uint64_t bytes)
    : bytes_(bytes), number_([] {
        static std::atomic<std::uint64_t> last = 0;
        return ++last;
      }()) {}

bool MemoryAllowance::take(std::uint64_t bytes) noexcept {
  if ((taken_ += bytes) <= bytes_) return true;
  taken_ -= bytes;
  ran_out_ = true;
  return false;
}

bool AllowanceShare::take(std::size_t bytes) noexcept {
  MemoryAllowance* const allowance = current_allowance;
  if (allowance == nullptr) return true;
  if (!allowance->take(bytes)) {
    ++failures;
    return false;
  }
  if (allowance->number() != of_) bytes_ = 0;
  of_ = allowance->number();
  bytes_ += bytes;
  return true;
}

void AllowanceShare::give_back() noexcept {
  if (current_allowance != nullptr && current_allowance->number() == of_)
    current_allowance->give(bytes_);
  bytes_ = 0;
}

std::uint64_t memory_failures() {
  return failures;
}
void count_memory_failure() noexcept {
  if (is_scarce()) ++failures;
}

}  // namespace gameflow
