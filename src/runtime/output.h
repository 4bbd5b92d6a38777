// What a service appends to topics in an epoch, and what it stores of its rows, as part of the
// epoch's commit.
#pragma once

#include <optional>

#include "base/time.h"
#include "log/store.h"
#include "runtime/dead_letter.h"
#include "runtime/epoch.h"
#include "runtime/service.h"
#include "runtime/step.h"

namespace gameflow::runtime {

// Adds to `commit` dead letters, results of windows, records of pipes, late records and changed
// rows, in one order, whatever ran on which thread; counts them in `part.after`.
void write_output(const Service& service, Timestamp now, ServiceEpoch& part, log::Commit& commit);

// What failed first, by input and offset, whatever ran on which thread; else a row that ran out,
// else the result of a window. Nothing: all went well.
std::optional<Stop> first_failure(const Service& service, const ServiceEpoch& part);

// What the records of a delivery gave at the rows of their keys goes through the sinks to its
// output: in their order, whatever shards they went to. Behind the update of all shards.
void write_keyed_outputs(const Service& service, std::uint32_t delivery, RowReader* reader,
                         StepScratch& scratch, ServiceEpoch& part);
// The same with what rows said that ran out: in order of time, then key.
void write_expired(const Service& service, RowReader* reader, StepScratch& scratch,
                   ServiceEpoch& part);

}  // namespace gameflow::runtime
