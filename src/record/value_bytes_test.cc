// A value comes back from its bytes as it was; no bytes make a reader run away.
#include "record/value_bytes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"

namespace gameflow::record {
namespace {

// One of everything that a record can be made of.
const Type* everything(TypeTable& types) {
  const auto scalar = [&](Kind kind) { return types.scalar(kind); };
  const Type* const text = scalar(Kind::kString);
  const Type* const inner =
      types.object("inner", {{"id", scalar(Kind::kU8)}, {"name", text, true}});
  const Type* const fruit = types.enumeration("fruit", {{"apple"}, {"pear"}});
  const Type* const action = types.enumeration("action", {{"wait"}, {"say", text}, {"do", inner}});
  return types.object("all", {{"yes", scalar(Kind::kBool)},
                              {"small", scalar(Kind::kI8)},
                              {"large", scalar(Kind::kU64)},
                              {"real", scalar(Kind::kF64)},
                              {"text", text},
                              {"bytes", scalar(Kind::kBytes)},
                              {"at", scalar(Kind::kTimestamp)},
                              {"json", scalar(Kind::kJson)},
                              {"price", types.decimal(2)},
                              {"fruit", fruit},
                              {"actions", types.list_of(action)},
                              {"words", types.list_of(text)},
                              {"scores", types.map_of(scalar(Kind::kI32))},
                              {"inner", inner},
                              {"maybe", inner, true},
                              {"more", types.list_of(types.list_of(inner)), true}});
}

constexpr std::string_view kJson =
    R"({"yes":true,"small":-8,"large":18446744073709551615,"real":-0.1,"text":"a\u0000ä","bytes":"AAEC",)"
    R"("at":"1960-02-29T12:00:00.500Z","json":{"a":[1, 2.50]},"price":-9.80,"fruit":"pear",)"
    R"("actions":["wait",{"say":"hi"},{"do":{"id":7}}],"words":["","x"],"scores":{"b":1,"a":-2},)"
    R"("inner":{"id":1,"name":""},"maybe":{"id":2},"more":[[],[{"id":3,"name":"c"}]]})";

std::string json_of(const Type& type, const void* value) {
  std::string json;
  encode_json(type, value, json);
  return json;
}

class ValueBytes : public testing::Test {
 protected:
  TypeTable types_;
  const Type& type_ = *everything(types_);
  BlockArena arena_;

  void SetUp() override {
    json_.append(kPaddingBytes, ' ');
    Decoder decoder;
    value_ = arena_.allocate(type_.size, type_.align);
    ASSERT_TRUE(
        decoder.decode(type_, std::string_view(json_).substr(0, kJson.size()), arena_, value_))
        << decoder.error().field << ": " << decoder.error().message;
    ByteWriter out(bytes_);
    write_value(type_, value_, out);
  }

  void* read(std::string_view bytes) {
    void* const slot = arena_.allocate(type_.size, type_.align);
    type_.clear(slot);
    ByteReader in(bytes);
    return read_value(type_, in, arena_, slot) && in.at_end() ? slot : nullptr;
  }

  std::string json_{kJson}, bytes_;
  void* value_ = nullptr;
};

TEST_F(ValueBytes, ComeBack) {
  const void* const back = read(bytes_);
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(json_of(type_, back), json_of(type_, value_));
  std::string again;
  ByteWriter out(again);
  write_value(type_, back, out);
  EXPECT_EQ(again, bytes_);
}

TEST_F(ValueBytes, ThatAreCutAreTold) {
  for (std::size_t size = 0; size < bytes_.size(); ++size)
    EXPECT_EQ(read(std::string_view(bytes_).substr(0, size)), nullptr) << size;
}

TEST_F(ValueBytes, ThatAreDamagedDoNoHarm) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      if (const void* const value = read(damaged)) json_of(type_, value);
    }
  }
}

TEST(ValueBytesOfNumbers, KeepWhatJsonCannotSay) {
  const TypeTable types;
  for (const double number : {std::numeric_limits<double>::infinity(), -0.0, std::nan("")}) {
    std::string bytes;
    ByteWriter out(bytes);
    write_value(*types.scalar(Kind::kF64), &number, out);
    BlockArena arena;
    double back = 1;
    ByteReader in(bytes);
    ASSERT_TRUE(read_value(*types.scalar(Kind::kF64), in, arena, &back));
    EXPECT_EQ(std::memcmp(&number, &back, sizeof back), 0);
  }
}

// What was stored of a type that had fewer fields, also inside of lists, maps and objects.
TEST(GrownValues, HaveWhatIsAbsentInNewFields) {
  TypeTable before, now;
  const auto type_of = [](TypeTable& types, bool is_grown) {
    const Type* const text = types.scalar(Kind::kString);
    const Type* const small = types.scalar(Kind::kU8);
    std::vector<Field> fields{{"id", small}};
    if (is_grown) {
      fields.insert(fields.begin(), {"note", text, true});
      fields.push_back({"level", small});
      fields.back().fallback = {7};
    }
    const Type* const inner = types.object("inner", fields);
    std::vector<Field> outer{{"in", inner},
                             {"list", types.list_of(inner)},
                             {"map", types.map_of(inner), true},
                             {"name", text}};
    if (is_grown) std::swap(outer[0], outer[3]);
    return types.object("outer", outer);
  };
  const Type& was = *type_of(before, false);
  const Type& is = *type_of(now, true);
  std::string json =
      R"({"in":{"id":1},"list":[{"id":2},{"id":3}],"map":{"a":{"id":4}},"name":"n"})";
  const std::size_t size = json.size();
  json.append(kPaddingBytes, ' ');
  BlockArena arena;
  void* const value = arena.allocate(was.size, was.align);
  Decoder decoder;
  ASSERT_TRUE(decoder.decode(was, std::string_view(json).substr(0, size), arena, value));
  std::string bytes;
  ByteWriter out(bytes);
  write_value(was, value, out);

  const auto grown = GrownValue::from(is, shape_of(was));
  ASSERT_NE(grown, nullptr);
  void* const slot = arena.allocate(is.size, is.align);
  ByteReader in(bytes);
  ASSERT_TRUE(grown->read(in, arena, slot));
  EXPECT_TRUE(in.at_end());
  EXPECT_EQ(json_of(is, slot), R"({"name":"n","list":[{"id":2,"level":7},{"id":3,"level":7}],)"
                               R"("map":{"a":{"id":4,"level":7}},"in":{"id":1,"level":7}})");
  for (std::size_t end = 0; end < bytes.size(); ++end) {
    ByteReader cut(std::string_view(bytes).substr(0, end));
    EXPECT_FALSE(grown->read(cut, arena, slot)) << end;
  }

  // What is not so: a field that is gone, of another type, or that has to be there.
  for (const std::string_view shape :
       {"{in:{id:u8},list:[{id:u8}],map?:map[{id:u8}],name:string,gone:u8}",
        "{in:{id:u16},list:[{id:u8}],map?:map[{id:u8}],name:string}",
        "{in:{id:u8},list:{id:u8},map?:map[{id:u8}],name:string}",
        "{in:{id:u8},list:[{id:u8}],map:map[{id:u8}],name:string}",
        "{in:{id:u8},list:[{id:u8}],map?:map[{id:u8}]}", "{in}", "{}", "", "[u8]", "string"})
    EXPECT_EQ(GrownValue::from(is, shape), nullptr) << shape;
}

}  // namespace
}  // namespace gameflow::record
