#include "api/produce.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/memory_reserve.h"
#include "log/partitioning.h"
#include "record/arena.h"
#include "record/codec.h"
#include "record/json_split.h"
#include "record/raw.h"
#include "record/type.h"
#include "runtime/step.h"

namespace gameflow::api {
namespace {

// Memory of one kind that is kept from record to record.
constexpr std::size_t kKeptBytes = 1U << 20;

// The parts of lent values take several times the memory of the values, until all of the body is
// stored: of a larger body the rest is copied.
constexpr std::size_t kLentBytesMax = 4U << 20;

constexpr std::string_view kSpace = " \t\r\n";

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool has(std::string_view text, char c) {
  return !text.empty() && std::memchr(text.data(), c, text.size()) != nullptr;
}

// The records of a body, one after the other: its lines without the white space around them. Blank
// lines are none.
class Lines {
 public:
  explicit Lines(std::string_view body) : rest_(body) {}

  bool next(std::string_view& line) {
    while (!rest_.empty()) {
      const void* const newline = std::memchr(rest_.data(), '\n', rest_.size());
      const std::size_t size =
          newline == nullptr
              ? rest_.size()
              : static_cast<std::size_t>(static_cast<const char*>(newline) - rest_.data());
      line = rest_.substr(0, size);
      rest_.remove_prefix(std::min(rest_.size(), size + 1));
      while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
      while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
      if (!line.empty()) return true;
    }
    return false;
  }

  // The lines from `line` on, the last one that next() gave, that are good to announce to the
  // decoder together, as they stand in the body. Empty if that is only one: nothing is gained then.
  std::string_view run(std::string_view line) const {
    const std::string_view alone(line.data(), 0);
    const auto after = static_cast<std::size_t>(rest_.data() - line.data());
    if (rest_.empty() || after >= record::kLookAheadBytes) return alone;
    const std::string_view more = rest_.substr(0, record::kLookAheadBytes - after);
    const char* end = more.data() + more.size();
    if (more.size() < rest_.size()) {
      end = static_cast<const char*>(::memrchr(more.data(), '\n', more.size()));
      if (end == nullptr) return alone;
    }
    return {line.data(), static_cast<std::size_t>(end - line.data())};
  }

 private:
  std::string_view rest_;
};

// Likewise: the elements of a JSON array, or its only value.
class Elements {
 public:
  explicit Elements(std::vector<std::string_view> elements) : elements_(std::move(elements)) {}

  bool next(std::string_view& element) {
    if (next_ == elements_.size()) return false;
    element = elements_[next_++];
    return true;
  }

  std::string_view run(std::string_view element) const {
    std::size_t size = 0;
    for (std::size_t i = next_; i < elements_.size(); ++i) {
      if (element.empty() || elements_[i].empty()) break;
      const auto longer =
          static_cast<std::size_t>(elements_[i].data() + elements_[i].size() - element.data());
      if (longer > record::kLookAheadBytes) break;
      size = longer;
    }
    return {element.data(), size};
  }

 private:
  std::vector<std::string_view> elements_;
  std::size_t next_ = 0;
};

std::string gap_message(const ProduceOptions& options, std::uint64_t next) {
  return fmt::format(
      "producer '{}' sent sequence {}, but {} is next: records in between are missing; send them "
      "first, or take another producer id",
      *options.producer, options.first_sequence, next);
}

// What an element of a JSON body is in a raw topic: JSON of the same kind.
const record::Type& json_type_of(const record::Type& raw) {
  static const record::TypeTable types;
  return *types.scalar(raw.kind);
}

}  // namespace

// What checking needs over and over.
struct BodyChecker::Scratch {
  record::Decoder decoder;
  record::BlockArena arena;
  std::string key;  // of the record at hand
  std::vector<std::max_align_t> value;
};

// Takes the records of one body.
class RecordChecker {
 public:
  // `known`: as for BodyChecker::check.
  RecordChecker(BodyChecker& bodies, BodyChecker::Scratch& scratch, const ProduceOptions& options,
                const log::TopicInfo& topic, const record::Type* type, Timestamp now,
                std::uint64_t known, CheckedBody& out)
      : options_(options),
        topic_(topic),
        type_(type),
        is_raw_(type != nullptr && type->is_raw),
        bodies_(bodies),
        now_(now),
        known_(known),
        scratch_(scratch),
        out_(out),
        batches_(topic.config.partitions),
        lends_(topic.config.partitions) {
    if (type != nullptr) {
      const std::size_t units = type->size / sizeof(std::max_align_t) + 1;
      if (scratch_.value.size() < units) scratch_.value.resize(units);
      if (options.key_field) path_.emplace(*type, *options.key_field);
    }
  }

