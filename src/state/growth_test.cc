#include "state/growth.h"

#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "record/arena.h"

namespace gameflow::state {
namespace {

using record::Field;
using record::Kind;
using record::Type;

class Growth : public testing::Test {
 protected:
  Field field(const char* name, Kind kind) { return {.name = name, .type = types_.scalar(kind)}; }
  const Type* row(std::vector<Field> fields) { return types_.object("", std::move(fields)); }

  record::TypeTable types_;
};

TEST_F(Growth, OnlyMoreColumnsAreGrowth) {
  struct Row {
    const char* stored;
    bool fits;
  };
  const Type* const now =
      row({field("count", Kind::kU32), field("last", Kind::kString), field("score", Kind::kI64)});
  const Row rows[] = {{"{count:u32}", true},
                      {"{last:string,count:u32}", true},
                      {"{count:u32,last:string,score:i64}", true},
                      {"{}", true},
                      {"{count:u64}", false},
                      {"{count?:u32}", false},
                      {"{counts:u32}", false},
                      {"{count:u32,gone:i64}", false},
                      {"", false},
                      {"{count:u32", false},
                      {"[u32]", false}};
  for (const Row& c : rows)
    EXPECT_EQ(GrownRow::from(*now, c.stored) != nullptr, c.fits) << c.stored;
}

TEST_F(Growth, WhatWasStoredIsKeptAndTheRestIsNew) {
  const Type* const before = row({field("last", Kind::kString), field("count", Kind::kU32)});
  const Type* const now =
      row({field("note", Kind::kString), field("count", Kind::kU32), field("best", Kind::kF64),
           field("last", Kind::kString), field("alive", Kind::kBool)});
  const RowCodec old_codec(*before), codec(*now);
  record::BlockArena arena;
  std::vector<std::max_align_t> old_row(before->size), new_row(now->size);
  const auto at = [](std::vector<std::max_align_t>& bytes, const Type* type, const char* name) {
    return reinterpret_cast<char*>(bytes.data()) + type->find(name)->offset;
  };
  old_codec.initialize(old_row.data());
  *reinterpret_cast<Text*>(at(old_row, before, "last")) = Text::view(std::string_view("axe"));
  *reinterpret_cast<std::uint32_t*>(at(old_row, before, "count")) = 7;
  std::string stored;
  ByteWriter out(stored);
  old_codec.encode(old_row.data(), out);
  ByteReader in(stored);
  const std::string_view bytes = in.text();

  const auto grown = GrownRow::from(*now, record::shape_of(*before));
  ASSERT_NE(grown, nullptr);
  std::memset(new_row.data(), 0xff, now->size);
  ASSERT_TRUE(grown->decode(codec, bytes, arena, new_row.data()));
  EXPECT_EQ(*reinterpret_cast<std::uint32_t*>(at(new_row, now, "count")), 7U);
  EXPECT_EQ(reinterpret_cast<Text*>(at(new_row, now, "last"))->view(), "axe");
  EXPECT_EQ(reinterpret_cast<Text*>(at(new_row, now, "note"))->view(), "");
  EXPECT_EQ(*reinterpret_cast<double*>(at(new_row, now, "best")), 0.0);
  EXPECT_FALSE(*reinterpret_cast<bool*>(at(new_row, now, "alive")));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(grown->decode(codec, bytes.substr(0, size), arena, new_row.data())) << size;
}

}  // namespace
}  // namespace gameflow::state
