#include "app/dead_letters/letters.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/hex.h"
#include "base/url_encode.h"
#include "client/json_text.h"
#include "record/moment.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kPageRecords = 1'000;

// The producers of a letter.
constexpr std::string_view kSent = "sent", kRefused = "refused";

std::optional<std::string> bytes_at(const json::object& object, const std::string& name) {
  if (object.contains(name)) return client::text_at(object, name);
  if (!object.contains(name + "_hex")) return std::nullopt;
  return from_hex(client::text_at(object, name + "_hex"));
}

Timestamp time_at(const json::object& object, std::string_view name) {
  return {static_cast<std::int64_t>(client::number_at(object, name))};
}

// A line of GET /topics/TOPIC/records.
Result<DeadLetter> letter_of(std::string_view line) {
  boost::system::error_code error;
  const json::value read = json::parse(std::string(line), error);
  const json::value* const value =
      !error && read.is_object() ? read.get_object().if_contains("value") : nullptr;
  if (value == nullptr || !value->is_object())
    return fail(ErrorCode::kUnavailable, "there is something else than dead letters in that topic");
  const json::object& record = read.get_object();
  const json::object& letter = value->get_object();
  DeadLetter out{.partition = client::number_at(record, "partition"),
                 .offset = client::number_at(record, "offset"),
                 .time = time_at(record, "timestamp"),
                 .service = client::text_at(letter, "service"),
                 .operator_name = client::text_at(letter, "operator"),
                 .code = client::text_at(letter, "code"),
                 .field = client::text_at(letter, "field"),
                 .reason = client::text_at(letter, "reason"),
                 .record = {},
                 .window_start = {},
                 .json = letter};
  if (letter.contains("window_start")) out.window_start = time_at(letter, "window_start");
  if (letter.contains("topic")) {
    out.record = DeadLetter::Record{.topic = client::text_at(letter, "topic"),
                                    .is_stored = letter.contains("offset"),
                                    .partition = client::number_at(letter, "partition"),
                                    .offset = client::number_at(letter, "offset"),
                                    .time = time_at(letter, "timestamp"),
                                    .key = bytes_at(letter, "key"),
                                    .value = bytes_at(letter, "value").value_or("")};
  }
  return out;
}

// An ISO time, or a duration back from `now`.
Result<std::optional<Timestamp>> bound(const std::optional<std::string>& text, const char* flag,
                                       Timestamp now) {
  if (!text) return std::optional<Timestamp>();
  if (const auto time = record::parse_moment(*text, now)) return time;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is '{}': it must be a time such as 2024-11-12T10:15:30Z, or a "
                          "duration back from now such as 1h",
                          flag, *text));
}

bool takes(const DeadLetterFilter& filter, const DeadLetter& letter) {
  const auto fits = [](const std::string& wanted, const std::string& has) {
    return wanted.empty() || wanted == has;
  };
  return fits(filter.service, letter.service) && fits(filter.code, letter.code) &&
         fits(filter.operator_name, letter.operator_name);
}

}  // namespace

std::string DeadLetter::id() const {
  return fmt::format("{}:{}", partition, offset);
}

std::string DeadLetter::without_record() const {
  if (window_start)
    return fmt::format("it has no record: it is about the result of the window from {}",
                       format_timestamp(*window_start));
  return fmt::format("it has no record: '{}' failed with {}", operator_name, reason);
}

Result<DeadLetters> DeadLetters::open(client::Http& http) {
  DeadLetters letters(http);
  const auto dataflow = client::object_of(http.get("/dataflow"));
  if (!dataflow && dataflow.error().code == ErrorCode::kUnavailable) return fail(dataflow.error());
  letters.topic_ = dataflow ? client::text_at(*dataflow, "dead_letter_topic") : "dead-letters";
  GF_ASSIGN(const json::object topics, client::object_of(http.get("/topics")));
  letters.now_ = time_at(topics, "now");
  for (const json::value& value : client::array_at(topics, "topics")) {
    const json::object& topic = value.as_object();
    if (client::text_at(topic, "name") != letters.topic_) continue;
    letters.topic_id_ = client::number_at(topic, "id");
    for (const json::value& partition : client::array_at(topic, "partitions")) {
      const json::object& described = partition.as_object();
      letters.partitions_.push_back({.number = client::number_at(described, "partition"),
                                     .begin = client::number_at(described, "begin"),
                                     .end = client::number_at(described, "end")});
    }
  }
  return letters;
}

Status DeadLetters::read(const Partition& partition, std::uint64_t from, std::uint64_t count,
                         const std::function<void(DeadLetter)>& take) const {
  const std::uint64_t end = std::min(partition.end, from + count);
  while (from < end) {
    GF_ASSIGN(const client::HttpReply reply,
              client::expect_success(http_->get(fmt::format(
                  "/topics/{}/records?partition={}&offset={}&limit={}", url_encode(topic_),
                  partition.number, from, std::min(kPageRecords, end - from)))));
    if (reply.body.empty()) return {};
    std::string_view rest = reply.body;
    while (!rest.empty()) {
      const std::size_t line = std::min(rest.find('\n'), rest.size());
      GF_ASSIGN(DeadLetter letter, letter_of(rest.substr(0, line)));
      rest.remove_prefix(std::min(line + 1, rest.size()));
      from = letter.offset + 1;
      if (letter.offset < end) take(std::move(letter));
    }
  }
  return {};
}

