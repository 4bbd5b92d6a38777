#include "base/heap.h"

#include <cstddef>

#ifdef GAMEFLOW_HAS_JEMALLOC
#include <jemalloc/jemalloc.h>

// What jemalloc reads at its start. Threads of its own give back what has been free for 10 s, in an
// idle program, too. Address space is given back with the memory: a limit (RLIMIT_AS) counts it.
extern "C" [[gnu::visibility("default")]] const char* malloc_conf;
const char* malloc_conf = "background_thread:true,retain:false";

namespace gameflow {
namespace {

std::uint64_t figure(const char* name) {
  std::size_t value = 0, size = sizeof value;
  return ::mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

void release_free_memory() noexcept {
  static_assert(MALLCTL_ARENAS_ALL == 4096);
  ::mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0);
}

std::uint64_t free_heap_bytes() noexcept {
  std::uint64_t epoch = 1;
  ::mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
  return figure("stats.mapped") - figure("stats.allocated");
}

}  // namespace gameflow

#else

namespace gameflow {

void release_free_memory() noexcept {}
std::uint64_t free_heap_bytes() noexcept {
  return 0;
}

}  // namespace gameflow

#endif
