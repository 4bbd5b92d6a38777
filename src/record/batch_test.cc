#include "record/batch.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <xxhash.h>

namespace gameflow::record {
namespace {

struct Record {
  std::int64_t timestamp_ms;
  std::optional<std::string> key;
  std::string value;
  friend bool operator==(const Record&, const Record&) = default;
};

BatchBuilder build(const std::vector<Record>& records) {
  BatchBuilder builder;
  for (const Record& record : records) {
    builder.add({record.timestamp_ms}, record.key, record.value);
  }
  return builder;
}

std::vector<Record> records_of(const Batch& batch) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const RecordView view = batch[i];
    records.push_back({view.timestamp.ms,
                       view.key ? std::optional(std::string(*view.key)) : std::nullopt,
                       std::string(view.value)});
  }
  return records;
}

constexpr std::int64_t kMin = INT64_MIN, kMax = INT64_MAX;

const std::vector<std::pair<const char*, std::vector<Record>>> kRoundTrips{
    {"nothing", {}},
    {"one record", {{1, "k", "v"}}},
    {"no key differs from an empty key", {{1, std::nullopt, "v"}, {1, "", "v"}}},
    {"empty value", {{1, "k", ""}}},
    {"times go back", {{1731406530250, "a", "1"}, {1731406530000, "b", "2"}, {-5, "c", "3"}}},
    {"extreme times", {{kMin, "a", "1"}, {kMax, "b", "2"}, {kMin, "c", "3"}, {0, "d", "4"}}},
    {"long key and value", {{1, std::string(300, 'k'), std::string(8U << 20, 'v')}}},
    {"bytes of any value", {{1, std::string("\0\xFF", 2), std::string("\0\x80\n", 3)}}},
};

