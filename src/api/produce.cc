#include "api/produce.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "api/body_records.h"
#include "api/envelopes.h"
#include "api/events.h"
#include "api/unwrap.h"
#include "base/byte_order_mark.h"
#include "base/memory_reserve.h"
#include "record/json_split.h"
#include "runtime/dead_letter.h"

namespace gameflow::api {
namespace {

std::string gap_message(const ProduceOptions& options, std::uint64_t next) {
  return fmt::format(
      "producer '{}' sent sequence {}, but {} is next: records in between are missing; send them "
      "first, or take another producer id",
      *options.producer, options.first_sequence, next);
}

using IdFields = std::vector<CheckedBody::IdField>;

const CheckedBody::IdField& field_of(const log::Repeated& repeated, const IdFields& fields) {
  return fields[repeated.tag & ((1U << CheckedBody::kIdFieldBits) - 1)];
}

std::string clash_message(const log::Repeated& clash, const CheckedBody::IdField& field) {
  return fmt::format("{} has the same {}, and other content: this one went to the dead letters",
                     clash.first ? fmt::format("the record at partition {}, offset {}",
                                               clash.first->partition, clash.first->offset.value)
                                 : std::string("an earlier record of the request"),
                     field.field);
}

std::optional<log::ClashLetters> letters(std::optional<log::TopicId> topic,
                                         const std::shared_ptr<const IdFields>& fields) {
  if (!topic) return std::nullopt;
  return log::ClashLetters{
      *topic, [fields](const log::Repeated& clash, const record::RecordView& record) {
        const CheckedBody::IdField& field = field_of(clash, *fields);
        return runtime::to_json(
            {.service = "",
             .op = "deduplicate",
             .code = ErrorCode::kIdClash,
             .field = field.field,
             .reason = clash_message(clash, field),
             .origin =
                 {{.topic = field.topic, .partition = 0, .offset = std::nullopt, .record = record}},
             .window_start = {}});
      }};
}

// Of records that were left out.
void tell(const std::vector<log::Repeated>& repeated, const IdFields& fields, ProduceReply& reply) {
  reply.accepted -= repeated.size();
  for (const log::Repeated& one : repeated) {
    ++(one.is_clash ? reply.rejected : reply.duplicates);
    if (one.is_clash) ++reply.rejected_by[ErrorCode::kIdClash];
    if (!one.is_clash || reply.errors.size() == kRejectedListed) continue;
    const CheckedBody::IdField& field = field_of(one, fields);
    reply.errors.push_back({one.tag >> CheckedBody::kIdFieldBits, field.field, ErrorCode::kIdClash,
                            clash_message(one, field)});
  }
  std::ranges::sort(reply.errors, {}, &RejectedRecord::index);
}

// Hands `add` each of `values` in `body`, with the bytes that follow it there. `decoder` is the one
// that reads it first.
template <class Values, class Add>
void add_each(Values values, std::string_view body, record::Decoder& decoder, const Add& add,
              CheckedBody& out) {
  const char* const body_end = body.data() + body.size();
  Announcer announcer(body, decoder);
  std::string_view value;
  for (; values.next(value); ++out.records) {
    announcer.announce(values, value);
    const char* const value_end = value.data() + value.size();
    add(value, value.empty() ? 0 : static_cast<std::size_t>(body_end - value_end));
  }
}

// Likewise the records in each of `values`, or these themselves. Errors as of unwrap().
template <class Values, class Add>
Status add_records(Values values, std::string_view body, const std::optional<std::string>& path,
                   record::Decoder& decoder, const Add& add, CheckedBody& out) {
  if (!path) {
    add_each(std::move(values), body, decoder, add, out);
    return {};
  }
  std::string_view value;
  while (values.next(value)) {
    GF_ASSIGN(std::vector<std::string_view> records, unwrap(value, *path));
    add_each(Elements(std::move(records)), body, decoder, add, out);
  }
  return {};
}

// Likewise all records of the body. kInvalidJson: it cannot be split into records.
template <class Add>
Status add_all(std::string_view body, BodyFormat format, const std::optional<std::string>& path,
               record::Decoder& decoder, const Add& add, CheckedBody& out) {
  if (format == BodyFormat::kNdjson) return add_records(Lines(body), body, path, decoder, add, out);
  if (std::ranges::all_of(body, is_space))
    return fail(ErrorCode::kInvalidJson,
                path
                    ? fmt::format("the body is empty: send an object such as {{\"{}\":[…]}}", *path)
                    : "the body is empty: send an object or an array of them");
  GF_ASSIGN(std::vector<std::string_view> elements, record::split_json(body));
  return add_records(Elements(std::move(elements)), body, path, decoder, add, out);
}

}  // namespace

// Takes a set of what checking needs, and puts it back.
class BodyChecker::Lease {
 public:
  explicit Lease(BodyChecker& from) : from_(from) {
    {
      const MutexLock lock(from_.mutex_);
      if (!from_.idle_.empty()) {
        scratch_ = std::move(from_.idle_.back());
        from_.idle_.pop_back();
      }
    }
    if (scratch_ == nullptr) scratch_ = std::make_unique<CheckScratch>();
  }
  ~Lease() {
    const MutexLock lock(from_.mutex_);
    from_.idle_.push_back(std::move(scratch_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  CheckScratch& operator*() const { return *scratch_; }
  CheckScratch* operator->() const { return scratch_.get(); }

 private:
  BodyChecker& from_;
  std::unique_ptr<CheckScratch> scratch_;
};

Result<CheckedBody> BodyChecker::check(std::string_view body, const ProduceOptions& options,
                                       const Destination& to, std::uint64_t known, Timestamp now) {
  if (options.key && options.key_field) {
    return fail(ErrorCode::kInvalidArgument,
                "give one key for all records or the field that holds it, not both");
  }
  if (options.are_keyed)
    return check_keyed(
        body, options, [&to](std::string_view) { return to; }, /*have_topics=*/false, known, now);
  body = without_byte_order_mark(body);
  const bool is_raw = !options.unwrap && to.type != nullptr && to.type->is_raw;
  const BodyFormat format = format_of(body, options.format, is_raw);
  const Lease scratch(*this);
  CheckedBody checked;
  RecordChecker checker(turns_, *scratch, to,
                        {.format = options.unwrap ? BodyFormat::kJson : format,
                         .key_field = options.key_field,
                         .value_place = {},
                         .key_place = {},
                         .now = now,
                         .deduplicates = options.deduplicates,
                         .known = known,
                         .body_bytes = body.size(),
                         .may_be_wrapped = !options.unwrap},
                        checked);
  GF_TRY(add_all(
      body, format, options.unwrap, scratch->decoder,
      [&](std::string_view value, std::size_t bytes_after) {
        checker.add(options.key, value, bytes_after);
      },
      checked));
  checker.finish();
  checked.known = std::min(known, checked.records);
  return checked;
}

Result<CheckedBody> BodyChecker::check(std::string_view body, const ProduceOptions& options,
                                       const FindTopic& find, std::uint64_t known, Timestamp now) {
  return check_keyed(body, options, find, /*have_topics=*/true, known, now);
}

Result<CheckedBody> BodyChecker::check_keyed(std::string_view body, const ProduceOptions& options,
                                             const FindTopic& find, bool have_topics,
                                             std::uint64_t known, Timestamp now) {
  const Lease scratch(*this);
  CheckedBody checked;
  Envelopes envelopes(turns_, *scratch, find, options, have_topics, now, known, checked);
  // A position may come alone.
  if (body.empty() && (!options.are_keyed || options.position)) return checked;
  body = without_byte_order_mark(body);
  const BodyFormat format = options.are_keyed ? BodyFormat::kJson : format_of(body, options.format);
  GF_TRY(add_all(
      body, format, options.unwrap, scratch->envelope_decoder,
      [&](std::string_view record, std::size_t bytes_after) { envelopes.add(record, bytes_after); },
      checked));
  envelopes.finish();
  checked.known = std::min(known, checked.records);
  return checked;
}

Result<CheckedBody> BodyChecker::check_events(std::string_view body, const ProduceOptions& options,
                                              const spec::Ingest& ingest, const FindTopic& find,
                                              std::uint64_t known, Timestamp now) {
  const Lease scratch(*this);
  CheckedBody checked;
  Events events(turns_, *scratch, find, ingest,
                {.sent_at = options.sent_at, .unwrap = options.unwrap, .now = now, .known = known},
                checked);
  GF_TRY(events.add_all(body, options.format));
  checked.known = std::min(known, checked.records);
  return checked;
}

void Produce::run(const Destination& to, std::string_view body, const ProduceOptions& options,
                  ProduceCallback done) {
  run(
      to.topic.id, options,
      [&](std::uint64_t known) { return bodies_.check(body, options, to, known, clock_.now()); },
      std::move(done));
}

void Produce::run(const FindTopic& find, std::string_view body, const ProduceOptions& options,
                  ProduceCallback done) {
  run(
      log::kAllTopics, options,
      [&](std::uint64_t known) { return bodies_.check(body, options, find, known, clock_.now()); },
      std::move(done));
}

void Produce::run_events(const spec::Ingest& ingest, const FindTopic& find, std::string_view body,
                         const ProduceOptions& options, ProduceCallback done) {
  run(
      log::kAllTopics, options,
      [&](std::uint64_t known) {
        return bodies_.check_events(body, options, ingest, find, known, clock_.now());
      },
      std::move(done));
}

void Produce::run(log::TopicId scope, const ProduceOptions& options, const Check& check,
                  ProduceCallback done) {
  std::uint64_t known = 0;
  if (options.producer) {
    const auto before = log_.producer(scope, *options.producer);
    if (!before) return done(fail(before.error()));
    const std::uint64_t next = before->next_sequence;
    if (options.first_sequence > next)
      return done(fail(ErrorCode::kSequenceGap, gap_message(options, next)));
    known = next - options.first_sequence;
  }
  Result<CheckedBody> checked;
  // What a decoder could not get is not its record's fault.
  run_or_run_out(nullptr, [&] { checked = check(known); });
  if (!checked) return done(fail(std::move(checked).error()));
  if (options.admit) {
    if (const Status admitted = options.admit(checked->records); !admitted)
      return done(fail(admitted.error()));
  }
  log::ProduceRequest request{.appends = std::move(checked->appends), .producer = {}};
  const std::uint64_t fresh = checked->records - checked->known;
  // A position without records is old where others came behind it.
  if (options.producer && (fresh > 0 || (options.position && known == 0))) {
    request.producer = log::ProducerStamp{.topic = scope,
                                          .producer = *options.producer,
                                          .first_sequence = options.first_sequence + known,
                                          .count = fresh,
                                          .position = options.position};
  }
  if (request.appends.empty() && !request.producer) return finish(std::move(checked->reply), done);
  const auto fields = std::make_shared<const IdFields>(std::move(checked->id_fields));
  if (!fields->empty()) request.letters = letters(dead_letters_(), fields);
  log_.submit(std::move(request),
              [this, scope, options, fields, records = checked->records,
               clocks = std::move(checked->clocks), reply = std::move(checked->reply),
               done = std::move(done)](Result<log::CommitAck> ack) mutable {
                if (ack) {
                  count_clocks(clocks);
                  tell(ack->repeated, *fields, reply);
                  return finish(std::move(reply), done);
                }
                if (ack.error().code == ErrorCode::kSequenceGap)
                  return after_race(scope, options, records, std::move(reply), done);
                done(fail(std::move(ack).error()));
              });
}

// The producer sent this request again while the first one was still being stored, and the first
// one won.
void Produce::after_race(log::TopicId scope, const ProduceOptions& options, std::uint64_t records,
                         ProduceReply reply, const ProduceCallback& done) {
  const auto now = log_.producer(scope, *options.producer);
  if (!now) return done(fail(now.error()));
  if (now->next_sequence >= options.first_sequence + records) {
    reply.known += reply.accepted;
    reply.duplicates += std::exchange(reply.accepted, 0);
    return finish(std::move(reply), done);
  }
  done(fail(ErrorCode::kUnavailable,
            fmt::format("another request of producer '{}' was being stored: send this one again",
                        *options.producer)));
}

void Produce::finish(ProduceReply reply, const ProduceCallback& done) {
  accepted_ += reply.accepted;
  duplicates_ += reply.duplicates;
  rejected_ += reply.rejected;
  if (!reply.rejected_by.empty()) {
    const MutexLock lock(mutex_);
    for (const auto& [code, records] : reply.rejected_by) rejected_by_[code] += records;
  }
  done(std::move(reply));
}

void Produce::count_request(std::size_t body_bytes) {
  ++requests_;
  bytes_ += body_bytes;
}

void Produce::count_clocks(const ClocksByPlatform& clocks) {
  if (clocks.empty()) return;
  const MutexLock lock(mutex_);
  for (const auto& [platform, counted] : clocks) {
    const bool fits = clocks_.contains(platform) || clocks_.size() < ClockStats::kPlatformsMax;
    ClockStats& stats = clocks_[fits ? platform : "other"];
    stats.events += counted.events;
    stats.corrected += counted.corrected;
    stats.unreadable += counted.unreadable;
    if (counted.corrected > 0) stats.drift = counted.drift;
  }
}

ClocksByPlatform Produce::clocks() const {
  const MutexLock lock(mutex_);
  return clocks_;
}

ProduceStats Produce::stats() const {
  const MutexLock lock(mutex_);
  return {.requests = requests_,
          .accepted = accepted_,
          .duplicates = duplicates_,
          .rejected = rejected_,
          .bytes = bytes_,
          .rejected_by = rejected_by_};
}

}  // namespace gameflow::api
