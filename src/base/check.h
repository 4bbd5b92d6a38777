// Invariants that cost little, checked in release builds too: what must hold whatever the input is.
//
// A broken one is a bug in gameflow. Going on could write wrong numbers, so the program ends, with
// the place and the condition on stderr; what was committed is safe, and a restart begins there.
#pragma once

namespace gameflow {

[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace gameflow

// GF_CHECK(offset >= last): `condition` is evaluated in every build.
#define GF_CHECK(condition)               \
  (static_cast<bool>(condition) ? void(0) \
                                : ::gameflow::check_failed(#condition, __FILE__, __LINE__))
