// A value comes back from its bytes as it was; no bytes make a reader run away.
#include "record/value_bytes.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

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

}  // namespace
}  // namespace gameflow::record
