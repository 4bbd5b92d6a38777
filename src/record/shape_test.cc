// What fits a learned shape. That the values are the full decoder's is shape_fuzz_test.cc's matter.
#include "record/shape.h"

#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/codec.h"
#include "record/decode_plan.h"

namespace gameflow::record {
namespace {

class ShapesOf : public testing::Test {
 protected:
  ShapesOf() {
    const auto* text = types.scalar(Kind::kString);
    const auto* item = types.object("item", {{"id", text}, {"n", types.scalar(Kind::kU8), true}});
    type = types.object("event", {{"name", text, true},
                                  {"count", types.scalar(Kind::kI32), true},
                                  {"ratio", types.scalar(Kind::kF32), true},
                                  {"flag", types.scalar(Kind::kBool), true},
                                  {"blob", types.scalar(Kind::kBytes), true},
                                  {"item", item, true},
                                  {"items", types.list_of(item), true},
                                  {"tags", types.list_of(text), true}});
  }

  // The value as JSON, "miss", or "bad" where even the full way refuses it.
  std::string next(const std::string& json) {
    const std::string padded = json + std::string(kPaddingBytes, '"');
    const std::string_view view(padded.data(), json.size());
    Plan& plan = plans.of(*type);
    ListMemory lists{&arena};
    std::vector<std::max_align_t> out(type->size / sizeof(std::max_align_t) + 1);
    auto* const value = reinterpret_cast<char*>(out.data());
    std::memset(value, 0, type->size);
    std::string encoded;
    const bool ready = plan.shapes.ready(view);
    tried += ready ? 1 : 0;
    if (ready && plan.shapes.take(view, lists, value)) {
      encode_json(*type, value, encoded);
      return encoded;
    }
    Decoder full;
    if (!full.decode(*type, view, arena, value)) return "bad";
    if (ready) plan.shapes.learn(&plan, view);
    return "miss";
  }

