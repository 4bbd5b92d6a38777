// A pause that a stop cuts short.
#pragma once

#include <chrono>
#include <stop_token>

namespace gameflow {

// Returns after `time`, or as soon as a stop is requested: then false.
bool sleep_unless_stopped(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace gameflow