  // All of them; `values` finds them in `body`.
  template <class Values>
  void add_all(Values values, std::string_view body) {
    body_bytes_ = body.size();
    const char* const body_end = body.data() + body.size();
    const char* announced = body.data();
    std::string_view value;
    for (; values.next(value); ++out_.records) {
      if (value.data() >= announced) {
        const std::string_view run = values.run(value);
        scratch_.decoder.look_ahead(run);
        announced = run.data() + run.size();
      }
      const char* const value_end = value.data() + value.size();
      add(value, value.empty() ? 0 : static_cast<std::size_t>(body_end - value_end));
    }
    out_.known = std::min(known_, out_.records);
    for (std::uint32_t partition = 0; partition < batches_.size(); ++partition) {
      if (!batches_[partition].empty()) cut(partition);
    }
  }

 private:
  // `bytes_after`: how many bytes of the body follow the value.
  void add(std::string_view value, std::size_t bytes_after) {
    if (!check(value, bytes_after)) return;
    if (out_.records < known_) {
      ++out_.reply.duplicates;
      return;
    }
    append(key_, value);
    ++out_.reply.accepted;
  }

  // False where the record is rejected. Otherwise its key is in key_, and `value` may have moved.
  bool check(std::string_view& value, std::size_t bytes_after) {
    scratch_.arena.reset(kKeptBytes);
    if (value.size() > log::kRecordBytesMax) {
      return reject({}, ErrorCode::kPayloadTooLarge,
                    fmt::format("the record has {} bytes; the limit is {}", value.size(),
                                log::kRecordBytesMax));
    }
    if (bytes_after < record::kPaddingBytes) value = padded(value);
    if (is_raw_ && options_.format == BodyFormat::kJson && !from_json(value)) return false;
    const bool good = type_ != nullptr ? scratch_.decoder.decode(*type_, value, scratch_.arena,
                                                                 scratch_.value.data())
                                       : scratch_.decoder.check(value);
    if (!good) return reject_undecoded();
    key_.reset();
    if (options_.key) key_ = *options_.key;
    if (options_.key_field && !read_key(value)) {
      return reject(*options_.key_field, ErrorCode::kMissingField,
                    "the record has no text, number or boolean in the field that holds its key");
    }
    if (key_ && key_->size() > runtime::kKeyBytesMax) {
      return reject(options_.key_field.value_or(""), ErrorCode::kPayloadTooLarge,
                    fmt::format("the key has {} bytes; the limit is {}", key_->size(),
                                runtime::kKeyBytesMax));
    }
    return true;
  }

  // The bytes that an element stands for, in place of it. False: it was rejected.
  bool from_json(std::string_view& value) {
    const record::Type& type = json_type_of(*type_);
    void* const slot = scratch_.value.data();
    if (!scratch_.decoder.decode(type, value, scratch_.arena, slot)) return reject_undecoded();
    std::string& bytes = out_.copies.emplace_back();
    record::encode_raw(type, slot, bytes);
    value = pad(bytes);
    return true;
  }

