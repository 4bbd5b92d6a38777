#include "api/envelopes.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "api/unwrap.h"
#include "record/batch.h"
#include "record/envelope.h"
#include "record/json_split.h"

namespace gameflow::api {
namespace {

constexpr std::array<std::string_view, 4> kMembers{"topic", "key", "value", "partition"};

}  // namespace

Envelopes::Envelopes(Turns& turns, CheckScratch& scratch, const FindTopic& find,
                     const ProduceOptions& options, bool have_topics, Timestamp now,
                     std::uint64_t known, CheckedBody& out)
    : turns_(turns),
      scratch_(scratch),
      find_(find),
      settings_{.format = BodyFormat::kJson,
                .key_field = {},
                .value_place = "value",
                .key_place = "key",
                .now = now,
                .deduplicates = options.deduplicates,
                .known = known},
      have_topics_(have_topics),
      are_keyed_(options.are_keyed),
      is_unwrapped_(options.unwrap.has_value()),
      out_(out) {}

void Envelopes::add(std::string_view record, std::size_t bytes_after) {
  scratch_.envelope_arena.reset();
  if (bytes_after < record::kPaddingBytes) {
    record = out_.padded(record);
    bytes_after = record::kPaddingBytes;
  }
  record::Decoder& decoder = scratch_.envelope_decoder;
  record::Envelope envelope;
  const auto decode = have_topics_ ? record::decode_envelope : record::decode_keyed;
  if (!decode(decoder, record, scratch_.envelope_arena, envelope)) {
    const record::DecodeError& error = decoder.error();
    const bool may_be_wrapped = error.code == ErrorCode::kMissingField && !is_unwrapped_;
    return out_.reject(
        error.field, error.code,
        error.message + (may_be_wrapped ? unwrap_hint(record, nullptr) : std::string()));
  }
  const char* const record_end = record.data() + record.size();
  const char* const value_end = envelope.value.data() + envelope.value.size();
  // A short value lies elsewhere, in the arena.
  const bool is_inside = envelope.value.data() >= record.data() && value_end <= record_end;
  std::string_view around = record;  // of a value that may be long
  if (is_inside) {
    around_.assign(record.data(), envelope.value.data()).append("0").append(value_end, record_end);
    around = around_;
  }
  if (const auto name = record::repeated_member(around, kMembers))
    return out_.reject(std::string(*name), ErrorCode::kWrongType,
                       fmt::format("the record has '{}' twice: which one counts?", *name));
  if (are_keyed_ && envelope.value == "null")
    return out_.reject("value", ErrorCode::kWrongType,
                       "null would delete what has the key; records are not deleted here");
  if (are_keyed_ && envelope.names_partition)
    return out_.reject("partition", ErrorCode::kInvalidArgument,
                       "the key says which partition a record goes to, so that equal keys keep "
                       "their order; without a key they take turns: leave 'partition' out");
  Found& found = find(envelope.topic);
  if (!found.checker) return out_.reject("topic", found.error.code, found.error.message);
  found.checker->add(
      envelope.key, envelope.value,
      is_inside ? bytes_after + static_cast<std::size_t>(record_end - value_end) : 0);
}

void Envelopes::finish() {
  for (auto& [name, found] : found_) {
    if (found.checker) found.checker->finish();
  }
}

Envelopes::Found& Envelopes::find(std::string_view name) {
  if (const auto known = found_.find(name); known != found_.end()) return known->second;
  Found& found = found_[std::string(name)];
  if (auto to = find_(name)) {
    found.to = *std::move(to);
    found.checker.emplace(turns_, scratch_, found.to, settings_, out_);
  } else {
    found.error = std::move(to).error();
  }
  return found;
}

}  // namespace gameflow::api
