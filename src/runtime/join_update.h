// Behind the exchange of a join: one shard takes its events from all chunks, in their order, puts
// together what meets, and puts what is new into the form in which it is stored.
//
// Threads  different shards run side by side; a JoinUpdate belongs to one worker at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/abi.h>

#include "base/bytes.h"
#include "base/time.h"
#include "record/type.h"
#include "runtime/delivery.h"
#include "runtime/join_buffer.h"
#include "runtime/keyed.h"
#include "runtime/row_reader.h"
#include "runtime/service.h"
#include "state/table.h"
#include "window/assigner.h"

namespace gameflow::runtime {

// An event on its way to the shard of its key: what its value in the exchange points to. The worker
// of its chunk makes it while the event is in the caches (of `engine/join`, 2 M events: shards took
// 1.9 s with events that they encoded from where they lay, and take 0.7 s with these, whose making
// takes 0.15 s).
struct JoinArrival {
  const void* value;
  Optional<Text> record_key;  // of a left one
  std::string_view stored;    // as JoinBuffer::Event; lies behind this
};

// The same for all shards of a service in an epoch.
struct JoinRules {
  std::span<const Delivery* const> deliveries;   // in order of input and offset
  const std::set<Timestamp>* refused = nullptr;  // buckets that may not open
  // As the epoch begins and as it ends: what left events meet is decided up to it.
  std::optional<Timestamp> decided_before, decided_until;
  RowReader* reader = nullptr;  // of the worker
};

class JoinUpdate {
 public:
  // Changes the buffer; `stored` gets what is to be stored, by bucket.
  void run(const Service& service, std::uint32_t shard, JoinBuffer& buffer, const JoinRules& rules,
           ShardOutcome& outcome, RowValues::ByWindow& stored);

 private:
  static constexpr std::size_t kBatch = 512;

  struct Work {
    const Service& service;
    std::uint32_t shard;
    JoinBuffer& buffer;
    const JoinRules& rules;
    ShardOutcome& outcome;

    const BoundJoin& join() const { return *service.join; }
  };
  void take(const Work& work, std::uint32_t delivery);
  static JoinBuffer::Event& keep(const Work& work, const JoinArrival& arrival, Timestamp time,
                                 const state::Probe& key, window::Span bucket, Side side);
  void meet(const Work& work, JoinBuffer::Event& event);
  void add_pair(const Work& work, JoinBuffer::Event& left, JoinBuffer::Event* right);
  void give_lone(const Work& work);
  void apply(const Work& work);
  std::uint32_t call(const Work& work, List<abi::Emitted>& out);
  void clear_batch();
  static void decode(const Work& work, JoinBuffer::Event& event);
  void store(const Work& work, RowValues::ByWindow& stored);

  // The record at hand.
  struct Record {
    std::uint32_t delivery, record, number;
  };
  Record at_{};
  // A batch for the function.
  std::vector<const void*> left_, right_;
  std::vector<i64> times_;
  std::vector<Optional<Text>> record_keys_;
  std::vector<Text> row_keys_;
  std::vector<Record> records_;  // of pairs: the later of both
  std::vector<abi::RecordError> errors_;
};

// Entries of a stored value, which all lie in one bucket.
class JoinEntries {
 public:
  explicit JoinEntries(std::string_view value) : in_(value) {}

  struct Entry {
    std::uint32_t shard = 0;
    std::uint64_t number = 0;
    bool is_now_met = false;  // no more than that is said: an earlier entry has the rest
    Side side = Side::kLeft;
    bool has_met = false;
    Timestamp time;
    std::string_view key, stored;
  };
  // Nothing: the value ends, or ok() is false.
  std::optional<Entry> next();
  bool ok() const { return in_.ok(); }

  // Adds the event; or that it has met one.
  static void add(std::uint32_t shard, const JoinBuffer::Event& event,
                  std::vector<std::string>& values);
  static void add_met(std::uint32_t shard, const JoinBuffer::Event& event,
                      std::vector<std::string>& values);
  // What Event::stored holds.
  static void write_event(const Optional<Text>& record_key, const record::Type& type,
                          const void* value, ByteWriter& out);

 private:
  ByteReader in_;
};

}  // namespace gameflow::runtime