  void append(std::optional<std::string_view> key, std::string_view value) {
    const record::Outlined outlined = on_one_line(value);
    if (!key && !unkeyed_) unkeyed_ = bodies_.next_partition(topic_);
    const auto count = static_cast<std::uint32_t>(batches_.size());
    const std::uint32_t partition = key ? log::partition_of(*key, count) : *unkeyed_;
    record::BatchBuilder& batch = batches_[partition];
    if (batch.empty()) {
      const std::size_t bytes = std::min(body_bytes_ / count * 9 / 8, kBatchBytes);
      lends_[partition] = bytes_lent_ < kLentBytesMax;
      if (lends_[partition]) batch.reserve(bytes / std::max<std::size_t>(value.size(), 32) + 1);
    }
    if (lends_[partition]) {
      batch.lend(now_, key, value, outlined);
      bytes_lent_ += value.size();
    } else {
      batch.add(now_, key, value);
    }
    if (batch.bytes() < kBatchBytes) return;
    cut(partition);
    if (!key) unkeyed_.reset();
  }

  void cut(std::uint32_t partition) {
    out_.appends.push_back(
        {topic_.id, partition, std::exchange(batches_[partition], record::BatchBuilder())});
  }

  // Decoders read past the end of a value: near the end of the body, on a copy.
  std::string_view padded(std::string_view value) {
    std::string& copy = out_.copies.emplace_back();
    copy.reserve(value.size() + record::kPaddingBytes);
    copy.assign(value);
    return pad(copy);
  }

  static std::string_view pad(std::string& value) {
    const std::size_t size = value.size();
    value.append(record::kPaddingBytes, ' ');
    return std::string_view(value).substr(0, size);
  }

  bool read_key(std::string_view value) {
    if (is_raw_) return false;
    if (path_ && path_->known()) {
      key_ = path_->read(scratch_.value.data(), scratch_.key);
    } else if (auto found = record::json_field(value, *options_.key_field)) {
      scratch_.key = std::move(*found);
      key_ = scratch_.key;
    }
    return key_.has_value();
  }

  // Records are kept byte for byte, except that those written over several lines become one:
  // readers take lines. Returns what is known of the value as it is then.
  record::Outlined on_one_line(std::string_view& value) {
    const record::Outlined outlined = scratch_.decoder.outlined();
    if (is_raw_ || !outlined.may_have_breaks || (!has(value, '\n') && !has(value, '\r')))
      return outlined;
    std::string& line = out_.copies.emplace_back();
    record::minify_json(value, line);
    value = pad(line);
    return {};
  }

  bool reject_undecoded() {
    const record::DecodeError& error = scratch_.decoder.error();
    return reject(error.field, error.code, error.message);
  }

  bool reject(std::string field, ErrorCode code, std::string message) {
    ++out_.reply.rejected;
    if (out_.reply.errors.size() < kRejectedListed) {
      out_.reply.errors.push_back({out_.records, std::move(field), code, std::move(message)});
    }
    return false;
  }

