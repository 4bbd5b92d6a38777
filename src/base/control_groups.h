// What control groups (of containers, systemd units, …) let this process have: version 1 and 2.
//
// A group's limits hold for all groups below it, so the least one on the way up counts. Where the
// path of the process's group is not visible, as inside some containers, the top one seen is its
// own.
//
// Threads  pure functions of the files under `root`, which tests make themselves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace gameflow {

// Bytes. Nothing: no limit.
std::optional<std::uint64_t> control_group_memory_max(const std::filesystem::path& root = "/");

// Cores' worth of time, such as 1.5. Nothing: no limit.
std::optional<double> control_group_cpus_max(const std::filesystem::path& root = "/");

// How many threads find a core at the same time: at least 1, the least of what the process's
// affinity mask and its control groups give; parts of a core count as one.
std::uint32_t usable_cores();
std::uint32_t usable_cores(std::uint32_t affinity, const std::filesystem::path& root);

}  // namespace gameflow
