// What is stored, byte by byte: docs/formats/state.md has the same examples.
#include "runtime/checkpoint.h"

#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plan/join.h"
#include "record/type.h"
#include "state/table.h"

namespace gameflow::runtime {
namespace {

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(byte));
  return text;
}

constexpr Timestamp kWindow{1'731'406'530'000};  // 2024-11-12T10:15:30Z

ServiceRecord example() {
  ServiceRecord record{
      .windows = "tumbling 30s",
      .states = {{"events-per-user", record::Kind::kString, "{count:u32}"}},
      .watermark = kWindow,
      .closed = {.until = Timestamp{1'731'406'520'000}, .gone_until = Timestamp{1'731'406'520'000}},
      .fired_until = Timestamp{1'731'406'520'000},
      .unsaid = {kWindow},
      .emit_at = {},
      .inputs = {{"player-events", {1}, 0, {3}, kWindow}, {"player-events", {1}, 1, {0}, {}}},
      .counters = {}};
  record.counters.records_in = 300;
  record.counters.records_dead = 1;
  record.counters.records_skipped = 2;
  return record;
}

TEST(Checkpoint, AServiceRecordHasTheBytesThatTheFormatSays) {
  EXPECT_EQ(hex(encode(example())),
            "05 0c 74 75 6d 62 6c 69 6e 67 20 33 30 73"
            " 01 0f 65 76 65 6e 74 73 2d 70 65 72 2d 75 73 65 72 0b 0b 7b 63 6f 75 6e 74 3a 75 33"
            " 32 7d 00"
            " 01 a0 97 f8 fd e3 64"
            " 01 80 fb f6 fd e3 64 01 80 fb f6 fd e3 64 01 80 fb f6 fd e3 64 00"
            " 01 a0 97 f8 fd e3 64"
            " 02 0d 70 6c 61 79 65 72 2d 65 76 65 6e 74 73 01 00 03 01 a0 97 f8 fd e3 64"
            " 0d 70 6c 61 79 65 72 2d 65 76 65 6e 74 73 01 01 00 00"
            " ac 02 00 00 01 00 00 00 00 00 02");
}

TEST(Checkpoint, AServiceRecordComesBack) {
  const auto read = decode_service_record(encode(example()), "s");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(encode(*read), encode(example()));
  EXPECT_EQ(read->closed, example().closed);
  EXPECT_EQ(read->fired_until, example().fired_until);
  EXPECT_EQ(read->unsaid, example().unsaid);
  EXPECT_EQ(read->windows, "tumbling 30s");
  EXPECT_EQ(read->inputs[0].progress, kWindow);
  EXPECT_FALSE(read->inputs[1].progress);
  EXPECT_EQ(read->counters.records_in, 300U);
}

std::string unhex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 3)
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
  return bytes;
}

// As they were written: format 4 with a byte a state that format 3 had not.
TEST(Checkpoint, EarlierFormatsAreRead) {
  for (const bool is_third : {false, true}) {
    const std::string bytes =
        unhex(std::string(is_third ? "03" : "04") +
              " e0 d4 03"
              " 01 0f 65 76 65 6e 74 73 2d 70 65 72 2d 75 73 65 72 0b 0b 7b 63 6f 75 6e 74 3a 75 33"
              " 32 7d" +
              (is_third ? "" : " 00") +
              " 01 a0 97 f8 fd e3 64 01 80 fb f6 fd e3 64"
              " 02 0d 70 6c 61 79 65 72 2d 65 76 65 6e 74 73 01 00 03 01 a0 97 f8 fd e3 64"
              " 0d 70 6c 61 79 65 72 2d 65 76 65 6e 74 73 01 01 00 00"
              " ac 02 00 00 01 00 00 00");
    const auto read = decode_service_record(bytes, "s");
    ASSERT_TRUE(read) << read.error().message;
    // Rows that are there are of windows that have not given their result.
    ServiceRecord expected = example();
    expected.fired_until = {};
    expected.unsaid = {};
    expected.counters.records_skipped = 0;
    EXPECT_EQ(encode(*read), encode(expected));
  }
}

