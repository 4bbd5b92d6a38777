#include "log/rocksdb/erased.h"

#include <memory>
#include <utility>

#include <xxhash.h>

#include "base/bytes.h"

namespace gameflow::log {
namespace {

using record::Batch;
using record::BatchBuilder;
using record::Offset;

constexpr std::string_view kMagic = "GFE\1";
constexpr std::size_t kCheckedFrom = 12;  // behind magic and checksum

bool is_left(std::string_view value) {
  return value.starts_with(kMagic);
}

tl::unexpected<Error> damaged() {
  return fail(ErrorCode::kDataCorrupt, "what is left of a batch is damaged");
}

struct Left {
  StoredHead head;
  std::uint32_t count = 0;
  ByteReader offsets{{}};
};

Result<Left> read_left(std::string_view value) {
  ByteReader in(value);
  in.bytes(kMagic.size());
  const auto checksum = in.fixed<std::uint64_t>();
  Left left;
  left.head.appended_at = {in.fixed<std::int64_t>()};
  left.head.offsets = in.fixed<std::uint32_t>();
  left.count = in.fixed<std::uint32_t>();
  if (!in.ok() || left.count > left.head.offsets) return damaged();
  const std::string_view checked = value.substr(kCheckedFrom);
  if (checksum != XXH3_64bits(checked.data(), checked.size())) return damaged();
  left.offsets = in;
  return left;
}

// A batch that was decoded has its records one after the other: they get their offsets back.
record::BatchPtr place(const Batch& records, std::vector<Offset> offsets, Offset end) {
  BatchBuilder builder;
  for (std::size_t i = 0; i < records.size(); ++i)
    builder.add(records.timestamp(i), records.key(i), records.value(i));
  std::shared_ptr<Batch> batch = builder.finish(records.appended_at());
  BatchBuilder::place(*batch, std::move(offsets), end);
  return batch;
}

}  // namespace

Result<StoredBatch> decode_stored(std::string_view value, Offset base) {
  if (!is_left(value)) {
    GF_ASSIGN(record::BatchPtr batch, Batch::decode(value, base));
    const Offset end = batch->end_offset();
    const Timestamp appended_at = batch->appended_at();
    return StoredBatch{std::move(batch), end, appended_at};
  }
  GF_ASSIGN(Left left, read_left(value));
  const Offset end{base.value + left.head.offsets};
  std::vector<Offset> offsets;
  std::uint64_t least = 0;
  for (std::uint32_t i = 0; i < left.count; ++i) {
    const auto offset = left.offsets.fixed<std::uint32_t>();
    if (!left.offsets.ok() || offset < least || offset >= left.head.offsets) return damaged();
    offsets.push_back({base.value + offset});
    least = std::uint64_t{offset} + 1;
  }
  if (left.count == 0) return StoredBatch{nullptr, end, left.head.appended_at};
  GF_ASSIGN(const record::BatchPtr records, Batch::decode(left.offsets.rest(), base));
  if (records->size() != left.count) return damaged();
  return StoredBatch{place(*records, std::move(offsets), end), end, left.head.appended_at};
}

Result<StoredHead> peek_stored(std::string_view value) {
  if (!is_left(value)) {
    GF_ASSIGN(const Batch::Head head, Batch::peek(value));
    return StoredHead{head.appended_at, head.records};
  }
  GF_ASSIGN(const Left left, read_left(value));
  return left.head;
}

std::string encode_left(const StoredHead& head, const std::vector<std::uint32_t>& kept,
                        BatchBuilder& batch) {
  std::string checked;
  ByteWriter out(checked);
  out.fixed(head.appended_at.ms);
  out.fixed(head.offsets);
  out.fixed(static_cast<std::uint32_t>(kept.size()));
  for (const std::uint32_t offset : kept) out.fixed(offset);
  if (!kept.empty()) out.bytes(batch.encode(head.appended_at));
  batch.clear();
  std::string value(kMagic);
  ByteWriter(value).fixed(std::uint64_t{XXH3_64bits(checked.data(), checked.size())});
  return value + checked;
}

}  // namespace gameflow::log
