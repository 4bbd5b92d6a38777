#include "runtime/checkpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.h"
#include "plan/graph.h"
#include "record/type.h"
#include "state/layout.h"

namespace gameflow::runtime {
namespace {

// 2 has `closed_until`; with 3, windows that have closed may still have rows; with 4, rows may be
// gone, live without windows, and have times; 5 says of all windows what they are, and which
// results they have given, and counts records that were skipped.
constexpr std::uint8_t kFormat = 5, kFormatMin = 1;

constexpr std::uint64_t kStoredValuesMax = 4096;
constexpr std::uint64_t kStoredBytesMin = 16U << 20;
constexpr std::uint64_t kRewrittenAtOnce = 4U << 20;
static_assert(state::kShards == 64);  // a bit each

// Big-endian with the sign bit flipped: byte order is time order.
std::string ordered(std::uint64_t value) {
  value = __builtin_bswap64(value);
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::uint64_t unordered(std::string_view bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return __builtin_bswap64(value);
}
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

std::string rows_prefix(std::string_view service) {
  return fmt::format("segment/{}/", service);
}
// All keys that begin with `prefix`, which ends with a slash.
log::KeyRange below(const std::string& prefix) {
  std::string end = prefix;
  ++end.back();
  return {prefix, end};
}
constexpr std::string_view kServicePrefix = "service/";

void write_optional(ByteWriter& out, const std::optional<Timestamp>& time) {
  out.fixed<std::uint8_t>(time.has_value());
  if (time) out.signed_varint(time->ms);
}
std::optional<Timestamp> read_optional(ByteReader& in) {
  if (in.fixed<std::uint8_t>() == 0) return std::nullopt;
  return Timestamp{in.signed_varint()};
}

// Until format 4 windows were said by their size.
std::string windows_of(Duration size) {
  if (size.ms < 0) return plan::Keyed{}.windows();
  return size.ms == 0 ? "" : plan::text_of(plan::Tumbling{size, {}});
}

std::string_view shown(std::string_view windows) {
  return windows.empty() ? "no rows" : windows;
}

constexpr std::string_view kWaysOut =
    "give the service another name to start afresh beside it, or start with --clear-state SERVICE "
    "to throw away what it has counted (--from says where it goes on)";

Status match_windows(const ServiceRecord& record, std::string_view service,
                     const std::string& windows) {
  if (record.windows == windows) return {};
  return fail(ErrorCode::kStateMismatch,
              fmt::format("service '{}' has stored {}, the dataflow asks for {}: {}", service,
                          shown(record.windows), shown(windows), kWaysOut));
}

template <class Record, class Visit>
void for_each_counter(Record& counters, Visit&& visit) {
  for (auto* counter :
       {&counters.records_in, &counters.records_out, &counters.records_late, &counters.records_dead,
        &counters.records_future, &counters.records_expired, &counters.windows_closed}) {
    visit(*counter);
  }
}
// Since format 5.
template <class Record, class Visit>
void for_each_new_counter(Record& counters, Visit&& visit) {
  visit(counters.results_early);
  visit(counters.results_corrected);
  visit(counters.records_skipped);
}

}  // namespace

std::string encode(const ServiceRecord& record) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kFormat);
  out.text(record.windows);
  out.varint(record.states.size());
  for (const StoredState& state : record.states) {
    out.text(state.name);
    out.fixed(static_cast<std::uint8_t>(state.key));
    out.text(state.shape);
    out.fixed<std::uint8_t>(state.is_timed);
  }
  write_optional(out, record.watermark);
  write_optional(out, record.closed.until);
  write_optional(out, record.closed.gone_until);
  write_optional(out, record.fired_until);
  write_optional(out, record.emit_at);
  out.varint(record.unsaid.size());
  for (const Timestamp window : record.unsaid) out.signed_varint(window.ms);
  out.varint(record.inputs.size());
  for (const StoredInput& input : record.inputs) {
    out.text(input.topic);
    out.varint(input.topic_id.value);
    out.varint(input.partition);
    out.varint(input.next.value);
    write_optional(out, input.progress);
  }
  const auto write = [&out](std::uint64_t counter) { out.varint(counter); };
  for_each_counter(record.counters, write);
  for_each_new_counter(record.counters, write);
  return bytes;
}

