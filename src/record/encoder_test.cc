// What an encoder says of its values is what columns find in them.
#include "record/encoder.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/arena.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/outline.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

struct EncoderTest : testing::Test {
  const Type* scalar(Kind kind) { return types.scalar(kind); }

  // The value of a JSON text, which is kept.
  const void* value(const Type& type, std::string_view json) {
    auto* const text = static_cast<char*>(arena.allocate(json.size() + kPaddingBytes, 1));
    json.copy(text, json.size());
    void* const out = arena.allocate(type.size, 16);
    type.clear(out);
    EXPECT_TRUE(decoder.decode(type, {text, json.size()}, arena, out))
        << json << ": " << decoder.error().message;
    return out;
  }
  // Gaps and parts in turn.
  std::string put_together(const Outlined& outlined) const {
    std::string text;
    const Outline& outline = **outlined.outline;
    for (std::size_t i = 0; i < outline.kinds.size(); ++i)
      text.append(outline.gap_texts[i]).append(outlined.parts[i]);
    return text + outline.gap_texts.back();
  }

  TypeTable types;
  BlockArena arena;
  Decoder decoder;
  Encoder encoder;
};

TEST_F(EncoderTest, BatchesAreThoseOfCopiedValues) {
  std::mt19937_64 random(5);
  const Type* const item =
      types.object("item", {{"id", scalar(Kind::kString)}, {"n", scalar(Kind::kU8), true}});
  const Type* const level = types.enumeration("level", {{"low"}, {"hi-\u00e9"}, {"a\"b"}});
  const Type* const what = types.enumeration("what", {{"none"}, {"some", item}});
  const std::vector<Field> fields{{"text", scalar(Kind::kString), true},
                                  {"count", scalar(Kind::kI64), true},
                                  {"ratio", scalar(Kind::kF64), true},
                                  {"is_on", scalar(Kind::kBool), true},
                                  {"bytes", scalar(Kind::kBytes), true},
                                  {"at", types.timestamp(TimeUnit::kNone), true},
                                  {"price", types.decimal(2), true},
                                  {"level", level, true},
                                  {"what", what, true},
                                  {"item", item, true},
                                  {"items", types.list_of(item), true},
                                  {"any", scalar(Kind::kJson), true},
                                  {"tags", types.map_of(scalar(Kind::kU8)), true}};
  const auto json_of = [&](std::string_view field) -> std::string {
    const auto pick = [&](const std::vector<std::string>& all) {
      return all[random() % all.size()];
    };
    if (field == "text")
      return pick({R"("")", R"("player_7")", R"("Zo\u00eb")", R"("an \"escape\"")", R"("\u0001")"});
    if (field == "count") return pick({"0", "-9223372036854775808", "17"});
    if (field == "ratio") return pick({"0.5", "-1e300", "3"});
    if (field == "is_on") return pick({"true", "false"});
    if (field == "bytes") return pick({R"("")", R"("AAEC")"});
    if (field == "at") return pick({R"("2026-11-26T10:00:00Z")", R"("1969-12-31T23:59:59.999Z")"});
    if (field == "price") return pick({"1.50", "-0.01"});
    if (field == "level") return pick({R"("low")", "\"hi-\u00e9\"", R"("a\"b")"});
    if (field == "what") return pick({R"("none")", R"({"some":{"id":"x"}})"});
    if (field == "item") return pick({R"({"id":"y"})", R"({"id":"z","n":3})"});
    if (field == "items") return pick({"[]", R"([{"id":"]"},{"id":"q\"","n":1}])"});
    if (field == "any") return pick({"null", R"({"deep":[1,[2]]})", "4"});
    return pick({"{}", R"({"a":1,"b":2})"});
  };
  std::size_t taken_apart = 0;
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    std::vector<Field> some;
    for (const Field& field : fields) {
      if (random() % 3 == 0) some.push_back(field);
    }
    const Type& type = *types.object(fmt::format("event{}", round), some);
    BatchBuilder lent, copied;
    const std::uint64_t gaps = 2 + random() % 20;
    for (int i = 0; i < 40; ++i) {
      std::string json = "{";
      for (const Field& field : some) {
        if (random() % gaps == 0) continue;
        json += fmt::format("{}\"{}\":{}", json == "{" ? "" : ",", field.name, json_of(field.name));
      }
      const void* const of_record = value(type, json + "}");
      const std::string_view text = encoder.encode(type, of_record, arena);
      std::string plain;
      encode_json(type, of_record, plain);
      ASSERT_EQ(text, plain);
      if (encoder.outlined()) {
        ++taken_apart;
        ASSERT_EQ(put_together(encoder.outlined()), text);
      }
      lent.lend({i}, "key", text, encoder.outlined());
      copied.add({i}, "key", text);
    }
    ASSERT_EQ(lent.encode({7}), copied.encode({7}));
  }
  EXPECT_GT(taken_apart, 3'000U);
}

TEST_F(EncoderTest, WhatHasNoOutlineIsWritten) {
  const Type& deep = *types.list_of(scalar(Kind::kU8));
  EXPECT_EQ(encoder.encode(deep, value(deep, "[1,2]"), arena), "[1,2]");
  EXPECT_FALSE(encoder.outlined());

  std::vector<Field> many;
  for (int i = 0; i < 200; ++i) many.push_back({fmt::format("f{}", i), scalar(Kind::kU8), i < 80});
  const Type& wide = *types.object("wide", many);
  std::string json = "{";
  for (int i = 80; i < 200; ++i) json += fmt::format("{}\"f{}\":1", i == 80 ? "" : ",", i);
  EXPECT_EQ(encoder.encode(wide, value(wide, json + "}"), arena), json + "}");
  EXPECT_FALSE(encoder.outlined());  // 80 choices, 120 parts

  const Type& number = *types.object("number", {{"x", scalar(Kind::kF64)}});
  auto* const slot = static_cast<double*>(arena.allocate(number.size, 16));
  for (const double x : {0.5, std::numeric_limits<double>::infinity(), 2.0}) {
    *slot = x;
    const std::string_view text = encoder.encode(number, slot, arena);
    ASSERT_TRUE(encoder.outlined());
    EXPECT_EQ(put_together(encoder.outlined()), text);
  }
}

}  // namespace
}  // namespace gameflow::record
