#include "base/control_groups.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sched.h>

namespace gameflow {
namespace {

namespace fs = std::filesystem;

// The first line of the file, or nothing.
std::string line_of(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// A number at the beginning of `text`, which may go on behind it.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;  // "max", "-1"
  return number;
}

// The process's group of a hierarchy: one of version 1 by the name of a controller, "" the one of
// version 2.
std::optional<std::string> group_of(const fs::path& root, std::string_view controller) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // number:controller,controller:/path
    const std::size_t first = line.find(':');
    const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool is_it = controller.empty()
                           ? names == ",,"
                           : names.find("," + std::string(controller) + ",") != names.npos;
    if (is_it) return line.substr(second + 1);
  }
  return std::nullopt;
}

// The least of what `read` finds in the folder of the group and of those above it.
template <class Value>
std::optional<Value> least(const fs::path& mounted, const std::string& group,
                           const std::function<std::optional<Value>(const fs::path&)>& read) {
  std::optional<Value> found;
  fs::path path = fs::path(group).relative_path();
  for (;; path = path.parent_path()) {
    const auto value = read(mounted / path);
    if (value && (!found || *value < *found)) found = value;
    if (path.empty()) return found;
  }
}

template <class Value>
using ReadFolder = std::function<std::optional<Value>(const fs::path&)>;

// Both versions may be there at once.
template <class Value>
std::optional<Value> least(const fs::path& root, std::string_view controller,
                           const ReadFolder<Value>& read_v1, const ReadFolder<Value>& read_v2) {
  const fs::path mounted = root / "sys/fs/cgroup";
  std::vector<std::optional<Value>> found;
  if (const auto group = group_of(root, controller))
    found.push_back(least(mounted / controller, *group, read_v1));
  if (const auto group = group_of(root, "")) {
    found.push_back(least(mounted, *group, read_v2));
    found.push_back(least(mounted / "unified", *group, read_v2));
  }
  std::optional<Value> all;
  for (const auto& value : found) {
    if (value && (!all || *value < *all)) all = value;
  }
  return all;
}

std::optional<double> cpus(std::optional<std::uint64_t> quota,
                           std::optional<std::uint64_t> period) {
  if (!quota || !period || *period == 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

}  // namespace

std::optional<std::uint64_t> control_group_memory_max(const fs::path& root) {
  const auto reader = [](const char* file) -> ReadFolder<std::uint64_t> {
    return [file](const fs::path& folder) { return number_in(line_of(folder / file)); };
  };
  return least(root, "memory", reader("memory.limit_in_bytes"), reader("memory.max"));
}

std::optional<double> control_group_cpus_max(const fs::path& root) {
  const ReadFolder<double> read_v1 = [](const fs::path& folder) {
    return cpus(number_in(line_of(folder / "cpu.cfs_quota_us")),
                number_in(line_of(folder / "cpu.cfs_period_us")));
  };
  const ReadFolder<double> read_v2 = [](const fs::path& folder) {  // "150000 100000"
    const std::string line = line_of(folder / "cpu.max");
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view text = line;
    return cpus(number_in(text.substr(0, space)),
                number_in(text.substr(std::min(space + 1, text.size()))));
  };
  return least(root, "cpu", read_v1, read_v2);
}

std::uint32_t usable_cores(std::uint32_t affinity, const fs::path& root) {
  const std::uint32_t cores = std::max(1U, affinity);
  const auto quota = control_group_cpus_max(root);
  if (!quota || *quota >= cores) return cores;
  return std::max(1U, static_cast<std::uint32_t>(std::ceil(*quota)));
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  const bool known = ::sched_getaffinity(0, sizeof set, &set) == 0;
  return usable_cores(
      known ? static_cast<std::uint32_t>(CPU_COUNT(&set)) : std::thread::hardware_concurrency(),
      "/");
}

}  // namespace gameflow
