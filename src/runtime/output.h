// What a service appends to topics in an epoch, and what it stores of its rows, as part of the
// epoch's commit.
#pragma once

#include "base/time.h"
#include "log/store.h"
#include "runtime/epoch.h"
#include "runtime/service.h"

namespace gameflow::runtime {

// Adds to `commit` dead letters, results of windows, records of pipes, late records and changed
// rows, in one order, whatever ran on which thread; counts them in `part.after`.
void write_output(const Service& service, Timestamp now, ServiceEpoch& part, log::Commit& commit);

}  // namespace gameflow::runtime
