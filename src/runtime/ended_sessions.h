// The sessions of a service in an epoch: which shards may have some that end, and what becomes of
// those that have. They leave the rows in the epoch that ends them, and are flushed in it,
// together.
//
// Threads  the thread that runs epochs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/time.h"
#include "runtime/epoch.h"
#include "runtime/flush.h"
#include "state/shard.h"

namespace gameflow::runtime {

using ShardsOfService = std::span<const std::unique_ptr<state::Shard>>;

// Adds to part.shards those of which the first timer is due: they have something to do. Whether
// there are any.
bool add_due_shards(ShardsOfService shards, Timestamp until, ServiceEpoch& part);

// Behind the update: what all shards have ended is one result that is due.
void settle_ended(ServiceEpoch& part);
WindowRows gather_ended(const ServiceEpoch& part);

// That are open.
std::size_t count_sessions(ShardsOfService shards);
// One of them may end with time.
bool has_sessions(ShardsOfService shards);

}  // namespace gameflow::runtime
