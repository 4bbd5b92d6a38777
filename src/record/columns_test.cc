// What a batch keeps of values that are alike: every byte.
#include "record/columns.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/type.h"

namespace gameflow::record {
namespace {

struct Sent {
  std::optional<std::string> key;
  std::string value;
};

BatchBuilder builder_of(const std::vector<Sent>& records) {
  BatchBuilder builder;
  std::int64_t time = 0;
  for (const Sent& record : records) builder.add({++time}, record.key, record.value);
  return builder;
}

BatchPtr stored(const std::vector<Sent>& records, std::size_t* bytes = nullptr) {
  const std::string encoded = builder_of(records).encode({42});
  if (bytes != nullptr) *bytes = encoded.size();
  auto decoded = Batch::decode(encoded, {7});
  EXPECT_TRUE(decoded) << decoded.error().message;
  return *decoded;
}

void expect_same(const Batch& batch, const std::vector<Sent>& records) {
  ASSERT_EQ(batch.size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(batch[i].value, records[i].value);
    EXPECT_EQ(batch[i].key, records[i].key);
    EXPECT_EQ(batch.timestamp(i).ms, static_cast<std::int64_t>(i) + 1);
  }
}

std::vector<Sent> times(std::size_t count, auto&& make) {
  std::vector<Sent> records;
  for (std::size_t i = 0; i < count; ++i) records.push_back(make(i));
  return records;
}

TEST(Columns, KeepEveryByte) {
  const std::vector<std::pair<const char*, std::vector<Sent>>> cases{
      {"one shape", times(100,
                          [](auto i) {
                            return Sent{"k", fmt::format(R"({{"a":"p{}","n":{}}})", i, i)};
                          })},
      {"a key that is a part",
       times(100,
             [](auto i) {
               const std::string name = fmt::format("player_{}", i * 7919 % 100'003);
               return Sent{name, fmt::format(R"({{"p":"{}","u":{{"p":"{}"}}}})", name, name)};
             })},
      {"not all have that key",
       times(100,
             [](auto i) {
               return Sent{i % 9 == 0 ? std::nullopt : std::optional(fmt::format("{}", i)),
                           fmt::format(R"({{"p":"{}"}})", i)};
             })},
      {"blanks, order and lines",
       times(100,
             [](auto i) {
               return Sent{std::nullopt, i % 2 == 0
                                             ? fmt::format("\t{{ \"a\" : {} ,\n\"b\":null }} ", i)
                                             : fmt::format(R"({{"b":true,"a":{}}})", i)};
             })},
      {"lists and empty ones",
       times(64,
             [](auto i) {
               return Sent{"", fmt::format(R"({{"l":[{}],"m":[],"e":""}})",
                                           i % 3 == 0 ? "" : R"({"x":"]\"["},[1,2])")};
             })},
      {"some with escapes and beyond ASCII",
       times(200,
             [](auto i) {
               return Sent{"k", i % 10 == 0 ? std::string(R"({"a":"say \"hi\""})")
                                            : fmt::format(R"({{"a":"Grüße {} 🎮"}})", i)};
             })},
      {"long and short",
       times(40,
             [](auto i) {
               return Sent{"k", fmt::format(R"({{"a":"{}"}})", std::string(i * 37, 'x'))};
             })},
      {"numbers of all kinds", times(50,
                                     [](auto i) {
                                       return Sent{"k", fmt::format(R"({{"n":{}}})",
                                                                    i % 4 == 0   ? "1e5"
                                                                    : i % 4 == 1 ? "-0"
                                                                    : i % 4 == 2 ? "1.50"
                                                                                 : "--..")};
                                     })},
      {"what is no JSON among what is",
       times(100,
             [](auto i) {
               return Sent{"k", i % 8 == 3 ? std::string("{\"a\":\"x") : R"({"a":"xyz"})"};
             })},
  };
  for (const auto& [name, records] : cases) {
    SCOPED_TRACE(name);
    const BatchPtr batch = stored(records);
    EXPECT_NE(batch->columns(), nullptr);
    expect_same(*batch, records);
  }
}

TEST(Columns, DocumentedExample) {
  std::ifstream page(GAMEFLOW_DOCS_DIR "/formats/batch.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  const std::size_t begin = text.rfind("```hex\n") + 7;
  std::istringstream block(text.substr(begin, text.find("```", begin) - begin));
  std::string bytes;
  for (unsigned byte; block >> std::hex >> byte;) bytes += static_cast<char>(byte);
  BatchBuilder builder;
  for (int i = 0; i < 8; ++i) {
    const std::string key = fmt::format("p{}", i);
    builder.add({1731406530000 + i * 10}, key,
                fmt::format(R"({{"player":"{}","kind":"{}","coins":{}}})", key,
                            i % 2 == 0 ? "buy" : "gift", i * i * 7));
  }
  EXPECT_EQ(builder.encode({1731406530300}), bytes);
}

TEST(Columns, AreNotForValuesOfManyShapesOrFewRecords) {
  EXPECT_EQ(stored(times(7, [](auto) { return Sent{"k", R"({"a":1})"}; }))->columns(), nullptr);
  EXPECT_EQ(stored(times(100, [](auto) { return Sent{"k", "[1,2]"}; }))->columns(), nullptr);
  const auto different = times(100, [](auto i) {
    return Sent{"k", fmt::format(R"({{"a{}":1}})", i)};
  });
  EXPECT_EQ(stored(different)->columns(), nullptr);
  expect_same(*stored(different), different);
}

TEST(Columns, TakeLessThanHalfOfTheText) {
  std::size_t bytes = 0, text = 0;
  const auto records = times(1'000, [&](auto i) {
    const std::string player = fmt::format("player_{}", i * 7919 % 100'003);
    const std::string value = fmt::format(
        R"({{"event_name":"player_action","parameters":{{"player_id":"{}","level_id":"level_{}"}},)"
        R"("event_timestamp":"2024-11-12T10:15:{:02}.{:03}Z","user_data":{{"user_id":"{}"}}}})",
        player, i % 20, i % 60, i, player);
    text += value.size();
    return Sent{player, value};
  });
  expect_same(*stored(records, &bytes), records);
  EXPECT_LT(bytes * 3, text);
}

// Long texts of words compress well: columns alone would keep them as they are.
TEST(Columns, AreCompressedWhereMuchIsLeft) {
  std::size_t bytes = 0;
  const auto records = times(100, [](auto i) {
    std::string words;
    for (int word = 0; word < 50; ++word) words += fmt::format("level {} ", i);
    return Sent{"k", fmt::format(R"({{"chat":"{}"}})", words)};
  });
  const BatchPtr batch = stored(records, &bytes);
  EXPECT_NE(batch->columns(), nullptr);
  expect_same(*batch, records);
  EXPECT_LT(bytes, 10'000U);
}

// Whoever lends values that a decoder took apart stores what whoever copies them does.
TEST(Columns, LentAreStoredAsCopied) {
  std::mt19937_64 random(11);
  TypeTable types;
  const Type& text = *types.scalar(Kind::kString);
  const Type* const item = types.object("item", {{"id", &text}});
  const Type& type = *types.object("event", {{"a", &text, true},
                                             {"n", types.scalar(Kind::kI32), true},
                                             {"f", types.scalar(Kind::kBool), true},
                                             {"o", item, true},
                                             {"l", types.list_of(item), true}});
  const auto value = [&](std::uint64_t shape, std::uint64_t i) -> std::string {
    switch (shape) {
      case 0:
        return fmt::format(R"({{"a":"p{}","n":{}}})", i, i);
      case 1:
        return fmt::format(" {{ \"n\" : {} ,\n\"x\":null, \"f\":{}}}", i, i % 3 == 0);
      case 2:
        return fmt::format(R"({{"o":{{"id":"é{}"}},"l":[ {{"id":"{}"}}, {{"id":"]"}}],"y":[]}})", i,
                           i % 7);
      case 3:
        return R"({"l":[],"y":[1,"z",[true]],"z":-1.5e3,"o":{}})";
      default:
        return R"({"a":"an \"escape\""})";
    }
  };
  for (const bool typed : {true, false}) {
    Decoder decoder;
    BlockArena arena;
    std::vector<char> out(type.size);
    std::size_t taken_apart = 0;
    for (int round = 0; round < 200; ++round) {
      SCOPED_TRACE(fmt::format("round {}, {}", round, typed ? "typed" : "checked"));
      const std::uint64_t shapes = 1 + random() % 5;
      const auto records = times(1 + random() % 60, [&](auto i) {
        return Sent{random() % 4 == 0 ? std::nullopt : std::optional(fmt::format("p{}", i)),
                    value(random() % shapes, i) + std::string(kPaddingBytes, '"')};
      });
      BatchBuilder lent, copied, sealed;
      std::vector<Sent> plain;
      std::int64_t time = 0;
      for (const Sent& record : records) {
        const std::string_view json(record.value.data(), record.value.size() - kPaddingBytes);
        const bool good =
            typed ? decoder.decode(type, json, arena, out.data()) : decoder.check(json);
        ASSERT_EQ(good, !typed || json.find("{}") == std::string_view::npos);
        const Outlined outlined = good ? decoder.outlined() : Outlined();
        taken_apart += outlined ? 1 : 0;
        EXPECT_TRUE(!outlined || outlined.may_have_breaks ||
                    json.find('\n') == std::string_view::npos);
        lent.lend({++time}, record.key, json, outlined);
        sealed.lend({time}, record.key, json, outlined);
        copied.add({time}, record.key, json);
        plain.push_back({record.key, std::string(json)});
      }
      ASSERT_EQ(lent.bytes(), copied.bytes());
      const std::string encoded = copied.encode({7});
      ASSERT_EQ(lent.encode({7}), encoded);
      expect_same(*lent.finish({7}), plain);
      const BatchBuilder::Sealed both = sealed.seal({7});
      ASSERT_EQ(both.encoded, encoded);
      EXPECT_TRUE(sealed.empty());
      expect_same(*both.batch, plain);
      expect_same(**Batch::decode(encoded, {0}), plain);
    }
    EXPECT_GT(taken_apart, 1'000U);
  }
}

// Bytes of batches with columns are changed, and their checksum is made right again.
TEST(Columns, ForgedOnesNeverCrash) {
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    const auto records = times(8 + random() % 30, [&](auto i) {
      return Sent{random() % 5 == 0 ? std::nullopt : std::optional(std::to_string(i)),
                  random() % 2 == 0
                      ? fmt::format(R"({{"a":"{}","b":{},"c":[{}]}})", random() % 4, i, i)
                      : fmt::format(R"({{"b":{},"k":"{}"}})", i, i)};
    });
    std::string forged = builder_of(records).encode({0});
    for (std::uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
      const std::size_t at = random() % 4 == 0 ? 12 + random() % 36 : random() % forged.size();
      forged[at] = static_cast<char>(random() % 3 == 0 ? 0xFF : random());
    }
    std::memcpy(forged.data(), "GFB", 3);
    const std::uint64_t checksum = XXH3_64bits(forged.data() + 12, forged.size() - 12);
    std::memcpy(forged.data() + 4, &checksum, sizeof checksum);
    const auto decoded = Batch::decode(forged, {0});
    if (!decoded) {
      ASSERT_EQ(decoded.error().code, ErrorCode::kDataCorrupt);
      continue;
    }
    ++accepted;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < (*decoded)->size(); ++i) bytes += (**decoded)[i].value.size();
    ASSERT_EQ(bytes, (*decoded)->text_bytes());
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace gameflow::record
