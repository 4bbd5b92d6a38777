#include "api/process_stats.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace gameflow::api {
namespace {

// Fields of proc(5) stat, counted from 0 after the program's name, which may hold spaces.
enum StatField : std::size_t {
  kUserTicks = 11,
  kSystemTicks = 12,
  kStartTicks = 19,
  kVirtual = 20,
  kResidentPages = 21
};

std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

// Unix time at which the machine started.
double boot_seconds() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word;) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

std::uint64_t count_open_files() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

std::optional<ProcessStats> read_process_stats() {
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() <= kResidentPages) return std::nullopt;
  static const double boot = boot_seconds();
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto at = [&](StatField field) {
    return std::strtoull(fields[field].c_str(), nullptr, 10);
  };
  const auto ticks = [&](StatField field) { return static_cast<double>(at(field)); };
  ProcessStats stats;
  stats.resident_bytes = at(kResidentPages) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  stats.virtual_bytes = at(kVirtual);
  stats.open_files = count_open_files();
  stats.cpu_seconds = (ticks(kUserTicks) + ticks(kSystemTicks)) / ticks_per_second;
  stats.started_at_seconds = boot + ticks(kStartTicks) / ticks_per_second;
  return stats;
}

}  // namespace gameflow::api
