#include "app/open_files.h"

#include <algorithm>

#include <sys/resource.h>

namespace gameflow::app {
namespace {

// What comes and goes: compactions, backups, compilers, programs of connectors.
constexpr std::uint64_t kOthersMax = 2'048;

}  // namespace

std::uint64_t raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

OpenFiles share_open_files(std::uint64_t limit, OpenFiles wanted) {
  const auto share = [](std::uint64_t files, std::uint32_t wanted_files) {
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(files, 1, wanted_files));
  };
  const std::uint64_t tables = std::min<std::uint64_t>(limit / 4, wanted.tables);
  const std::uint64_t others = std::min(limit / 4, kOthersMax);
  return {.connections = share(limit - tables - others, wanted.connections),
          .tables = share(tables, wanted.tables)};
}

}  // namespace gameflow::app