TEST(Batch, RoundTrips) {
  for (const auto& [name, records] : kRoundTrips) {
    SCOPED_TRACE(name);
    BatchBuilder builder = build(records);
    const auto decoded = Batch::decode(builder.encode({42}), {7});
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(records_of(**decoded), records);
    EXPECT_EQ((*decoded)->base_offset().value, 7U);
    EXPECT_EQ((*decoded)->end_offset().value, 7U + records.size());
    if (!records.empty()) {
      EXPECT_EQ((*decoded)->offset(records.size() - 1).value, 6U + records.size());
    }
    EXPECT_EQ((*decoded)->index_of({6}), 0U);
    EXPECT_EQ((*decoded)->index_of({1'000}), records.size());
    EXPECT_EQ((*decoded)->appended_at().ms, 42);

    const auto finished = builder.finish({43});
    EXPECT_TRUE(builder.empty());
    EXPECT_EQ(builder.bytes(), 0U);
    EXPECT_EQ(records_of(*finished), records);
    BatchBuilder::place(*finished, {9});
    EXPECT_EQ(finished->base_offset().value, 9U);
    EXPECT_EQ(finished->end_offset().value, 9U + records.size());
    EXPECT_EQ(finished->appended_at().ms, 43);
  }
}

TEST(Batch, OffsetsMayHaveGaps) {
  struct Row {
    const char* what;
    std::vector<std::uint64_t> offsets;
    std::uint64_t end;
    std::vector<std::size_t> index_of;  // of the offsets 5, 6, …
  };
  const Row rows[] = {
      {"none", {6, 7, 8}, 9, {0, 0, 1, 2, 3}},
      {"behind", {6, 7, 8}, 12, {0, 0, 1, 2, 3, 3, 3, 3}},
      {"inside", {6, 9, 10}, 11, {0, 0, 1, 1, 1, 2, 3}},
      {"inside and behind", {6, 7, 10}, 13, {0, 0, 1, 2, 2, 2, 3, 3}},
      {"one record", {6}, 8, {0, 0, 1, 1}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const auto batch = build(std::vector<Record>(row.offsets.size(), {1, "k", "v"})).finish({0});
    std::vector<Offset> offsets;
    for (const std::uint64_t offset : row.offsets) offsets.push_back({offset});
    BatchBuilder::place(*batch, offsets, {row.end});
    EXPECT_EQ(batch->base_offset(), offsets.front());
    EXPECT_EQ(batch->end_offset().value, row.end);
    for (std::size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(batch->offset(i), offsets[i]);
    for (std::size_t i = 0; i < row.index_of.size(); ++i) {
      EXPECT_EQ(batch->index_of({5 + i}), row.index_of[i]) << 5 + i;
    }
  }
}

TEST(Batch, MayGetAnotherTimeOfAppend) {
  BatchBuilder builder = build({{1, "k", "v"}, {2, std::nullopt, std::string(1'000, 'x')}});
  std::string encoded = builder.encode({42});
  const auto batch = builder.finish({42});
  BatchBuilder::stamp(*batch, encoded, {43});
  EXPECT_EQ(batch->appended_at().ms, 43);
  const auto decoded = Batch::decode(encoded, {0});
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ((*decoded)->appended_at().ms, 43);
  EXPECT_EQ(records_of(**decoded), records_of(*batch));
}

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::vector<Record> random_records(std::mt19937_64& random) {
  std::vector<Record> records(random() % 50);
  for (Record& record : records) {
    record.timestamp_ms = static_cast<std::int64_t>(random() >> (random() % 64));
    if (random() % 3 != 0) record.key = random_bytes(random, random() % 20);
    record.value =
        random() % 2 == 0 ? random_bytes(random, random() % 200) : std::string(random() % 200, 'x');
  }
  return records;
}

TEST(Batch, RoundTripsRandomRecords) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    const auto records = random_records(random);
    const auto decoded = Batch::decode(build(records).encode({round}), {0});
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(records_of(**decoded), records);
  }
}

TEST(Batch, StoresRawWhatDoesNotShrink) {
  std::mt19937_64 random(2);
  const std::string noise = random_bytes(random, 10'000);
  const std::string encoded = build({{1, "k", noise}}).encode({0});
  EXPECT_LT(encoded.size(), noise.size() + 100);
  EXPECT_NE(encoded.find(noise), std::string::npos);
  EXPECT_LT(build({{1, "k", std::string(10'000, 'x')}}).encode({0}).size(), 200U);
}

TEST(Batch, IsReadableForThePaddingPastItsEnd) {
  const auto decoded = Batch::decode(build({{1, "k", "v"}}).encode({0}), {0});
  ASSERT_TRUE(decoded);
  const std::string_view value = (**decoded)[0].value;
  char copy[kPaddingBytes];
  std::memcpy(copy, value.data() + value.size(), kPaddingBytes);  // for the address sanitizer
  EXPECT_EQ(std::string_view(copy, kPaddingBytes), std::string(kPaddingBytes, '\0'));
}

TEST(Batch, FitsIsABoundThatAlwaysAdmitsOneRecord) {
  BatchBuilder builder;
  EXPECT_TRUE(builder.fits(kBatchBytesMax + 1));
  builder.add({0}, std::nullopt, "x");
  EXPECT_TRUE(builder.fits(8U << 20));
  EXPECT_FALSE(builder.fits(kBatchBytesMax));
}

std::string documented_bytes() {
  std::ifstream page(GAMEFLOW_DOCS_DIR "/formats/batch.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  const std::string_view fence = "```hex\n";
  const std::size_t begin = text.find(fence) + fence.size();
  std::istringstream block(text.substr(begin, text.find("```", begin) - begin));
  std::string bytes;
  for (unsigned byte; block >> std::hex >> byte;) bytes += static_cast<char>(byte);
  return bytes;
}

TEST(Batch, DocumentedExample) {
  const std::vector<Record> records{{1731406530000, "p1", R"({"n":1})"},
                                    {1731406530250, std::nullopt, R"({"n":2})"},
                                    {1731406529990, "", R"({"n":3})"}};
  const std::string bytes = documented_bytes();
  EXPECT_EQ(build(records).encode({1731406530300}), bytes);
  const auto decoded = Batch::decode(bytes, {0});
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(records_of(**decoded), records);
  EXPECT_EQ((*decoded)->appended_at().ms, 1731406530300);
}

TEST(BatchDamage, EveryFlippedBitIsFound) {
  const std::string encoded =
      build({{5, "a", "some value, some value"}, {6, "b", "x"}}).encode({0});
  for (std::size_t bit = 0; bit < encoded.size() * 8; ++bit) {
    std::string damaged = encoded;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = Batch::decode(damaged, {0});
    ASSERT_FALSE(decoded) << "bit " << bit;
    EXPECT_EQ(decoded.error().code, ErrorCode::kDataCorrupt);
  }
}

TEST(BatchDamage, EveryTruncationAndTrailingByteIsFound) {
  const std::string encoded =
      build({{5, "a", "some value, some value"}, {6, "b", "x"}}).encode({0});
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    const auto decoded = Batch::decode(std::string_view(encoded).substr(0, size), {0});
    ASSERT_FALSE(decoded) << "size " << size;
    EXPECT_EQ(decoded.error().code, ErrorCode::kDataCorrupt);
  }
  EXPECT_FALSE(Batch::decode(encoded + '\0', {0}));
}

// The checksum of a forged batch is right: everything behind it must hold by itself.
std::uint64_t xxh3_of_all_but_magic_and_checksum(std::string_view encoded) {
  return XXH3_64bits(encoded.data() + 12, encoded.size() - 12);
}

TEST(BatchDamage, ForgedBatchesNeverCrash) {
  std::mt19937_64 random(3);
  int accepted = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string forged = build(random_records(random)).encode({0});
    for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      // Half of the flips in the header, which has the sizes.
      const std::size_t range = random() % 2 == 0 ? 48 : forged.size();
      forged[random() % range] = static_cast<char>(random() % 3 == 0 ? 0xFF : random());
    }
    if (random() % 4 == 0) forged.resize(48 + random() % (forged.size() - 47));
    std::memcpy(forged.data(), "GFB\1", 4);
    const std::uint64_t checksum = xxh3_of_all_but_magic_and_checksum(forged);
    std::memcpy(forged.data() + 4, &checksum, sizeof checksum);

    const auto decoded = Batch::decode(forged, {0});
    if (!decoded) {
      ASSERT_EQ(decoded.error().code, ErrorCode::kDataCorrupt);
      continue;
    }
    ++accepted;  // the flip hit a value or a time; every view must still be inside
    std::size_t bytes = 0;
    for (const Record& record : records_of(**decoded)) bytes += record.value.size();
    ASSERT_LE(bytes, (*decoded)->memory_bytes());
  }
  EXPECT_GT(accepted, 0);
}

TEST(BatchDamage, OffsetsDoNotOverflow) {
  EXPECT_FALSE(Batch::decode(build({{1, "k", "v"}}).encode({0}), {UINT64_MAX}));
}

TEST(BatchDamage, NewerVersionIsNamed) {
  std::string encoded = build({{1, "k", "v"}}).encode({0});
  encoded[3] = 3;
  EXPECT_EQ(Batch::decode(encoded, {0}).error().message,
            "batch has format version 3; this program reads versions up to 2");
}

}  // namespace
}  // namespace gameflow::record