Result<ServiceRecord> decode_service_record(std::string_view bytes, std::string_view service) {
  ByteReader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  if (format < kFormatMin || format > kFormat) {
    return fail(ErrorCode::kStateMismatch,
                fmt::format("the state of service '{}' has format {}, this gameflow reads up to "
                            "{}: use the gameflow that wrote it, or start with --clear-state "
                            "SERVICE --from TIME",
                            service, format, kFormat));
  }
  ServiceRecord record;
  if (format >= 5) {
    record.windows = in.text();
  } else {
    record.windows = windows_of({in.signed_varint()});
  }
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string name(in.text());
    const auto key = static_cast<record::Kind>(in.fixed<std::uint8_t>());
    std::string shape(in.text());
    const bool is_timed = format >= 4 && in.fixed<std::uint8_t>() != 0;
    record.states.push_back({name, key, std::move(shape), is_timed});
  }
  record.watermark = read_optional(in);
  if (format >= 2) record.closed.until = read_optional(in);
  // Rows of windows whose result was committed were gone.
  record.closed.gone_until = format >= 5 ? read_optional(in) : record.closed.until;
  if (format >= 5) {
    record.fired_until = read_optional(in);
    record.emit_at = read_optional(in);
    for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left)
      record.unsaid.push_back({in.signed_varint()});
  }
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    StoredInput input;
    input.topic = in.text();
    input.topic_id = {static_cast<std::uint32_t>(in.varint())};
    input.partition = static_cast<std::uint32_t>(in.varint());
    input.next = {in.varint()};
    input.progress = read_optional(in);
    record.inputs.push_back(std::move(input));
  }
  const auto read = [&in](std::uint64_t& counter) { counter = in.varint(); };
  for_each_counter(record.counters, read);
  if (format >= 5) for_each_new_counter(record.counters, read);
  if (!in.ok() || !in.at_end()) {
    return fail(ErrorCode::kDataCorrupt,
                fmt::format("the stored state of service '{}' is damaged: restore the data folder "
                            "from a copy, or start "
                            "with --clear-state SERVICE --from TIME",
                            service));
  }
  return record;
}

std::string service_key(std::string_view service) {
  return fmt::format("{}{}", kServicePrefix, service);
}

log::KeyRange service_keys() {
  return below(std::string(kServicePrefix));
}

std::string_view service_of(std::string_view service_key) {
  return service_key.substr(kServicePrefix.size());
}

std::string rows_key(std::string_view service, const RowsKey& key) {
  std::string bytes = rows_prefix(service);
  bytes += ordered(static_cast<std::uint64_t>(key.window.ms) ^ kSignBit);
  bytes += ordered(key.number);
  return bytes;
}

log::KeyRange rows_range(std::string_view service) {
  return below(rows_prefix(service));
}

std::optional<RowsKey> parse_rows_key(std::string_view service, std::string_view key) {
  const std::string prefix = rows_prefix(service);
  if (!key.starts_with(prefix) || key.size() != prefix.size() + 16) return std::nullopt;
  key.remove_prefix(prefix.size());
  return RowsKey{{static_cast<std::int64_t>(unordered(key) ^ kSignBit)}, unordered(key.substr(8))};
}

std::uint64_t StoredRows::rewrite_shards() {
  if (!rewrite) {
    const bool is_long =
        count() >= kStoredValuesMax || bytes_since_full > kStoredBytesMin + 4 * bytes_full;
    if (!is_long) return 0;
    rewrite = Rewrite{.from = next};
  }
  const std::uint64_t bytes = (bytes_full + bytes_since_full) / state::kShards + 1;
  const auto count = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(kRewrittenAtOnce / bytes, 1, state::kShards - rewrite->shards));
  const std::uint64_t shards = (~std::uint64_t{0} >> (64 - count)) << rewrite->shards;
  rewrite->shards += count;
  return shards;
}

