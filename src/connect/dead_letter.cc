#include "connect/dead_letter.h"

#include <iterator>

#include <fmt/format.h>

#include "record/codec.h"

namespace gameflow::connect {
namespace {

constexpr std::size_t kReasonBytesMax = 4096;

void add_text(std::string& json, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(json), ",\"{}\":", name);
  record::encode_json_string(text, json);
}

// As text where they are text, else as hex, so that nothing is lost.
void add_bytes(std::string& json, std::string_view name, std::string_view bytes) {
  if (record::is_valid_utf8(bytes)) return add_text(json, name, bytes);
  fmt::format_to(std::back_inserter(json), ",\"{}_hex\":\"", name);
  for (const char byte : bytes)
    fmt::format_to(std::back_inserter(json), "{:02x}", static_cast<unsigned char>(byte));
  json += '"';
}

}  // namespace

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
  // In JSON only white space can be a line end.
  for (std::size_t i = begin; i < lines.size(); ++i) {
    if (lines[i] == '\n' || lines[i] == '\r') lines[i] = ' ';
  }
  lines += "}\n";
}

void append_dead_letter(const DeadLetter& letter, std::string_view topic, std::string& lines) {
  std::string json = "{\"service\":";
  record::encode_json_string(fmt::format("connector/{}", letter.connector), json);
  add_text(json, "operator", "connect");
  add_text(json, "code", letter.code);
  if (!letter.field.empty()) add_text(json, "field", letter.field);
  add_text(json, "reason", letter.reason.substr(0, kReasonBytesMax));
  if (!letter.topic.empty()) add_text(json, "topic", letter.topic);
  if (letter.place) {
    fmt::format_to(std::back_inserter(json), ",\"partition\":{},\"offset\":{},\"timestamp\":{}",
                   letter.place->partition, letter.place->offset, letter.place->timestamp_ms);
  }
  if (letter.key) add_bytes(json, "key", *letter.key);
  add_bytes(json, "value", letter.value);
  json += '}';
  append_line(topic, std::nullopt, json, lines);
}

}  // namespace gameflow::connect
