#include "api/record_checker.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "api/unwrap.h"
#include "log/partitioning.h"
#include "record/raw.h"
#include "runtime/step.h"

namespace gameflow::api {
namespace {

// Memory of one kind that is kept from record to record.
constexpr std::size_t kKeptBytes = 1U << 20;

// The parts of lent values take several times the memory of the values, until all of the body is
// stored: of a larger body the rest is copied.
constexpr std::size_t kLentBytesMax = 4U << 20;

bool has(std::string_view text, char c) {
  return !text.empty() && std::memchr(text.data(), c, text.size()) != nullptr;
}

std::string_view pad(std::string& value) {
  const std::size_t size = value.size();
  value.append(record::kPaddingBytes, ' ');
  return std::string_view(value).substr(0, size);
}

// What an element of a JSON body is in a raw topic: JSON of the same kind.
const record::Type& json_type_of(const record::Type& raw) {
  static const record::TypeTable types;
  return *types.scalar(raw.kind);
}

}  // namespace

void CheckedBody::reject(std::string field, ErrorCode code, std::string message) {
  ++reply.rejected;
  ++reply.rejected_by[code];
  if (reply.errors.size() < kRejectedListed)
    reply.errors.push_back({records, std::move(field), code, std::move(message)});
}

std::string_view CheckedBody::padded(std::string_view text) {
  std::string& copy = copies.emplace_back();
  copy.reserve(text.size() + record::kPaddingBytes);
  copy.assign(text);
  return pad(copy);
}

std::uint32_t Turns::next_partition(const log::TopicInfo& topic) {
  if (topic.config.partitions == 1) return 0;
  const MutexLock lock(mutex_);
  return last_[topic.id]++ % topic.config.partitions;
}

RecordChecker::RecordChecker(Turns& turns, CheckScratch& scratch, const Destination& to,
                             Settings settings, CheckedBody& out)
    : turns_(turns),
      scratch_(scratch),
      topic_(to.topic),
      type_(to.type),
      is_raw_(type_ != nullptr && type_->is_raw),
      settings_(settings),
      out_(out),
      batches_(topic_.config.partitions),
      lends_(topic_.config.partitions) {
  if (settings_.deduplicates) {
    for (const spec::IdRule& rule : to.ids) {
      ids_.push_back({.rule = &rule, .field = out_.id_fields.size(), .path = {}});
      if (type_ != nullptr) ids_.back().path.emplace(*type_, rule.field);
      out_.id_fields.push_back({topic_.config.name, rule.field});
    }
    if (!ids_.empty()) claimed_.resize(topic_.config.partitions);
  }
  if (type_ == nullptr) return;
  const std::size_t units = type_->size / sizeof(std::max_align_t) + 1;
  if (scratch_.value.size() < units) scratch_.value.resize(units);
  if (settings_.key_field) path_.emplace(*type_, *settings_.key_field);
  for (const std::string& field : to.table_keys)
    table_keys_.emplace_back(field, record::FieldPath(*type_, field));
}

void RecordChecker::add(std::optional<std::string_view> key, std::string_view value,
                        std::size_t bytes_after, std::string_view sent) {
  key_ = key;
  if (!check(value, bytes_after)) return;
  if (out_.records < settings_.known) {
    ++out_.reply.duplicates;
    ++out_.reply.known;
    return;
  }
  if (!ids_.empty()) claim_ids(value, sent.empty() ? value : sent);
  append(value);
  ++out_.reply.accepted;
}

void RecordChecker::finish() {
  for (std::uint32_t partition = 0; partition < batches_.size(); ++partition) {
    if (!batches_[partition].empty()) cut(partition);
  }
}

// False where the record is rejected. Otherwise its key is in key_, and `value` may have moved.
bool RecordChecker::check(std::string_view& value, std::size_t bytes_after) {
  scratch_.arena.reset(kKeptBytes);
  if (value.size() > log::kRecordBytesMax) {
    return reject({}, ErrorCode::kPayloadTooLarge,
                  fmt::format("the record has {} bytes; the limit is {}", value.size(),
                              log::kRecordBytesMax));
  }
  if (bytes_after < record::kPaddingBytes) value = out_.padded(value);
  if (is_raw_ && settings_.format == BodyFormat::kJson && !from_json(value)) return false;
  const bool good = type_ != nullptr ? scratch_.decoder.decode(*type_, value, scratch_.arena,
                                                               scratch_.value.data())
                                     : scratch_.decoder.check(value);
  if (!good) return reject_undecoded(value);
  if (settings_.key_field && !read_key(value)) {
    return reject(*settings_.key_field, ErrorCode::kMissingField,
                  "the record has no text, number or boolean in the field that holds its key" +
                      hint_for(value));
  }
  if (key_ && key_->size() > runtime::kKeyBytesMax) {
    out_.reject(
        std::string(settings_.key_field.value_or(settings_.key_place)), ErrorCode::kPayloadTooLarge,
        fmt::format("the key has {} bytes; the limit is {}", key_->size(), runtime::kKeyBytesMax));
    return false;
  }
  return check_table_keys();
}

// Such a record would be stored, and be no row.
bool RecordChecker::check_table_keys() {
  for (const auto& [field, path] : table_keys_) {
    const auto key = path.read(scratch_.value.data(), scratch_.id);
    if (key && key->size() > runtime::kKeyBytesMax)
      return reject(field, ErrorCode::kPayloadTooLarge,
                    fmt::format("the key of a row has {} bytes; the limit is {}", key->size(),
                                runtime::kKeyBytesMax));
  }
  return true;
}

// The bytes that an element stands for, in place of it. False: it was rejected.
bool RecordChecker::from_json(std::string_view& value) {
  const record::Type& type = json_type_of(*type_);
  void* const slot = scratch_.value.data();
  if (!scratch_.decoder.decode(type, value, scratch_.arena, slot)) return reject_undecoded(value);
  std::string& bytes = out_.copies.emplace_back();
  record::encode_raw(type, slot, bytes);
  value = pad(bytes);
  return true;
}

void RecordChecker::append(std::string_view value) {
  const record::Outlined outlined = on_one_line(value);
  if (!key_ && !unkeyed_) unkeyed_ = turns_.next_partition(topic_);
  const auto count = static_cast<std::uint32_t>(batches_.size());
  const std::uint32_t partition = key_ ? log::partition_of(*key_, count) : *unkeyed_;
  record::BatchBuilder& batch = batches_[partition];
  if (batch.empty()) {
    const std::size_t bytes = std::min(settings_.body_bytes / count * 9 / 8, kBatchBytes);
    lends_[partition] = out_.lent_bytes < kLentBytesMax;
    if (lends_[partition]) batch.reserve(bytes / std::max<std::size_t>(value.size(), 32) + 1);
  }
  if (lends_[partition]) {
    batch.lend(settings_.now, key_, value, outlined);
    out_.lent_bytes += value.size();
  } else {
    batch.add(settings_.now, key_, value);
  }
  for (log::IdClaim& claim : claims_) {
    claim.record = static_cast<std::uint32_t>(batch.size() - 1);
    claimed_[partition].push_back(claim);
  }
  if (batch.bytes() < kBatchBytes) return;
  cut(partition);
  if (!key_) unkeyed_.reset();
}

void RecordChecker::cut(std::uint32_t partition) {
  out_.appends.push_back(
      {topic_.id, partition, std::exchange(batches_[partition], record::BatchBuilder())});
  if (!ids_.empty()) out_.appends.back().ids = std::exchange(claimed_[partition], {});
}

bool RecordChecker::read_key(std::string_view value) {
  key_.reset();
  if (!is_raw_) key_ = read(path_, *settings_.key_field, value, scratch_.key);
  return key_.has_value();
}

// The text at `path` of the value that was decoded last, or in its JSON where the type does not
// know the field.
std::optional<std::string_view> RecordChecker::read(const std::optional<record::FieldPath>& path,
                                                    std::string_view field, std::string_view value,
                                                    std::string& scratch) const {
  if (path && path->known()) return path->read(scratch_.value.data(), scratch);
  auto found = record::json_field(value, field);
  if (!found) return std::nullopt;
  scratch = std::move(*found);
  return scratch;
}

void RecordChecker::claim_ids(std::string_view value, std::string_view sent) {
  claims_.clear();
  std::optional<log::Digest> content;
  for (const Id& id : ids_) {
    const auto text = read(id.path, id.rule->field, value, scratch_.id);
    if (!text || text->empty()) continue;
    if (!content) {
      scratch_.content.clear();
      record::minify_without(sent, "sent_at", scratch_.content);
      content = log::digest_of(scratch_.content);
    }
    claims_.push_back({.record = 0,
                       .id = log::digest_of(id.rule->field, *text),
                       .content = *content,
                       .within = id.rule->within,
                       .tag = out_.records << CheckedBody::kIdFieldBits | id.field});
  }
}

// Records are kept byte for byte, except that those written over several lines become one:
// readers take lines. Returns what is known of the value as it is then.
record::Outlined RecordChecker::on_one_line(std::string_view& value) {
  const record::Outlined outlined = scratch_.decoder.outlined();
  if (is_raw_ || !outlined.may_have_breaks || (!has(value, '\n') && !has(value, '\r')))
    return outlined;
  std::string& line = out_.copies.emplace_back();
  record::minify_json(value, line);
  value = pad(line);
  return {};
}

bool RecordChecker::reject_undecoded(std::string_view value) {
  const record::DecodeError& error = scratch_.decoder.error();
  return reject(
      error.field, error.code,
      error.message + (error.code == ErrorCode::kMissingField ? hint_for(value) : std::string()));
}

// Behind the message that `value` lacks a field.
std::string RecordChecker::hint_for(std::string_view value) const {
  return settings_.may_be_wrapped ? unwrap_hint(value, type_) : std::string();
}

bool RecordChecker::reject(std::string_view field, ErrorCode code, std::string message) {
  std::string path(settings_.value_place);
  if (!path.empty() && !field.empty() && field.front() != '[') path += '.';
  out_.reject(path.append(field), code, std::move(message));
  return false;
}

}  // namespace gameflow::api