std::vector<StoredState> stored_states(const plan::Keyed* keyed) {
  std::vector<StoredState> states;
  if (keyed == nullptr) return states;
  for (const plan::State& state : keyed->states)
    states.push_back({state.name, state.key, record::shape_of(*state.row), state.ttl.has_value()});
  return states;
}

Result<bool> keeps_rows(std::string_view service, const log::StateKv& store) {
  bool has_some = false;
  const Status status =
      store.scan(rows_range(service), [&has_some](std::string_view, std::string_view) -> Status {
        has_some = true;
        return fail(ErrorCode::kInternal, "one is enough");
      });
  if (!has_some) GF_TRY(status);
  return has_some;
}

Result<std::vector<state::RowSource>> match_states(const ServiceRecord& record,
                                                   std::string_view service,
                                                   const plan::Keyed* keyed, bool keeps) {
  GF_TRY(match_windows(record, service, keyed != nullptr ? keyed->windows() : ""));
  std::vector<state::RowSource> sources;
  const std::vector<StoredState> wanted = stored_states(keyed);
  for (const StoredState& stored : record.states) {
    const auto found = std::ranges::find(wanted, stored.name, &StoredState::name);
    if (found == wanted.end() || !keeps) {
      sources.emplace_back(-1);
      continue;
    }
    const auto number = static_cast<std::size_t>(found - wanted.begin());
    std::shared_ptr<const state::GrownRow> grown;
    if (found->shape != stored.shape)
      grown = state::GrownRow::from(*keyed->states[number].row, stored.shape);
    if (found->key != stored.key || (found->shape != stored.shape && grown == nullptr)) {
      return fail(ErrorCode::kStateMismatch,
                  fmt::format("state '{}' of service '{}' is stored as {} -> {}, the dataflow asks "
                              "for {} -> {}: {}",
                              stored.name, service, to_string(stored.key), stored.shape,
                              to_string(found->key), found->shape, kWaysOut));
    }
    sources.emplace_back(static_cast<int>(number), std::move(grown));
  }
  return sources;
}

// Without the last one the kind of the keys is not known.
std::vector<StoredState> stored_sides(const plan::Functions::Sides& sides) {
  return {{"left", record::Kind::kString, record::shape_of(*sides.left), false},
          {"right", record::Kind::kString, record::shape_of(*sides.right), false},
          {"key", sides.key, "", false}};
}

Result<FormerSides> match_join(const ServiceRecord& record, std::string_view service,
                               const plan::Join& join, const plan::Functions::Sides& sides,
                               bool keeps) {
  GF_TRY(match_windows(record, service, join.events()));
  FormerSides former;
  if (!keeps) return former;
  for (const StoredState& stored : record.states) {
    if (stored.name == "key") {
      if (stored.key == sides.key) continue;
      return fail(ErrorCode::kStateMismatch,
                  fmt::format("the events that service '{}' keeps have keys of type {}, the "
                              "dataflow asks for {}: {}",
                              service, to_string(stored.key), to_string(sides.key), kWaysOut));
    }
    const bool is_left = stored.name == "left";
    const record::Type& now = is_left ? *sides.left : *sides.right;
    const std::string shape = record::shape_of(now);
    if (stored.shape == shape) continue;
    auto& grown = is_left ? former.left : former.right;
    grown = record::GrownValue::from(now, stored.shape);
    if (grown != nullptr) continue;
    return fail(ErrorCode::kStateMismatch,
                fmt::format("the {} events that service '{}' keeps are stored as {}, the dataflow "
                            "asks for {}, and only fields that are optional or have a default may "
                            "be new: {}",
                            stored.name, service, stored.shape, shape, kWaysOut));
  }
  return former;
}

}  // namespace gameflow::runtime
