// How records become a batch.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <utility>

#include <lz4.h>

#include "base/check.h"
#include "record/batch.h"
#include "record/batch_format.h"
#include "record/columns.h"

namespace gameflow::record {

bool BatchBuilder::fits(std::size_t key_and_value_bytes) const {
  return empty() || bytes() + entries_.size() * sizeof(RecordKeys::Entry) + key_and_value_bytes <=
                        kBatchBytesMax;
}

BatchBuilder::BatchBuilder() = default;
BatchBuilder::~BatchBuilder() = default;
BatchBuilder::BatchBuilder(BatchBuilder&&) noexcept = default;
BatchBuilder& BatchBuilder::operator=(BatchBuilder&&) noexcept = default;

void BatchBuilder::add_key(Timestamp timestamp, std::optional<std::string_view> key) {
  entries_.push_back({timestamp.ms, static_cast<std::uint32_t>(keys_.size()),
                      key ? static_cast<std::uint32_t>(key->size()) : RecordKeys::kNoKey});
  if (key) keys_.insert(keys_.end(), key->begin(), key->end());
}

void BatchBuilder::add(Timestamp timestamp, std::optional<std::string_view> key,
                       std::string_view value) {
  assert(fits((key ? key->size() : 0) + value.size()) && lent_.empty());
  add_key(timestamp, key);
  values_.insert(values_.end(), value.begin(), value.end());
  ends_.push_back(static_cast<std::uint32_t>(values_.size()));
}

void BatchBuilder::clear() {
  entries_.clear();
  ends_.clear();
  keys_.clear();
  values_.clear();
  lent_.clear();
  lent_bytes_ = 0;
  columns_.reset();
}

namespace {

// The memory of batches stays with their thread: fresh pages for every batch made 1,000 player
// events cost 440 us instead of 200 us.
constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;

struct EncodeScratch {
  ColumnsWriter columns;
  std::string body, packed;

  void shrink() {
    if (body.capacity() + packed.capacity() + columns.memory_bytes() > kKeptBytesMax) *this = {};
  }
};

EncodeScratch& encode_scratch() {
  static thread_local EncodeScratch scratch;
  return scratch;
}

// One for each partition of a body.
struct KeptColumns {
  std::array<std::unique_ptr<ColumnsWriter>, 64> columns;
  std::size_t count = 0;

  std::size_t memory_bytes() const {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) bytes += columns[i]->memory_bytes();
    return bytes;
  }
};

KeptColumns& kept_columns() {
  static thread_local KeptColumns kept;
  return kept;
}

}  // namespace

void BatchBuilder::PutBack::operator()(ColumnsWriter* columns) const {
  std::unique_ptr<ColumnsWriter> owned(columns);
  columns->begin(0);
  KeptColumns& kept = kept_columns();
  if (kept.count == kept.columns.size()) return;
  if (kept.memory_bytes() + columns->memory_bytes() > kKeptBytesMax) return;
  kept.columns[kept.count++] = std::move(owned);
}

void BatchBuilder::reserve(std::size_t records) {
  entries_.reserve(records);
  lent_.reserve(records);
  expected_ = records;
}

void BatchBuilder::lend(Timestamp timestamp, std::optional<std::string_view> key,
                        std::string_view value, const Outlined& outlined) {
  assert(fits((key ? key->size() : 0) + value.size()) && values_.empty());
  if (columns_ == nullptr) {
    KeptColumns& kept = kept_columns();
    columns_.reset(kept.count == 0 ? new ColumnsWriter : kept.columns[--kept.count].release());
    columns_->begin(expected_);
  }
  add_key(timestamp, key);
  lent_.push_back(value);
  lent_bytes_ += value.size();
  columns_->add(value, outlined);
}

