// Control groups as they look from inside, in folders of our own.
#include "base/control_groups.h"

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kGiB = 1U << 30;

struct Case {
  std::string name;
  std::map<std::string, std::string> files;
  std::optional<std::uint64_t> memory;
  std::optional<double> cpus;
  std::uint32_t cores_of_8;
};

const std::vector<Case> kCases = {
    {"no groups", {}, std::nullopt, std::nullopt, 8},
    {"version 2, a container of docker --cpus 1.5 --memory 1g",
     {{"proc/self/cgroup", "0::/\n"},
      {"sys/fs/cgroup/memory.max", "1073741824\n"},
      {"sys/fs/cgroup/cpu.max", "150000 100000\n"}},
     kGiB,
     1.5,
     2},
    {"version 2 without limits",
     {{"proc/self/cgroup", "0::/user.slice\n"},
      {"sys/fs/cgroup/user.slice/memory.max", "max\n"},
      {"sys/fs/cgroup/user.slice/cpu.max", "max 100000\n"}},
     std::nullopt,
     std::nullopt,
     8},
    {"version 2, the limit of a group further up counts",
     {{"proc/self/cgroup", "0::/a.slice/b.service\n"},
      {"sys/fs/cgroup/a.slice/b.service/memory.max", "4294967296\n"},
      {"sys/fs/cgroup/a.slice/memory.max", "1073741824\n"},
      {"sys/fs/cgroup/a.slice/b.service/cpu.max", "400000 100000\n"},
      {"sys/fs/cgroup/a.slice/cpu.max", "50000 100000\n"}},
     kGiB,
     0.5,
     1},
    {"version 1, the path of the host is not visible inside",
     {{"proc/self/cgroup", "9:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     kGiB,
     3,
     3},
    {"version 1 without a quota",
     {{"proc/self/cgroup", "4:cpu,cpuacct:/\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}},
     std::nullopt,
     std::nullopt,
     8},
    {"both versions at once",
     {{"proc/self/cgroup", "9:memory:/\n0::/\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"},
      {"sys/fs/cgroup/unified/cpu.max", "1000 100000\n"}},
     9223372036854771712U,
     0.01,
     1},
    {"a quota of more cores than there are",
     {{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "6400000 100000\n"}},
     std::nullopt,
     64,
     8},
    {"files that say nothing",
     {{"proc/self/cgroup", "nonsense\n0::/\n"},
      {"sys/fs/cgroup/memory.max", ""},
      {"sys/fs/cgroup/cpu.max", "100000\n"}},
     std::nullopt,
     std::nullopt,
     8},
};

TEST(ControlGroups, TheLeastLimitCounts) {
  for (const Case& c : kCases) {
    const fs::path root =
        fs::path(testing::TempDir()) / ("control-groups-" + std::to_string(&c - kCases.data()));
    fs::remove_all(root);
    for (const auto& [file, text] : c.files) {
      fs::create_directories((root / file).parent_path());
      std::ofstream(root / file) << text;
    }
    EXPECT_EQ(control_group_memory_max(root), c.memory) << c.name;
    EXPECT_EQ(control_group_cpus_max(root), c.cpus) << c.name;
    EXPECT_EQ(usable_cores(8, root), c.cores_of_8) << c.name;
    fs::remove_all(root);
  }
}

TEST(ControlGroups, ThisMachineHasACore) {
  EXPECT_GE(usable_cores(), 1U);
}

}  // namespace
}  // namespace gameflow