Status DeadLetters::each(const DeadLetterFilter& filter,
                         const std::function<void(DeadLetter)>& take) const {
  GF_ASSIGN(const auto since, bound(filter.since, "--since", now_));
  GF_ASSIGN(const auto until, bound(filter.until, "--until", now_));
  for (const Partition& partition : partitions_) {
    GF_TRY(
        read(partition, partition.begin, partition.end - partition.begin, [&](DeadLetter letter) {
          if (since && letter.time < *since) return;
          if (until && letter.time >= *until) return;
          if (takes(filter, letter)) take(std::move(letter));
        }));
  }
  return {};
}

Result<DeadLetter> DeadLetters::find(const std::string& id) const {
  std::uint64_t partition = 0, offset = 0;
  const char* const end = id.data() + id.size();
  const auto first = std::from_chars(id.data(), end, partition);
  const bool has_both = first.ec == std::errc{} && first.ptr != end && *first.ptr == ':';
  const auto second = std::from_chars(has_both ? first.ptr + 1 : end, end, offset);
  if (!has_both || second.ec != std::errc{} || second.ptr != end) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no dead letter: it is PARTITION:OFFSET, as 'gameflow "
                            "dead-letters list' shows it",
                            id));
  }
  std::optional<DeadLetter> found;
  for (const Partition& at : partitions_) {
    if (at.number != partition || offset < at.begin || offset >= at.end) continue;
    GF_TRY(read(at, offset, 1, [&](DeadLetter letter) {
      if (letter.offset == offset) found = std::move(letter);
    }));
  }
  if (!found) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no dead letter {} in topic '{}'", id, topic_));
  }
  return std::move(*found);
}

std::string DeadLetters::record_of(const DeadLetter& letter) const {
  if (!letter.record || !letter.record->is_stored)
    return fmt::format("{}-{}-{}", topic_id_, letter.partition, letter.offset);
  const DeadLetter::Record& record = *letter.record;
  return fmt::format("of-{}-{}-{}-{}", record.topic, record.partition, record.offset,
                     record.time.ms);
}

// What was done with a record is known to its topic, which remembers how far each producer is:
// there is one for each record, so the server knows a second replay for a duplicate, whoever sends
// it, and for whichever of its letters. One that it refuses takes a number too; a second producer
// counts these. Where topics are made anew, their ids and the times of records are other ones.
std::string DeadLetters::producer_of(const DeadLetter& letter, std::string_view what) const {
  return fmt::format("dead-letter-{}-{}", record_of(letter), what);
}

Result<std::uint64_t> DeadLetters::next_sequence(const DeadLetter& letter,
                                                 std::string_view what) const {
  GF_ASSIGN(const json::object answer,
            client::object_of(
                http_->get(fmt::format("/topics/{}/producers/{}", url_encode(letter.record->topic),
                                       producer_of(letter, what)))));
  return client::number_at(answer, "next_sequence");
}

Result<bool> DeadLetters::was_replayed(const DeadLetter& letter) const {
  if (!letter.record) return false;
  GF_ASSIGN(const std::uint64_t sent, next_sequence(letter, kSent));
  if (sent == 0) return false;
  GF_ASSIGN(const std::uint64_t refused, next_sequence(letter, kRefused));
  return sent > refused;
}

Status DeadLetters::note_refusal(const DeadLetter& letter, std::uint64_t sequence) const {
  // No topic takes half an object.
  GF_TRY(http_->request(
      "POST",
      fmt::format("/topics/{}/records?producer={}&sequence={}", url_encode(letter.record->topic),
                  producer_of(letter, kRefused), sequence),
      "application/x-ndjson", "{\n"));
  return {};
}

Result<bool> DeadLetters::replay(const DeadLetter& letter, bool again) const {
  if (!letter.record) {
    return fail(ErrorCode::kInvalidArgument, letter.without_record());
  }
  const DeadLetter::Record& record = *letter.record;
  GF_ASSIGN(const std::uint64_t sent, next_sequence(letter, kSent));
  GF_ASSIGN(const std::uint64_t refused, next_sequence(letter, kRefused));
  if (!again && sent > refused) return false;
  std::string target = fmt::format("/topics/{}/records?producer={}&sequence={}&deduplicate=false",
                                   url_encode(record.topic), producer_of(letter, kSent), sent);
  if (record.key) target += "&key=" + url_encode(*record.key);
  // In an array: a record that is an array itself must not become several.
  const auto reply = http_->request("POST", target, "application/json", "[" + record.value + "]");
  if (!reply) return fail(reply.error());
  boost::system::error_code error;
  const json::value answer = json::parse(reply->body, error);
  if (!error && answer.is_object()) {
    const json::array& errors = client::array_at(answer.get_object(), "errors");
    if (!errors.empty()) {
      GF_TRY(note_refusal(letter, refused));
      const json::object& why = errors.front().as_object();
      const std::string field = client::text_at(why, "field");
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("topic '{}' does not take it: {}{}{}", record.topic, field,
                              field.empty() ? "" : ": ", client::text_at(why, "message")));
    }
  }
  GF_ASSIGN(const json::object stored, client::object_of(*reply));
  return client::number_at(stored, "accepted") > 0;
}

}  // namespace gameflow::app