namespace {

void write_entries(std::span<const RecordKeys::Entry> entries, const std::uint32_t* ends,
                   std::string& out) {
  const std::size_t begin = out.size();
  out.resize(begin + entries.size() * kEntryBytesMax);
  char* at = out.data() + begin;
  // Differences may wrap: unsigned.
  std::uint64_t previous =
      entries.empty() ? 0 : static_cast<std::uint64_t>(entries[0].timestamp_ms);
  std::uint32_t value_begin = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto timestamp = static_cast<std::uint64_t>(entries[i].timestamp_ms);
    at = write_varint(at, zigzag(timestamp - previous));
    const std::uint32_t key_size = entries[i].key_size;
    at = write_varint(at, key_size == RecordKeys::kNoKey ? 0 : std::uint64_t{key_size} + 1);
    if (ends != nullptr) at = write_varint(at, ends[i] - std::exchange(value_begin, ends[i]));
    previous = timestamp;
  }
  out.resize(static_cast<std::size_t>(at - out.data()));
}

// Whether LZ4 made it smaller; then it is in `packed`.
bool compress(std::string_view body, std::string& packed) {
  if (body.size() > LZ4_MAX_INPUT_SIZE) return false;
  packed.resize(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(body.size()))));
  const int size = LZ4_compress_default(body.data(), packed.data(), static_cast<int>(body.size()),
                                        static_cast<int>(packed.size()));
  packed.resize(static_cast<std::size_t>(std::max(size, 0)));
  return size > 0 && packed.size() < body.size();
}

}  // namespace

// Few records do not pay for columns.
constexpr std::size_t kColumnsRecordsMin = 8;

// What is stored: the header, and the body as it is or compressed. Lies in the thread's scratch.
struct BatchBuilder::Body {
  Header header;
  std::string_view plain, stored;

  std::string encode() const {
    std::string encoded;
    encoded.reserve(sizeof header + stored.size());
    encoded.append(reinterpret_cast<const char*>(&header), sizeof header);
    encoded += stored;
    write_checksum(encoded);
    return encoded;
  }
};

BatchBuilder::Body BatchBuilder::make_body(Timestamp appended_at) {
  EncodeScratch& scratch = encode_scratch();
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.count = static_cast<std::uint32_t>(entries_.size());
  header.keys_size = static_cast<std::uint32_t>(keys_.size());
  header.appended_at_ms = appended_at.ms;
  header.first_timestamp_ms = first_timestamp_ms();

  std::string& body = scratch.body;
  const auto begin_body = [&](const std::uint32_t* ends) {
    body.clear();
    write_entries(entries_, ends, body);
    header.entries_size = static_cast<std::uint32_t>(body.size());
    body.append(keys_.data(), keys_.size());
  };
  bool in_columns = size() >= kColumnsRecordsMin;
  if (in_columns) {
    begin_body(nullptr);
    ColumnsWriter* columns = columns_.get();
    if (columns == nullptr) {
      pad_values();
      columns = &scratch.columns;
      columns->begin(size());
      std::uint32_t begin = 0;
      for (const std::uint32_t end : ends_) {
        columns->add({values_.data() + begin, end - begin}, {});
        begin = end;
      }
    }
    in_columns = columns->write(keys(), body);
  }
  if (!in_columns) {
    copy_lent();
    begin_body(ends_.data());
    body.append(values_.data(), values_.size());
  }
  header.values_size =
      static_cast<std::uint32_t>(body.size() - header.entries_size - header.keys_size);
  // Columns that left much of the text may hold what LZ4 finds; it takes three times as long as
  // they do.
  const bool compressed =
      (!in_columns || header.values_size > value_bytes() / 2) && compress(body, scratch.packed);
  header.codec = in_columns ? (compressed ? BodyCodec::kColumnsLz4 : BodyCodec::kColumns)
                            : (compressed ? BodyCodec::kTextLz4 : BodyCodec::kText);
  header.version = version_of(header.codec);
  return {header, body, compressed ? scratch.packed : body};
}

std::string BatchBuilder::encode(Timestamp appended_at) {
  std::string encoded = make_body(appended_at).encode();
  encode_scratch().shrink();
  return encoded;
}

