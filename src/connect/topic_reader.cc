#include "connect/topic_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/url_encode.h"
#include "client/json_text.h"
#include "client/record_line.h"
#include "record/base64.h"

namespace gameflow::connect {
namespace {

constexpr std::uint64_t kPageRecordsMax = 10'000;

// What a text of JSON has in base64.
Result<std::string> bytes_of(std::string_view json) {
  constexpr std::string_view kQuote = "\"";
  if (json.size() >= 2 && json.starts_with(kQuote) && json.ends_with(kQuote)) {
    json = json.substr(1, json.size() - 2);
    std::string bytes(record::base64_size_max(json), '\0');
    const std::ptrdiff_t size =
        record::decode_base64(json, reinterpret_cast<std::uint8_t*>(bytes.data()));
    if (size >= 0) {
      bytes.resize(static_cast<std::size_t>(size));
      return bytes;
    }
  }
  return fail(ErrorCode::kUnavailable, "the answer is not that of a gameflow server");
}

}  // namespace

Status TopicReader::read_partition(const Range& range, std::uint64_t& next, Page& page) {
  auto reply = server_.get_text(
      fmt::format("/topics/{}/records?partition={}&offset={}&limit={}{}", url_encode(*range.topic),
                  range.partition, next, kPageRecordsMax, range.as_bytes ? "&values=base64" : ""));
  // Retention was quicker: the next round begins at what there is.
  if (!reply && reply.error().code == ErrorCode::kOffsetOutOfRange) return {};
  if (!reply) return fail(std::move(reply).error());
  page.bytes += reply->body.size();
  page.texts.push_back(std::move(reply->body));
  std::string_view rest = page.texts.back();
  // Of what compaction has removed there is nothing to read.
  if (rest.empty()) next = range.end;
  while (!rest.empty()) {
    const std::size_t length = std::min(rest.find('\n'), rest.size());
    GF_ASSIGN(const client::RecordLine line, client::parse_record_line(rest.substr(0, length)));
    rest.remove_prefix(std::min(length + 1, rest.size()));
    Delivery record{
        .topic = *range.topic,
        .partition = range.partition,
        .offset = client::number_at(line.head, "offset"),
        .timestamp_ms = static_cast<std::int64_t>(client::number_at(line.head, "timestamp")),
        .value = line.value};
    if (const auto* key = line.head.if_contains("key"); key != nullptr && key->is_string()) {
      page.texts.emplace_back(key->get_string());
      record.key = page.texts.back();
    }
    if (range.as_bytes) {
      GF_ASSIGN(std::string bytes, bytes_of(line.value));
      page.texts.push_back(std::move(bytes));
      record.value = page.texts.back();
    }
    next = record.offset + 1;
    page.records.push_back(record);
  }
  return {};
}

Result<Page> TopicReader::read(Positions& next, std::size_t bytes) {
  std::vector<Range> ranges;
  for (const std::string& topic : topics_) {
    GF_ASSIGN(const boost::json::object described, server_.get("/topics/" + url_encode(topic)));
    const boost::json::value* const raw = described.if_contains("raw");
    const bool as_bytes = takes_bytes_ && raw != nullptr && !raw->is_null();
    for (const auto& item : client::array_at(described, "partitions")) {
      const auto& object = item.as_object();
      const auto number = static_cast<std::uint32_t>(client::number_at(object, "partition"));
      if (partition_ && *partition_ != number) continue;
      ranges.push_back({.topic = &topic,
                        .as_bytes = as_bytes,
                        .partition = number,
                        .begin = client::number_at(object, "begin"),
                        .end = client::number_at(object, "end")});
    }
  }
  if (ranges.empty()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("topic '{}' has no partition {}",
                                                         topics_.front(), partition_.value_or(0)));
  }
  Page page;
  for (std::size_t i = 0; i < ranges.size() && page.bytes < bytes; ++i) {
    const Range& range = ranges[(first_ + i) % ranges.size()];
    auto& at = next.try_emplace({*range.topic, range.partition}, range.begin).first->second;
    if (at < range.begin) {
      tell_(
          fmt::format("topic '{}' partition {}: records {} to {} are gone, retention has removed "
                      "them",
                      *range.topic, range.partition, at, range.begin - 1));
      at = range.begin;
    } else if (at > range.end) {
      tell_(
          fmt::format("topic '{}' partition {}: it ends at {}, though {} was read before: the "
                      "topic is a new one; going on at its first record",
                      *range.topic, range.partition, range.end, at - 1));
      at = range.begin;
    }
    if (at < range.end) GF_TRY(read_partition(range, at, page));
  }
  first_ = (first_ + 1) % ranges.size();
  return page;
}

}  // namespace gameflow::connect