  TypeTable types;
  const Type* type;
  Plans plans;
  BlockArena arena;
  int tried = 0;
};

struct Row {
  const char* name;
  const char* learned;
  const char* json;
  const char* result;  // null: the JSON itself
};

const std::vector<Row> kRows{
    {"text", R"({"name":"a"})", R"({"name":"a longer one than before, of 40 bytes"})", nullptr},
    {"empty text", R"({"name":"a"})", R"({"name":""})", nullptr},
    {"text beyond ASCII", R"({"name":"a"})", R"({"name":"é, and then the end of it: ü"})", nullptr},
    {"text that is no UTF-8", R"({"name":"a"})", "{\"name\":\"\xC3\"}", "bad"},
    {"text with an escape", R"({"name":"a"})", R"({"name":"a\n"})", "miss"},
    {"text with a line break", R"({"name":"a"})", "{\"name\":\"a\nb\"}", "bad"},
    {"text that does not end", R"({"name":"a"})", R"({"name":"a)", "bad"},
    {"integer", R"({"count":1})", R"({"count":-2147483648})", nullptr},
    {"integer out of range", R"({"count":1})", R"({"count":2147483648})", "bad"},
    {"whole number as a float", R"({"count":1})", R"({"count":1.0})", R"({"count":1})"},
    {"integer with a fraction", R"({"count":1})", R"({"count":1.5})", "bad"},
    {"integer with a leading zero", R"({"count":1})", R"({"count":01})", "bad"},
    {"integer with blanks", R"({"count":1})", R"({"count": 1})", "miss"},
    {"float", R"({"ratio":1})", R"({"ratio":0.1})", nullptr},
    {"float with an exponent", R"({"ratio":1})", R"({"ratio":1e+2})", R"({"ratio":100})"},
    {"bool", R"({"flag":true})", R"({"flag":false})", nullptr},
    {"half a word", R"({"flag":true})", R"({"flag":tru})", "bad"},
    {"a longer word", R"({"flag":true})", R"({"flag":truee})", "bad"},
    {"bytes", R"({"blob":""})", R"({"blob":"AAEC"})", nullptr},
    {"bytes that are none", R"({"blob":""})", R"({"blob":"A"})", "bad"},
    {"null", R"({"name":null,"count":1})", R"({"name":null,"count":2})", R"({"count":2})"},
    {"null for a value", R"({"count":1})", R"({"count":null})", "miss"},
    {"absent", R"({"name":"a","count":1})", R"({"count":1})", "miss"},
    {"another order", R"({"name":"a","count":1})", R"({"count":1,"name":"a"})", "miss"},
    {"nested", R"({"item":{"id":"a","n":1}})", R"({"item":{"id":"b","n":2}})", nullptr},
    {"a nested field less", R"({"item":{"id":"a","n":1}})", R"({"item":{"n":2}})", "bad"},
    {"list", R"({"tags":["a","b"]})", R"({"tags":["c","d","e"]})", nullptr},
    {"list of one", R"({"tags":["a","b"]})", R"({"tags":["c"]})", nullptr},
    {"list of none", R"({"tags":["a","b"]})", R"({"tags":[]})", nullptr},
    {"a longer list than ever", R"({"tags":["a"]})", R"({"tags":["a","b"]})", "miss"},
    {"list after none", R"({"tags":[]})", R"({"tags":["a"]})", "miss"},
    {"list with a comma too much", R"({"tags":["a","b"]})", R"({"tags":["a",]})", "bad"},
    {"list of objects", R"({"items":[{"id":"a"},{"id":"b","n":1}]})",
     R"({"items":[{"id":"c","n":2},{"id":"d"},{"id":"e"}]})", nullptr},
    {"unknown values", R"({"x":"a","y":[1,"b",true,null,{"z":[]}],"name":"a"})",
     R"({"x":"c","y":[null,-1.5e3,"d",{"z":[]}],"name":"e"})", R"({"name":"e"})"},
    {"unknown number that is none", R"({"x":1})", R"({"x":1-})", "bad"},
    {"blanks as before", " {\"name\" : \"a\" ,\n \"tags\":[ \"b\" , \"c\" ] } ",
     " {\"name\" : \"d\" ,\n \"tags\":[ \"e\" , \"f\" , \"g\" ] } ",
     R"({"name":"d","tags":["e","f","g"]})"},
    {"text behind", R"({"name":"a"})", R"({"name":"a"}})", "bad"},
    {"blank behind", R"({"name":"a"})", R"({"name":"a"} )", "miss"},
    {"cut off", R"({"name":"a","count":1})", R"({"name":"a","count":1)", "bad"},
    {"a field twice is not learned", R"({"count":1,"count":2})", R"({"count":1,"count":2})",
     "miss"},
    {"an escape is not learned", R"({"\u006eame":"a"})", R"({"\u006eame":"a"})", "miss"},
};

TEST_F(ShapesOf, TwoRecords) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    plans = Plans();
    EXPECT_EQ(next(row.learned), "miss");
    EXPECT_EQ(next(row.json), row.result != nullptr ? row.result : row.json);
  }
}

TEST_F(ShapesOf, EachThatWasSeenIsKnown) {
  const std::vector<std::string> texts{R"({"name":"a"})",
                                       R"({"name":"a","count":1})",
                                       R"({"name":null})",
                                       R"({"name":"a","count":null})",
                                       R"({"count":1,"name":"a"})",
                                       R"({"tags":[]})",
                                       R"({"tags":["a"]})",
                                       R"({"item":{"id":"a"}})",
                                       R"({})"};
  for (const std::string& text : texts) EXPECT_EQ(next(text), "miss") << text;
  for (const std::string& text : texts) EXPECT_NE(next(text), "miss") << text;
}

TEST_F(ShapesOf, RestsWhereNothingIsAsBefore) {
  const auto record = [](int i) { return fmt::format(R"({{"name":"a","x{}":1}})", i); };
  for (int i = 0; i < 10'000; ++i) next(record(i));
  EXPECT_LT(tried, 1'000);
  EXPECT_GT(tried, 0);
  // Later it begins anew.
  for (int i = 0; i < 20'000; ++i) next(record(0));
  EXPECT_EQ(next(R"({"name":"b","x0":2})"), R"({"name":"b"})");
}

}  // namespace
}  // namespace gameflow::record