TEST(Checkpoint, EarlierFormatsSayWhatTheWindowsAre) {
  for (const auto& [size, windows] :
       {std::pair("00", ""), std::pair("01", "rows without windows")}) {
    const auto read = decode_service_record(
        unhex(std::string("04 ") + size + " 00 00 00 00 00 00 00 00 00 00 00"), "s");
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->windows, windows);
  }
}

TEST(Checkpoint, DamageAndOtherFormatsAreTold) {
  const std::string bytes = encode(example());
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto read = decode_service_record(std::string_view(bytes).substr(0, size), "s");
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::kDataCorrupt) << size;
  }
  EXPECT_EQ(decode_service_record(bytes + "x", "s").error().code, ErrorCode::kDataCorrupt);
  std::string newer = bytes;
  newer[0] = 6;
  EXPECT_EQ(decode_service_record(newer, "s").error().code, ErrorCode::kStateMismatch);
}

TEST(Checkpoint, RowsAreUnderWindowAndNumber) {
  const std::string key = rows_key("s", {kWindow, 2});
  EXPECT_EQ(hex(key),
            "73 65 67 6d 65 6e 74 2f 73 2f 80 00 01 93 1f df 05 d0 00 00 00 00 00 00 00 02");
  const auto place = parse_rows_key("s", key);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->window, kWindow);
  EXPECT_EQ(place->number, 2U);
  EXPECT_FALSE(parse_rows_key("s", key + "x"));
  EXPECT_FALSE(parse_rows_key("other", key));
}

TEST(Checkpoint, ARowHasTheBytesThatTheFormatSays) {
  record::TypeTable types;
  const auto* row =
      types.object("row", {{.name = "count", .type = types.scalar(record::Kind::kU32)}});
  const state::Layout layout({row});
  state::Table table(layout);
  state::Entry* const entry = table.find_or_insert("ann", state::hash_key("ann"));
  *static_cast<u32*>(layout.row(entry, 0)) = 3;
  table.mark_changed(entry, 1, {1'731'406'531'000});
  std::string bytes;
  ByteWriter out(bytes);
  layout.encode(entry, out);
  EXPECT_EQ(hex(bytes), "03 61 6e 6e 01 f0 a6 f8 fd e3 64 04 03 00 00 00");
}

TEST(Checkpoint, KeysOfRowsAreInOrderAndInTheRangeOfTheirServiceAlone) {
  const RowsKey in_order[] = {{{-1}, 0}, {{0}, 0}, {{0}, 255}, {{0}, 256}, {{1}, 0}};
  const log::KeyRange range = rows_range("s");
  std::string before = range.begin;
  for (const RowsKey& place : in_order) {
    const std::string key = rows_key("s", place);
    EXPECT_LT(before, key);
    EXPECT_LT(key, range.end);
    before = key;
  }
  for (const char* other : {"r", "s2", "s-", "t"}) {
    const std::string key = rows_key(other, {{0}, 0});
    EXPECT_TRUE(key < range.begin || key >= range.end) << other;
  }
}

// Before the kind of the keys was stored, a join had two states.
TEST(Checkpoint, AJoinWhoseKeyIsNotKnownIsTakenOver) {
  record::TypeTable types;
  const record::Type* const text = types.scalar(record::Kind::kString);
  const plan::Functions::Sides sides{text, text, record::Kind::kI64};
  plan::Join join;
  join.left = "a";
  join.right = "b";
  ServiceRecord record;
  record.windows = join.events();
  record.states = stored_sides(sides);
  const plan::Functions::Sides others{text, text, record::Kind::kString};
  EXPECT_TRUE(match_join(record, "s", join, sides, true));
  EXPECT_FALSE(match_join(record, "s", join, others, true));
  EXPECT_TRUE(match_join(record, "s", join, others, false));
  record.states.pop_back();
  EXPECT_TRUE(match_join(record, "s", join, others, true));
}

}  // namespace
}  // namespace gameflow::runtime
