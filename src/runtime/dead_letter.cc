#include "runtime/dead_letter.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "record/dead_letter_json.h"

namespace gameflow::runtime {

std::string to_json(const DeadLetter& letter) {
  record::DeadLetterJson json(letter.service);
  json.text("operator", letter.op);
  json.text("code", to_string(letter.code));
  if (!letter.field.empty()) json.text("field", letter.field);
  json.reason(letter.reason, letter.subject);
  if (letter.window_start) json.number("window_start", letter.window_start->ms);
  if (letter.window_end) json.number("window_end", letter.window_end->ms);
  if (letter.row_key) json.bytes("row_key", *letter.row_key);
  if (const auto& origin = letter.origin) {
    json.text("topic", origin->topic);
    if (origin->offset) {
      json.number("partition", origin->partition);
      json.number("offset", origin->offset->value);
    }
    json.number("timestamp", origin->record.timestamp.ms);
    if (origin->record.key) json.bytes("key", *origin->record.key);
    json.bytes("value", origin->record.value);
  }
  return std::move(json).take();
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
  stop.reason.resize(std::min(stop.reason.size(), record::DeadLetterJson::kReasonBytesMax));
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
