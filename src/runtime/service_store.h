// What the store keeps of a service between epochs, and its bytes. Format: docs/formats/state.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/plan.h"

namespace gameflow::runtime {

struct Counters {
  std::uint64_t records_in = 0, records_out = 0, records_late = 0, records_dead = 0;
  std::uint64_t records_future = 0, records_expired = 0, windows_closed = 0;
};

// A state as it is stored: rows of another key or shape cannot be read into it.
struct StoredState {
  std::string name;
  record::Kind key;
  std::string shape;
};

// Where a service stands in one partition.
struct StoredInput {
  std::string topic;
  log::TopicId topic_id;
  std::uint32_t partition = 0;
  log::Offset next;
  std::optional<Timestamp> progress;
};

// Everything but the rows, which are in segments.
struct ServiceRecord {
  Duration window_size;
  std::vector<StoredState> states;
  std::optional<Timestamp> watermark;
  std::optional<Timestamp> open_from;  // windows that start before this were flushed
  std::vector<StoredInput> inputs;
  Counters counters;
};

std::string encode(const ServiceRecord& record);
// kDataCorrupt, or kStateMismatch for a format of a newer gameflow.
Result<ServiceRecord> decode_service_record(std::string_view bytes, std::string_view service);

// Keys. Those of one window lie together, in order of segment.
std::string service_key(std::string_view service);
std::string segment_key(std::string_view service, Timestamp window, std::uint64_t segment);
log::KeyRange window_range(std::string_view service, Timestamp window);
log::KeyRange segments_range(std::string_view service);  // all windows
struct SegmentId {
  Timestamp window;
  std::uint64_t segment;
};
std::optional<SegmentId> parse_segment_key(std::string_view service, std::string_view key);

// States of `now` in the order of the plan.
std::vector<StoredState> stored_states(const plan::ServicePlan& service);

// For every stored state its number in the plan, or -1 if it is gone. kStateMismatch if one has
// changed its key or its row, or the window its size; the message names the ways out.
Result<std::vector<int>> match_states(const ServiceRecord& record,
                                      const plan::ServicePlan& service);

}  // namespace gameflow::runtime
