#include "record/batch.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include <lz4.h>
#include <xxhash.h>

#include "record/columns.h"

namespace gameflow::record {
namespace {

static_assert(std::endian::native == std::endian::little,
              "batches are little-endian, as in memory");

constexpr char kMagic[3] = {'G', 'F', 'B'};
// Of the values in the body, and what is behind the header: as it is, or compressed.
enum class BodyCodec : std::uint8_t { kText = 0, kTextLz4 = 1, kColumns = 2, kColumnsLz4 = 3 };

bool is_compressed(BodyCodec codec) {
  return codec == BodyCodec::kTextLz4 || codec == BodyCodec::kColumnsLz4;
}
bool has_columns(BodyCodec codec) {
  return codec == BodyCodec::kColumns || codec == BodyCodec::kColumnsLz4;
}
// Columns came with version 2.
std::uint8_t version_of(BodyCodec codec) {
  return has_columns(codec) ? 2 : 1;
}
constexpr int kVersionMax = 2;

struct Header {
  char magic[3];
  std::uint8_t version;
  std::uint32_t checksum_low, checksum_high;  // two halves: as one number it would need padding
  BodyCodec codec;
  std::uint8_t reserved[3];
  std::uint32_t count;
  std::uint32_t entries_size, keys_size, values_size;  // as they lie in the body
  std::int64_t appended_at_ms, first_timestamp_ms;

