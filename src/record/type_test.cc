#include "record/type.h"

#include <cstddef>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <gameflow/types.h>

#include "record/arena.h"

namespace gameflow::record {
namespace {

struct Empty {};
struct Small {
  u8 a;
  u16 b;
  u8 c;
};
struct Optionals {
  Optional<u8> a;
  Optional<u64> b;
  Optional<Text> c;
  Optional<Small> d;
  bool e;
};
struct Nested {
  bool a;
  Small b;
  List<Small> c;
  Bytes d;
  f32 e;
  Optional<f32> f;
  Empty g;
  i64 h;
};

#define EXPECT_FIELD(object, Struct, index, member) \
  EXPECT_EQ((object)->fields[index].offset, offsetof(Struct, member))

TEST(TypeLayout, IsThatOfTheStructs) {
  TypeTable types;
  const auto of = [&](Kind kind) { return types.scalar(kind); };
  const Type* empty = types.object("empty", {});
  EXPECT_EQ(empty->size, sizeof(Empty));

  const Type* small =
      types.object("small", {{"a", of(Kind::kU8)}, {"b", of(Kind::kU16)}, {"c", of(Kind::kU8)}});
  EXPECT_EQ(small->size, sizeof(Small));
  EXPECT_EQ(small->align, alignof(Small));
  EXPECT_FIELD(small, Small, 0, a);
  EXPECT_FIELD(small, Small, 1, b);
  EXPECT_FIELD(small, Small, 2, c);

  const Type* optionals = types.object("optionals", {{"a", of(Kind::kU8), true},
                                                     {"b", of(Kind::kU64), true},
                                                     {"c", of(Kind::kString), true},
                                                     {"d", small, true},
                                                     {"e", of(Kind::kBool)}});
  EXPECT_EQ(optionals->size, sizeof(Optionals));
  EXPECT_EQ(optionals->align, alignof(Optionals));
  EXPECT_FIELD(optionals, Optionals, 0, a);
  EXPECT_FIELD(optionals, Optionals, 1, b);
  EXPECT_FIELD(optionals, Optionals, 2, c);
  EXPECT_FIELD(optionals, Optionals, 3, d);
  EXPECT_FIELD(optionals, Optionals, 4, e);

  const Type* nested = types.object("nested", {{"a", of(Kind::kBool)},
                                               {"b", small},
                                               {"c", types.list_of(small)},
                                               {"d", of(Kind::kBytes)},
                                               {"e", of(Kind::kF32)},
                                               {"f", of(Kind::kF32), true},
                                               {"g", empty},
                                               {"h", of(Kind::kI64)}});
  EXPECT_EQ(nested->size, sizeof(Nested));
  EXPECT_EQ(nested->align, alignof(Nested));
  EXPECT_FIELD(nested, Nested, 1, b);
  EXPECT_FIELD(nested, Nested, 2, c);
  EXPECT_FIELD(nested, Nested, 3, d);
  EXPECT_FIELD(nested, Nested, 4, e);
  EXPECT_FIELD(nested, Nested, 5, f);
  EXPECT_FIELD(nested, Nested, 6, g);
  EXPECT_FIELD(nested, Nested, 7, h);
}

template <class T>
void expect_flag_at(const Field& field, T value) {
  // The flag is the byte that changes between absent and present beside the value.
  Optional<T> present(value);
  char bytes[sizeof present];
  std::memcpy(bytes, &present, sizeof present);
  EXPECT_EQ(bytes[field.flag_offset - field.offset], 1);
  Optional<T> absent;
  std::memcpy(bytes, &absent, sizeof absent);
  EXPECT_EQ(bytes[field.flag_offset - field.offset], 0);
}

TEST(TypeLayout, FlagOfOptionalsIsBehindTheValue) {
  TypeTable types;
  const Type* type = types.object("o", {{"a", types.scalar(Kind::kU8), true},
                                        {"b", types.scalar(Kind::kF64), true},
                                        {"c", types.scalar(Kind::kString), true}});
  expect_flag_at<u8>(type->fields[0], 0);
  expect_flag_at<f64>(type->fields[1], 0);
  expect_flag_at<Text>(type->fields[2], Text(""));
}

TEST(TypeTable, SharesScalarsAndLists) {
  TypeTable types;
  EXPECT_EQ(types.scalar(Kind::kU8), types.scalar(Kind::kU8));
  EXPECT_EQ(types.list_of(types.scalar(Kind::kU8)), types.list_of(types.scalar(Kind::kU8)));
  const Type* a = types.object("a", {});
  const Type* b = types.object("b", {{"a", a}});
  EXPECT_EQ(types.declared(), (std::vector<const Type*>{a, b}));
  EXPECT_EQ(b->id, 1U);
  EXPECT_EQ(b->find("a")->type, a);
  EXPECT_EQ(b->find("x"), nullptr);
}

TEST(TypeShape, SaysWhatSharesItsBytes) {
  TypeTable types;
  const Type* u32_type = types.scalar(Kind::kU32);
  const Type* text = types.scalar(Kind::kString);
  const Type* row = types.object("row", {{"count", u32_type}, {"last", text, true}});
  EXPECT_EQ(shape_of(*row), "{count:u32,last?:string}");
  EXPECT_EQ(shape_of(*types.list_of(row)), "[{count:u32,last?:string}]");
  const auto same = [&](std::vector<Field> fields) {
    return same_shape(*row, *types.object("other", std::move(fields)));
  };
  EXPECT_TRUE(same({{"count", u32_type}, {"last", text, true}}));
  EXPECT_FALSE(same({{"count", u32_type}, {"last", text, false}}));
  EXPECT_FALSE(same({{"last", text, true}, {"count", u32_type}}));
  EXPECT_FALSE(same({{"total", u32_type}, {"last", text, true}}));
  EXPECT_FALSE(same({{"count", types.scalar(Kind::kI32)}, {"last", text, true}}));
  EXPECT_FALSE(same({{"count", u32_type}}));
}

TEST(Arena, GivesDistinctAlignedMemory) {
  BlockArena arena;
  std::mt19937_64 random(1);
  for (int round = 0; round < 5; ++round) {
    std::vector<std::pair<char*, std::size_t>> given;
    for (int i = 0; i < 2000; ++i) {
      const std::size_t align = std::size_t{1} << random() % 5;
      const std::size_t size = random() % (i % 100 == 0 ? 200'000 : 100);
      auto* data = static_cast<char*>(arena.allocate(size, align));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(data) % align, 0U);
      std::memset(data, i, size);
      given.emplace_back(data, size);
    }
    for (std::size_t i = 0; i < given.size(); ++i) {
      for (std::size_t j = 0; j < given[i].second; j += 97) {
        ASSERT_EQ(given[i].first[j], static_cast<char>(i));
      }
    }
    arena.reset();
  }
}

TEST(Arena, ResetKeepsBlocksUpToALimit) {
  BlockArena arena;
  for (int i = 0; i < 100; ++i) arena.allocate(100'000, 8);
  const std::size_t held = arena.capacity_bytes();
  arena.reset();
  EXPECT_EQ(arena.capacity_bytes(), held);
  for (int i = 0; i < 100; ++i) arena.allocate(100'000, 8);
  EXPECT_EQ(arena.capacity_bytes(), held);
  arena.reset(1'000'000);
  EXPECT_LE(arena.capacity_bytes(), 1'000'000U);
  arena.allocate(10'000'000, 8);
  EXPECT_GE(arena.capacity_bytes(), 10'000'000U);
}

TEST(Arena, TextFromTemporariesIsCopiedIntoIt) {
  BlockArena block_arena;
  detail::current_arena = &block_arena;
  Text joined = Text("a") + Text(std::string("b"));
  List<u32> list;
  for (u32 i = 0; i < 1000; ++i) list.push_back(i);
  EXPECT_EQ(joined, Text("ab"));
  EXPECT_EQ(list[999], 999U);
  EXPECT_THROW(list[1000], std::out_of_range);
  detail::current_arena = nullptr;
}

}  // namespace
}  // namespace gameflow::record
