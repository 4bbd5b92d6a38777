#include "runtime/dead_letter.h"

#include <algorithm>

#include <fmt/format.h>

#include "record/codec.h"

namespace gameflow::runtime {
namespace {

constexpr std::size_t kReasonBytesMax = 4096;

void add_text(std::string& json, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(json), ",\"{}\":", name);
  record::encode_json_string(text, json);
}

// The original bytes: as text where they are text, else as hex, so that nothing is lost.
void add_bytes(std::string& json, std::string_view name, std::string_view bytes) {
  if (record::is_valid_utf8(bytes)) return add_text(json, name, bytes);
  fmt::format_to(std::back_inserter(json), ",\"{}_hex\":\"", name);
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(json), "{:02x}", static_cast<unsigned char>(byte));
  }
  json += '"';
}

}  // namespace

std::string to_json(const DeadLetter& letter) {
  std::string json = "{\"service\":";
  record::encode_json_string(letter.service, json);
  add_text(json, "operator", letter.op);
  add_text(json, "code", to_string(letter.code));
  if (!letter.field.empty()) add_text(json, "field", letter.field);
  const std::string about = letter.subject.empty() ? "" : fmt::format(" ({})", letter.subject);
  add_text(json, "reason", letter.reason.substr(0, kReasonBytesMax) + about);
  auto out = std::back_inserter(json);
  if (letter.window_start) fmt::format_to(out, ",\"window_start\":{}", letter.window_start->ms);
  if (letter.window_end) fmt::format_to(out, ",\"window_end\":{}", letter.window_end->ms);
  if (letter.row_key) add_bytes(json, "row_key", *letter.row_key);
  if (const auto& origin = letter.origin) {
    add_text(json, "topic", origin->topic);
    if (origin->offset)
      fmt::format_to(out, ",\"partition\":{},\"offset\":{}", origin->partition,
                     origin->offset->value);
    fmt::format_to(out, ",\"timestamp\":{}", origin->record.timestamp.ms);
    if (origin->record.key) add_bytes(json, "key", *origin->record.key);
    add_bytes(json, "value", origin->record.value);
  }
  return json += '}';
}

Stop stop_at(const DeadLetter& letter) {
  Stop stop{.op = std::string(letter.op),
            .reason = letter.field.empty() ? letter.reason
                                           : fmt::format("{}: {}", letter.field, letter.reason),
            .topic = {},
            .partition = 0,
            .offset = {},
            .window_start = letter.window_start,
            .subject = letter.subject};
  stop.reason.resize(std::min(stop.reason.size(), kReasonBytesMax));
  if (!letter.origin) return stop;
  stop.topic = letter.origin->topic;
  stop.partition = letter.origin->partition;
  stop.offset = letter.origin->offset.value_or(record::Offset{});
  return stop;
}

std::string to_text(std::string_view service, const Stop& stop) {
  std::string where = stop.subject.empty() ? "a row that ran out" : stop.subject;
  if (stop.window_start)
    where = fmt::format("the window from {}", format_timestamp(*stop.window_start));
  if (!stop.topic.empty()) {
    where = fmt::format("topic '{}' partition {} offset {}", stop.topic, stop.partition,
                        stop.offset.value);
  }
  return fmt::format(
      "service '{}' has stopped at {}: '{}' failed: {}. Its 'on-error' is 'fail': mend the "
      "operator "
      "or change 'on-error', and restart; it goes on from there",
      service, where, stop.op, stop.reason);
}

}  // namespace gameflow::runtime
