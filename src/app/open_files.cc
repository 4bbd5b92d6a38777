#include "app/open_files.h"

#include <algorithm>

#include <sys/resource.h>

namespace gameflow::app {

std::uint64_t raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

std::uint32_t connections_within(std::uint64_t open_files_max, std::uint32_t wanted) {
  // RocksDB keeps up to 512 tables open, and some logs; the server refuses up to 64 connections at
  // a time with an answer.
  constexpr std::uint64_t kOthers = 640;
  const std::uint64_t rest = open_files_max - std::min(kOthers, open_files_max / 2);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(rest, 1, wanted));
}

}  // namespace gameflow::app
