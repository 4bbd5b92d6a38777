// Runs a program and waits for it: the compiler.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"

namespace gameflow::opbuild {

struct ProcessLimits {
  std::chrono::seconds cpu_time_max{120};  // of each process started: a busy machine costs none
  std::chrono::milliseconds time_max{900'000};          // for one that only waits
  std::size_t output_bytes_max = 1U << 20;              // what is beyond is read and thrown away
  std::size_t memory_bytes_max = std::size_t{4} << 30;  // address space of each process started
};

struct ProcessResult {
  int exit_code = -1;  // -1 where a signal ended it
  // Of either kind: then it and everything it started has been killed, or the process that was too
  // long at work has.
  bool timed_out = false;
  std::string output;  // stdout and stderr, as they came
};

// Runs arguments[0] (a path) with what follows as it is, whatever a shell would make of it, with
// stdin empty, messages in English and no other file of this process open. kInternal: it could not
// be started.
Result<ProcessResult> run_process(const std::vector<std::string>& arguments,
                                  const ProcessLimits& limits = {});

}  // namespace gameflow::opbuild
