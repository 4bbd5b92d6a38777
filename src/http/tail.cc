#include "http/tail.h"

#include <algorithm>

#include <fmt/format.h>

#include "http/reply.h"
#include "record/batch.h"
#include "record/moment.h"

namespace gameflow::http {

namespace {

Result<Position> parse_position_in_time(std::string_view text, std::string_view name,
                                        Timestamp now) {
  if (const auto time = record::parse_moment(text, now))
    return Position{Position::Kind::kTime, 0, *time};
  // In a query + stands for a space.
  std::string with_plus(text.substr(0, 100));
  std::ranges::replace(with_plus, ' ', '+');
  const bool was_plus = record::parse_moment(with_plus, now).has_value();
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is \"{}\"; it must be a time such as 2024-11-12T10:15:30Z, or how "
                          "long ago, such as -5m{}",
                          name, text.substr(0, 100),
                          was_plus ? "; a + in an address is a space: write %2B for it" : ""));
}

Result<Position> parse_position(std::string_view text, Timestamp now) {
  using enum Position::Kind;
  if (text == "beginning") return Position{kBeginning, 0, {}};
  if (text == "end") return Position{kEnd, 0, {}};
  if (text.starts_with('@')) return parse_position_in_time(text.substr(1), "offset @", now);
  const bool last = text.starts_with('-');
  const auto number = serve::parse_number(last ? text.substr(1) : text, "offset", 0, UINT64_MAX);
  if (!number)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("offset is \"{}\"; it must be beginning, end, a number, -N for the "
                            "last N records, or @TIME",
                            text.substr(0, 100)));
  return Position{last ? kLast : kAt, *number, {}};
}

}  // namespace

Result<log::Offset> Position::in(const log::Log& log, const log::TopicInfo& topic,
                                 std::uint32_t partition) const {
  const log::PartitionInfo& info = topic.partitions[partition];
  switch (kind) {
    case Kind::kBeginning:
      return info.begin;
    case Kind::kEnd:
      return info.end;
    case Kind::kAt:
      return log::Offset{number};
    case Kind::kLast:
      return log::Offset{info.end.value - std::min(number, info.end.value - info.begin.value)};
    case Kind::kTime:
      return log.find_appended(topic.id, partition, time);
  }
  return info.begin;
}

Result<Position> position_of(const serve::Request& request, Timestamp now) {
  const auto offset = request.parameter("offset");
  const auto from = request.parameter("from");
  if (offset && from)
    return fail(ErrorCode::kInvalidArgument, "offset and from exclude each other");
  if (from) return parse_position_in_time(*from, "from", now);
  return parse_position(offset.value_or("beginning"), now);
}

Result<TailOptions> TailOptions::parse(const serve::Request& request, Timestamp now) {
  TailOptions options;
  const auto tail = request.parameter("tail");
  if (tail && (request.parameter("offset") || request.parameter("from")))
    return fail(ErrorCode::kInvalidArgument, "offset, from and tail exclude each other");
  GF_ASSIGN(options.start, position_of(request, now));
  if (tail) {
    GF_ASSIGN(const std::uint64_t count, serve::parse_number(*tail, "tail", 0, UINT64_MAX));
    options.start = {Position::Kind::kLast, count, {}};
  }
  if (const auto partition = request.parameter("partition")) {
    GF_ASSIGN(const std::uint64_t number,
              serve::parse_number(*partition, "partition", 0, log::kPartitionsMax - 1));
    options.partition = static_cast<std::uint32_t>(number);
  }
  if (const auto format = request.parameter("format")) {
    if (*format != "value" && *format != "record")
      return fail(ErrorCode::kInvalidArgument, "format must be value or record");
    options.format = *format == "record" ? Format::kRecord : Format::kValue;
  }
  std::string_view list = request.parameter("offsets").value_or("");
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    const std::size_t colon = item.find(':');
    if (colon == std::string_view::npos)
      return fail(ErrorCode::kInvalidArgument,
                  "offsets must be PARTITION:OFFSET pairs with commas between them: 0:12,1:30");
    GF_ASSIGN(
        const std::uint64_t partition,
        serve::parse_number(item.substr(0, colon), "a partition", 0, log::kPartitionsMax - 1));
    GF_ASSIGN(const std::uint64_t position,
              serve::parse_number(item.substr(colon + 1), "an offset", 0, UINT64_MAX));
    options.positions[static_cast<std::uint32_t>(partition)] = position;
  }
  return options;
}

Result<Tail> Tail::open(const api::Api& api, std::string_view topic, const TailOptions& options) {
  GF_ASSIGN(const api::TopicDescription description, api.topic(topic));
  const log::TopicInfo& info = description.info;
  const std::size_t partitions = info.partitions.size();
  const std::uint64_t highest =
      std::max<std::uint64_t>(options.partition.value_or(0),
                              options.positions.empty() ? 0 : options.positions.rbegin()->first);
  if (highest >= partitions)
    return fail(ErrorCode::kInvalidArgument, fmt::format("topic {} has no partition {}; it has {}",
                                                         info.config.name, highest, partitions));
  Tail tail(api.log(), info.id, options.format, description.raw);
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    if (options.partition && *options.partition != partition) continue;
    const auto given = options.positions.find(partition);
    log::Offset start;
    if (given != options.positions.end()) {
      start = {given->second};
    } else {
      GF_ASSIGN(start, options.start.in(api.log(), info, partition));
    }
    tail.cursors_.push_back({partition, start});
  }
  return tail;
}

Result<std::optional<std::string_view>> Tail::next() {
  if (batch_ && index_ == batch_->size()) {
    cursors_[turn_].next = batch_->end_offset();
    batch_ = nullptr;
    turn_ = (turn_ + 1) % cursors_.size();
  }
  if (!batch_) {
    GF_ASSIGN(const auto message, refill());
    if (message || !batch_) return message;
  }
  const record::RecordView record = (*batch_)[index_];
  const log::Offset offset = batch_->offset(index_);
  ++index_;
  if (format_ == TailOptions::Format::kValue && !raw_) return record.value;
  text_.clear();
  if (format_ == TailOptions::Format::kValue) {
    append_raw_json(*raw_, record.value, text_);
  } else {
    append_record_json(cursors_[turn_].partition, offset, record, raw_, text_);
  }
  return text_;
}

Result<std::optional<std::string_view>> Tail::refill() {
  for (std::size_t tried = 0; tried < cursors_.size(); ++tried) {
    Cursor& cursor = cursors_[turn_];
    auto read = log_->read(topic_, cursor.partition, cursor.next, 1);
    if (read && !read->batches.empty()) {
      batch_ = std::move(read->batches.front());
      index_ = batch_->index_of(cursor.next);
      return std::nullopt;
    }
    if (!read && read.error().code != ErrorCode::kOffsetOutOfRange)
      return fail(std::move(read).error());
    if (!read) {
      GF_ASSIGN(const log::PartitionInfo info, log_->partition(topic_, cursor.partition));
      cursor.next = info.begin;
      if (format_ == TailOptions::Format::kRecord) {
        text_ = fmt::format(R"({{"event":"reset","partition":{},"begin":{}}})", cursor.partition,
                            cursor.next.value);
        return text_;
      }
      --tried;  // the same partition again, from its begin
      continue;
    }
    cursor.next = read->next;
    turn_ = (turn_ + 1) % cursors_.size();
  }
  return std::nullopt;
}

}  // namespace gameflow::http
