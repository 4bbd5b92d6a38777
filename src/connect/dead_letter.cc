#include "connect/dead_letter.h"

#include <utility>

#include <fmt/format.h>

#include "connect/support/record_json.h"
#include "record/codec.h"
#include "record/dead_letter_json.h"

namespace gameflow::connect {

void append_line(std::string_view topic, const std::optional<std::string_view>& key,
                 std::string_view value, std::string& lines) {
  lines += "{\"topic\":";
  record::encode_json_string(topic, lines);
  lines += ",\"key\":";
  if (key) {
    record::encode_json_string(*key, lines);
  } else {
    lines += "null";
  }
  lines += ",\"value\":";
  const std::size_t begin = lines.size();
  lines += value;
  join_lines(lines, begin);
  lines += "}\n";
}

void append_dead_letter(const DeadLetter& letter, std::string_view topic, std::string& lines) {
  record::DeadLetterJson json(fmt::format("connector/{}", letter.connector));
  json.text("operator", "connect");
  json.text("code", letter.code);
  if (!letter.field.empty()) json.text("field", letter.field);
  json.reason(letter.reason);
  if (!letter.topic.empty()) json.text("topic", letter.topic);
  if (letter.place) {
    json.number("partition", letter.place->partition);
    json.number("offset", letter.place->offset);
    json.number("timestamp", letter.place->timestamp_ms);
  }
  if (letter.key) json.bytes("key", *letter.key);
  json.bytes("value", letter.value);
  append_line(topic, std::nullopt, std::move(json).take(), lines);
}

}  // namespace gameflow::connect