  std::uint64_t body_size() const { return std::uint64_t{entries_size} + keys_size + values_size; }
};
static_assert(sizeof(Header) == 48 && std::is_trivially_copyable_v<Header>);
constexpr std::size_t kChecksumEnd = 12;

// An entry is two or three varints: at least a byte each, at most ten.
constexpr std::size_t kEntryBytesMin = 2;
constexpr std::size_t kEntryBytesMax = 30;
static_assert(kEntryBytesMax <= kPaddingBytes, "read_varint relies on it");

// LZ4 cannot make more than 255 bytes of one. It keeps a forged header from reserving gigabytes.
constexpr std::uint64_t kLz4RatioMax = 255;

std::uint64_t zigzag(std::uint64_t delta) {
  return (delta << 1) ^ (0 - (delta >> 63));
}

std::uint64_t unzigzag(std::uint64_t code) {
  return (code >> 1) ^ (0 - (code & 1));
}

char* write_varint(char* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

// Reads up to ten bytes without a bound: the caller checks afterwards that it stayed inside, as the
// buffer is padded. Bits past 64 are lost; what a wrong number leads to is checked by the caller.
const char* read_varint(const char* in, std::uint64_t& value) {
  auto byte = static_cast<std::uint8_t>(*in++);
  value = byte & 0x7FU;
  for (unsigned shift = 7; (byte & 0x80U) != 0 && shift < 64; shift += 7) {
    byte = static_cast<std::uint8_t>(*in++);
    value |= std::uint64_t{byte & 0x7FU} << shift;
  }
  return in;
}

std::uint64_t checksum_of(std::string_view encoded) {
  return XXH3_64bits(encoded.data() + kChecksumEnd, encoded.size() - kChecksumEnd);
}

void write_checksum(std::string& encoded) {
  const std::uint64_t checksum = checksum_of(encoded);
  std::memcpy(encoded.data() + offsetof(Header, checksum_low), &checksum, sizeof checksum);
}

tl::unexpected<Error> corrupt(const char* reason) {
  return fail(ErrorCode::kDataCorrupt, std::string("batch is damaged: ") + reason);
}

Result<Header> read_header(std::string_view encoded) {
  Header header;
  if (encoded.size() < sizeof header) return corrupt("shorter than its header");
  std::memcpy(&header, encoded.data(), sizeof header);
  if (std::memcmp(header.magic, kMagic, 3) != 0) return corrupt("does not start with GFB");
  if (header.version > kVersionMax) {
    return fail(ErrorCode::kDataCorrupt,
                "batch has format version " + std::to_string(header.version) +
                    "; this program reads versions up to " + std::to_string(kVersionMax));
  }
  const auto checksum = std::uint64_t{header.checksum_high} << 32 | header.checksum_low;
  if (checksum != checksum_of(encoded)) return corrupt("checksum does not match");
  if ((header.reserved[0] | header.reserved[1] | header.reserved[2]) != 0) {
    return corrupt("reserved bytes are not zero");
  }
  if (header.count > header.entries_size / kEntryBytesMin) return corrupt("too many entries");

  const std::size_t stored = encoded.size() - sizeof header;
  const std::uint64_t size = header.body_size();
  if (header.codec > BodyCodec::kColumnsLz4 || header.version != version_of(header.codec))
    return corrupt("unknown compression");
  if (!is_compressed(header.codec)) {
    if (stored != size) return corrupt("body has another size than the header says");
  } else if (size > LZ4_MAX_INPUT_SIZE || stored > LZ4_MAX_INPUT_SIZE ||
             size > stored * kLz4RatioMax) {
    return corrupt("body cannot have the size the header says");
  }
  return header;
}

}  // namespace

Batch::Batch() = default;
Batch::~Batch() = default;

std::size_t Batch::index_of(Offset offset) const {
  if (offset <= base_offset_) return 0;
  if (offsets_.empty()) {
    return std::min<std::uint64_t>(offset.value - base_offset_.value, entries_.size());
  }
  return static_cast<std::size_t>(std::ranges::lower_bound(offsets_, offset) - offsets_.begin());
}

const Batch::Text& Batch::text() const {
  if (columns_ == nullptr) return text_;
  std::call_once(text_made_, [this] {
    Text text;
    text.bytes.resize(text_bytes_ + kPaddingBytes, boost::container::default_init);
    text.ends.resize(size());
    columns_->write_text(text.bytes.data(), text.ends);
    std::memset(text.bytes.data() + text_bytes_, 0, kPaddingBytes);
    text.begin = text.bytes.data();
    text_ = std::move(text);
  });
  return text_;
}

std::string_view Batch::values(std::size_t first, std::size_t last) const {
  assert(first <= last && last <= size());
  if (first == last) return {};
  const Text& text = this->text();
  const std::size_t begin = first == 0 ? 0 : text.ends[first - 1];
  return {text.begin + begin, text.ends[last - 1] - begin};
}

std::size_t Batch::run_end(std::size_t first, std::size_t bytes) const {
  assert(first < size());
  const std::vector<std::uint32_t>& ends = text().ends;
  const std::size_t end = (first == 0 ? 0 : ends[first - 1]) + bytes;
  std::size_t last = first + 1;
  while (last < size() && ends[last] <= end) ++last;
  return last;
}

std::size_t Batch::memory_bytes() const {
  return sizeof *this + entries_.capacity() * sizeof(Entry) + offsets_.capacity() * sizeof(Offset) +
         size() * sizeof(std::uint32_t) + bytes_.size() + (text_lies_in_bytes() ? 0 : text_bytes_);
}

Result<BatchPtr> Batch::decode(std::string_view encoded, Offset base_offset) {
  GF_ASSIGN(const Header header, read_header(encoded));
  if (base_offset.value > std::numeric_limits<std::uint64_t>::max() - header.count) {
    return corrupt("offsets overflow");
  }
  const std::string_view body = encoded.substr(sizeof header);
  const auto size = static_cast<std::size_t>(header.body_size());

  auto batch = std::make_shared<Batch>();
  batch->base_offset_ = base_offset;
  batch->end_offset_ = {base_offset.value + header.count};
  batch->appended_at_ = {header.appended_at_ms};
  batch->bytes_.resize(size + kPaddingBytes, boost::container::default_init);
  char* bytes = batch->bytes_.data();
  if (!is_compressed(header.codec)) {
    std::memcpy(bytes, body.data(), size);
  } else if (LZ4_decompress_safe(body.data(), bytes, static_cast<int>(body.size()),
                                 static_cast<int>(size)) != static_cast<int>(size)) {
    return corrupt("LZ4 data does not decode");
  }
  std::memset(bytes + size, 0, kPaddingBytes);

  // Positions are 64 bits here and compared with the ends before they are narrowed.
  const bool in_columns = has_columns(header.codec);
  const char* in = bytes;
  const char* const entries_end = bytes + header.entries_size;
  std::uint64_t key_begin = 0, value_end = 0;
  auto timestamp = static_cast<std::uint64_t>(header.first_timestamp_ms);
  batch->keys_ = entries_end;
  batch->entries_.resize(header.count);
  if (!in_columns) batch->text_.ends.resize(header.count);
  for (std::uint32_t i = 0; i < header.count; ++i) {
    std::uint64_t delta, key_code, value_size = 0;
    if (in >= entries_end) return corrupt("entries end early");
    in = read_varint(read_varint(in, delta), key_code);
    if (!in_columns) in = read_varint(in, value_size);
    const std::uint64_t key_size = key_code == 0 ? 0 : key_code - 1;
    if (key_size > header.keys_size - key_begin || value_size > header.values_size - value_end)
      return corrupt("an entry points past the end");
    timestamp += unzigzag(delta);
    value_end += value_size;
    batch->entries_[i] = {static_cast<std::int64_t>(timestamp),
                          static_cast<std::uint32_t>(key_begin),
                          key_code == 0 ? kNoKey : static_cast<std::uint32_t>(key_size)};
    if (!in_columns) batch->text_.ends[i] = static_cast<std::uint32_t>(value_end);
    key_begin += key_size;
  }
  if (in != entries_end || key_begin != header.keys_size ||
      (!in_columns && value_end != header.values_size)) {
    return corrupt("entries do not add up to the sizes in the header");
  }
  const char* const values = entries_end + header.keys_size;
  if (in_columns) {
    auto columns = Columns::parse({values, header.values_size}, header.count,
                                  {batch->entries_.data(), batch->keys_});
    if (!columns || columns->text_bytes() > kBatchBytesMax) return corrupt("columns are not right");
    batch->text_bytes_ = columns->text_bytes();
    batch->columns_ = std::make_unique<const Columns>(std::move(*columns));
  } else {
    batch->text_.begin = values;
    batch->text_bytes_ = header.values_size;
  }
  return batch;
}

Result<Batch::Head> Batch::peek(std::string_view encoded) {
  GF_ASSIGN(const Header header, read_header(encoded));
  return Head{{header.appended_at_ms}, header.count};
}

bool BatchBuilder::fits(std::size_t key_and_value_bytes) const {
  return empty() || bytes() + entries_.size() * sizeof(RecordKeys::Entry) + key_and_value_bytes <=
                        kBatchBytesMax;
}

void BatchBuilder::reserve(std::size_t bytes, std::size_t value_bytes) {
  const std::size_t records = bytes / std::max<std::size_t>(value_bytes, 32) + 1;
  values_.reserve(bytes + kPaddingBytes);
  entries_.reserve(records);
  ends_.reserve(records);
}

void BatchBuilder::add(Timestamp timestamp, std::optional<std::string_view> key,
                       std::string_view value) {
  assert(fits((key ? key->size() : 0) + value.size()));
  entries_.push_back({timestamp.ms, static_cast<std::uint32_t>(keys_.size()),
                      key ? static_cast<std::uint32_t>(key->size()) : RecordKeys::kNoKey});
  if (key) keys_.insert(keys_.end(), key->begin(), key->end());
  values_.insert(values_.end(), value.begin(), value.end());
  ends_.push_back(static_cast<std::uint32_t>(values_.size()));
}

void BatchBuilder::clear() {
  entries_.clear();
  ends_.clear();
  keys_.clear();
  values_.clear();
}

namespace {

// The body of a batch, in memory that stays: fresh pages for every batch made 1,000 player events
// cost 440 us instead of 200 us.
struct EncodeScratch {
  ColumnsWriter columns;
  std::vector<std::string_view> values;
  std::string body, packed;