  const ProduceOptions& options_;
  const log::TopicInfo& topic_;
  const record::Type* type_;
  const bool is_raw_;
  BodyChecker& bodies_;
  const Timestamp now_;
  const std::uint64_t known_;
  BodyChecker::Scratch& scratch_;
  CheckedBody& out_;
  std::optional<record::FieldPath> path_;
  std::optional<std::string_view> key_;        // of the record at hand
  std::vector<record::BatchBuilder> batches_;  // one for each partition
  std::vector<bool> lends_;                    // whether that borrows its values
  std::size_t bytes_lent_ = 0;
  std::size_t body_bytes_ = 0;
  std::optional<std::uint32_t> unkeyed_;  // the partition that records without a key go to now
};

BodyChecker::BodyChecker() = default;
BodyChecker::~BodyChecker() = default;

std::uint32_t BodyChecker::next_partition(const log::TopicInfo& topic) {
  if (topic.config.partitions == 1) return 0;
  const MutexLock lock(mutex_);
  return last_partition_[topic.id]++ % topic.config.partitions;
}

Result<CheckedBody> BodyChecker::check(std::string_view body, const ProduceOptions& options,
                                       const log::TopicInfo& topic, const record::Type* type,
                                       std::uint64_t known, Timestamp now) {
  if (options.key && options.key_field) {
    return fail(ErrorCode::kInvalidArgument,
                "give one key for all records or the field that holds it, not both");
  }
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  const bool is_json = options.format == BodyFormat::kJson;
  std::vector<std::string_view> elements;
  if (is_json) {
    if (body.find_first_not_of(kSpace) == std::string_view::npos)
      return fail(ErrorCode::kInvalidJson, "the body is empty: send an object or an array of them");
    GF_ASSIGN(elements, record::split_json(body));
  }
  std::unique_ptr<Scratch> scratch;
  {
    const MutexLock lock(mutex_);
    if (!idle_.empty()) {
      scratch = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (scratch == nullptr) scratch = std::make_unique<Scratch>();
  CheckedBody checked;
  RecordChecker checker(*this, *scratch, options, topic, type, now, known, checked);
  if (is_json) {
    checker.add_all(Elements(std::move(elements)), body);
  } else {
    checker.add_all(Lines(body), body);
  }
  const MutexLock lock(mutex_);
  idle_.push_back(std::move(scratch));
  return checked;
}

void Produce::run(const log::TopicInfo& topic, const record::Type* type, std::string_view body,
                  const ProduceOptions& options, ProduceCallback done) {
  std::uint64_t known = 0;
  if (options.producer) {
    const auto next = log_.next_sequence(topic.id, *options.producer);
    if (!next) return done(fail(next.error()));
    if (options.first_sequence > *next)
      return done(fail(ErrorCode::kSequenceGap, gap_message(options, *next)));
    known = *next - options.first_sequence;
  }
  Result<CheckedBody> checked;
  // What a decoder could not get is not its record's fault.
  run_or_run_out([&] { checked = bodies_.check(body, options, topic, type, known, clock_.now()); });
  if (!checked) return done(fail(std::move(checked).error()));
  log::ProduceRequest request{.appends = std::move(checked->appends), .producer = {}};
  const std::uint64_t fresh = checked->records - checked->known;
  if (options.producer && fresh > 0) {
    request.producer =
        log::ProducerStamp{topic.id, *options.producer, options.first_sequence + known, fresh};
  }
  if (request.appends.empty() && !request.producer) return finish(std::move(checked->reply), done);
  log_.submit(std::move(request), [this, topic = topic.id, options, records = checked->records,
                                   reply = std::move(checked->reply),
                                   done = std::move(done)](Result<log::CommitAck> ack) mutable {
    if (ack) return finish(std::move(reply), done);
    if (ack.error().code == ErrorCode::kSequenceGap)
      return after_race(topic, options, records, std::move(reply), done);
    done(fail(std::move(ack).error()));
  });
}

// The producer sent this request again while the first one was still being stored, and the first
// one won.
void Produce::after_race(log::TopicId topic, const ProduceOptions& options, std::uint64_t records,
                         ProduceReply reply, const ProduceCallback& done) {
  const auto next = log_.next_sequence(topic, *options.producer);
  if (!next) return done(fail(next.error()));
  if (*next >= options.first_sequence + records) {
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
  done(std::move(reply));
}

void Produce::count_request(std::size_t body_bytes) {
  ++requests_;
  bytes_ += body_bytes;
}

Result<std::uint64_t> Produce::next_sequence(log::TopicId topic, std::string_view producer) const {
  return log_.next_sequence(topic, producer);
}

ProduceStats Produce::stats() const {
  return {.requests = requests_,
          .accepted = accepted_,
          .duplicates = duplicates_,
          .rejected = rejected_,
          .bytes = bytes_};
}

}  // namespace gameflow::api