BatchBuilder::Sealed BatchBuilder::seal(Timestamp appended_at) {
  const std::size_t raw_bytes = bytes();
  const Body body = make_body(appended_at);
  Sealed sealed{body.encode(), nullptr, raw_bytes};
  if (!has_columns(body.header.codec)) {
    sealed.batch = finish(appended_at);
  } else {
    sealed.batch = begin_batch(appended_at);
    Batch& batch = *sealed.batch;
    const std::string_view in_batch = body.plain.substr(body.header.entries_size);
    batch.bytes_.resize(in_batch.size() + kPaddingBytes, boost::container::default_init);
    in_batch.copy(batch.bytes_.data(), in_batch.size());
    std::memset(batch.bytes_.data() + in_batch.size(), 0, kPaddingBytes);
    batch.keys_ = batch.bytes_.data();
    auto columns =
        Columns::parse({batch.bytes_.data() + body.header.keys_size, body.header.values_size},
                       body.header.count, {batch.entries_.data(), batch.keys_});
    GF_CHECK(columns && columns->text_bytes() == value_bytes());
    batch.text_bytes_ = columns->text_bytes();
    batch.columns_ = std::make_unique<const Columns>(std::move(*columns));
    clear();
  }
  encode_scratch().shrink();
  return sealed;
}

// What is behind the last value may be read.
void BatchBuilder::pad_values() {
  const std::size_t size = values_.size();
  values_.resize(size + kPaddingBytes, '\0');
  values_.resize(size);
}

void BatchBuilder::copy_lent() {
  if (lent_.empty()) return;
  values_.reserve(lent_bytes_ + kPaddingBytes);
  ends_.reserve(lent_.size());
  for (const std::string_view value : lent_) {
    values_.insert(values_.end(), value.begin(), value.end());
    ends_.push_back(static_cast<std::uint32_t>(values_.size()));
  }
  lent_.clear();
  lent_bytes_ = 0;
  columns_.reset();
}

std::shared_ptr<Batch> BatchBuilder::begin_batch(Timestamp appended_at) {
  auto batch = std::make_shared<Batch>();
  batch->appended_at_ = appended_at;
  // More may have been expected than came, and batches are kept for readers.
  if (entries_.capacity() > 2 * entries_.size()) entries_.shrink_to_fit();
  batch->entries_ = std::move(entries_);
  place(*batch, {0});
  return batch;
}

std::shared_ptr<Batch> BatchBuilder::finish(Timestamp appended_at) {
  copy_lent();
  std::shared_ptr<Batch> batch = begin_batch(appended_at);
  batch->text_bytes_ = values_.size();
  values_.resize(values_.size() + kPaddingBytes, '\0');
  batch->text_.bytes = std::move(values_);
  batch->text_.ends = std::move(ends_);
  batch->text_.begin = batch->text_.bytes.data();
  batch->bytes_ = std::move(keys_);
  batch->keys_ = batch->bytes_.data();
  clear();
  return batch;
}

void BatchBuilder::stamp(Batch& batch, std::string& encoded, Timestamp appended_at) {
  batch.appended_at_ = appended_at;
  std::memcpy(encoded.data() + offsetof(Header, appended_at_ms), &appended_at.ms,
              sizeof appended_at.ms);
  write_checksum(encoded);
}

void BatchBuilder::place(Batch& batch, Offset base_offset) {
  batch.base_offset_ = base_offset;
  batch.end_offset_ = {base_offset.value + batch.size()};
  batch.offsets_.clear();
}

void BatchBuilder::place(Batch& batch, std::vector<Offset> offsets, Offset end_offset) {
  assert(!offsets.empty() && offsets.size() == batch.size() && offsets.back() < end_offset);
  assert(std::ranges::adjacent_find(offsets, std::ranges::greater_equal()) == offsets.end());
  batch.base_offset_ = offsets.front();
  batch.end_offset_ = end_offset;
  const bool has_gaps = offsets.back().value - offsets.front().value >= offsets.size();
  batch.offsets_ = has_gaps ? std::move(offsets) : std::vector<Offset>();
}

}  // namespace gameflow::record
