// The join of one service: what its shards keep, and its part of each epoch.
//
// Threads  update_shard may run in parallel for different shards; all else on the thread that runs
//          epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "record/type.h"
#include "runtime/checkpoint.h"
#include "runtime/epoch.h"
#include "runtime/forgetting.h"
#include "runtime/join_buffer.h"
#include "runtime/join_update.h"
#include "runtime/service.h"
#include "runtime/stats.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class Joining {
 public:
  // `service` outlives this, and has a join.
  explicit Joining(const Service& service);

  // What the store holds. Events whose type has grown are stored anew by the commit. kDataCorrupt.
  // `forgetting`: as runtime::Options.
  Status restore(const log::Store& store, const FormerSides& former, Forgetting* forgetting,
                 log::Commit& commit);

  // What is decided by the end of the epoch, and which shards have something to do.
  void decide(Timestamp now, ServiceEpoch& part) const;
  // For those of part.shards; part.joined has one a worker.
  void update_shard(std::uint32_t shard, std::uint32_t worker, JoinUpdate& update,
                    RowReader* reader, ServiceEpoch& part);
  void write(ServiceEpoch& part, log::Commit& commit) const;
  void commit(ServiceEpoch& part);
  void revert();

  // Something may be due without any input.
  bool waits_for_time() const { return !stored_.empty(); }
  std::uint64_t bytes() const;
  void add_to(ServiceStats& stats) const;

 private:
  // Events that lie in one bucket.
  using EventsById = std::map<std::pair<std::uint32_t, std::uint64_t>, JoinBuffer::Event*>;
  Status restore_value(window::Span bucket, std::string_view value, const FormerSides& former,
                       EventsById& read);
  bool is_forgotten(std::string_view key, const record::Type& type, const void* event);
  void rewrite(log::Commit& commit);
  Error damaged() const;

  const Service& service_;
  std::vector<std::unique_ptr<JoinBuffer>> shards_;
  std::map<Timestamp, StoredRows> stored_;  // by bucket, of all that there are
  // While they are read.
  Forgetting* forgetting_ = nullptr;
  bool has_forgotten_ = false;
};

}  // namespace gameflow::runtime
