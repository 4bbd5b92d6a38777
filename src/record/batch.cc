#include "record/batch.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include <lz4.h>

#include "record/batch_format.h"
#include "record/columns.h"

namespace gameflow::record {
namespace {

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

}  // namespace gameflow::record