  void shrink() {
    constexpr std::size_t kKeptBytesMax = std::size_t{4} << 20;
    if (body.capacity() + packed.capacity() > kKeptBytesMax) *this = {};
  }
};

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

std::string BatchBuilder::encode(Timestamp appended_at) {
  static thread_local EncodeScratch scratch;
  pad_values();
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
    scratch.values.clear();
    std::uint32_t begin = 0;
    for (const std::uint32_t end : ends_) {
      scratch.values.emplace_back(values_.data() + begin, end - begin);
      begin = end;
    }
    in_columns = scratch.columns.write(scratch.values, {entries_.data(), keys_.data()}, body);
  }
  if (!in_columns) {
    begin_body(ends_.data());
    body.append(values_.data(), values_.size());
  }
  header.values_size =
      static_cast<std::uint32_t>(body.size() - header.entries_size - header.keys_size);
  // Columns that left much of the text may hold what LZ4 finds; it takes three times as long as
  // they do.
  const bool compressed =
      (!in_columns || header.values_size > values_.size() / 2) && compress(body, scratch.packed);
  header.codec = in_columns ? (compressed ? BodyCodec::kColumnsLz4 : BodyCodec::kColumns)
                            : (compressed ? BodyCodec::kTextLz4 : BodyCodec::kText);
  header.version = version_of(header.codec);

  const std::string& stored = compressed ? scratch.packed : body;
  std::string encoded;
  encoded.reserve(sizeof header + stored.size());
  encoded.append(reinterpret_cast<const char*>(&header), sizeof header);
  encoded += stored;
  scratch.shrink();
  write_checksum(encoded);
  return encoded;
}

// What is behind the last value may be read.
void BatchBuilder::pad_values() {
  const std::size_t size = values_.size();
  values_.resize(size + kPaddingBytes, '\0');
  values_.resize(size);
}

std::shared_ptr<Batch> BatchBuilder::finish(Timestamp appended_at) {
  auto batch = std::make_shared<Batch>();
  batch->appended_at_ = appended_at;
  batch->text_bytes_ = values_.size();
  values_.resize(values_.size() + kPaddingBytes, '\0');
  batch->text_.bytes = std::move(values_);
  batch->text_.ends = std::move(ends_);
  batch->text_.begin = batch->text_.bytes.data();
  batch->bytes_ = std::move(keys_);
  batch->keys_ = batch->bytes_.data();
  batch->entries_ = std::move(entries_);
  clear();
  place(*batch, {0});
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
