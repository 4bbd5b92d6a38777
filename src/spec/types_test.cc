// Types: how they are read, and every mistake in them.
#include <string>

#include <gtest/gtest.h>

#include "record/type.h"
#include "spec/function.h"
#include "spec/model.h"

namespace gameflow::spec {
namespace {

// A dataflow with these types, all of them used by topics.
std::string with_types(std::string_view version, std::string_view types) {
  return std::string("apiVersion: ") + std::string(version) +
         "\nmeta: { name: demo, version: 0.1.0 }\ntypes:\n" + std::string(types) +
         "topics: { a: { schema: { value: { type: a } } } }\n";
}

std::string diagnose(std::string_view types) {
  const std::string source = with_types("0.6.0", types);
  return render(parse(source, "f").diagnostics, "f", source);
}

const record::Type* read(Dataflow& dataflow, std::string_view version, std::string_view types) {
  ParseResult result = parse(with_types(version, types), "f");
  EXPECT_TRUE(result.dataflow) << render(result.diagnostics, "f", with_types(version, types));
  if (!result.dataflow) return nullptr;
  dataflow = std::move(*result.dataflow);
  return dataflow.topics.front().type;
}

struct Shape {
  const char *name, *type, *shape, *cpp;
};

TEST(Types, AllKinds) {
  const Shape rows[] = {
      {"alias", "a: { type: b }\n  b: { type: u16 }", "u16", "u16"},
      {"float32", "a: { type: float32 }", "f32", "f32"},
      {"float64", "a: { type: float64 }", "f64", "f64"},
      {"timestamp", "a: { type: timestamp, unit: ms }", "timestamp", "Timestamp"},
      {"decimal", "a: { type: decimal, scale: 2 }", "decimal(2)", "Decimal<2>"},
      {"json", "a: { type: json }", "json", "Json"},
      {"map", "a: { type: map, values: { type: list, items: { type: u8 } } }", "map[[u8]]",
       "Map<List<u8>>"},
      {"enum", "a: { type: enum, oneOf: { x: { type: null }, y-z: { type: 'null' } } }",
       "enum(x|y-z)", "A"},
      {"union",
       "a: { type: enum, oneOf: { x: { type: null }, y: { type: object, properties: { n: { type: "
       "u8 } } } } }",
       "enum(x|y:{n:u8})", "A"},
      {"type-name",
       "a: { type: list, items: { type: object, type-name: row, properties: { n: { type: u8 } } } "
       "}",
       "[{n:u8}]", "List<Row>"},
      {"named in place, used before",
       "a: { type: list, items: { type: row } }\n  b: { type: list, items: { type: enum, "
       "type-name: row, oneOf: { x: { type: null } } } }",
       "[enum(x)]", "List<Row>"},
  };
  for (const Shape& row : rows) {
    SCOPED_TRACE(row.name);
    Dataflow dataflow;
    const record::Type* const type = read(dataflow, "0.6.0", std::string("  ") + row.type + "\n");
    ASSERT_NE(type, nullptr);
    EXPECT_EQ(record::shape_of(*type), row.shape);
    EXPECT_EQ(cpp_type(*type), row.cpp);
  }
}

TEST(Types, NamesInJson) {
  constexpr std::string_view kTypes = R"(  a:
    type: object
    properties:
      image-url: { type: string }
      userId: { type: u8, rename: user }
      private: { type: bool, deserialize: { rename: p }, serialize: { rename: q } }
      kind: { type: enum, oneOf: { add-account: { type: null }, b: { type: null, rename: B-b } } }
)";
  const auto names = [&](std::string_view version) {
    Dataflow dataflow;
    const record::Type* const type = read(dataflow, version, kTypes);
    std::string text;
    for (const record::Field& field : type->fields)
      text += field.cpp_name + "=" + field.read_name + "/" + field.write_name + " ";
    for (const record::Variant& variant : type->fields.back().type->variants)
      text += variant.cpp_name + "=" + variant.read_name + "/" + variant.json + " ";
    return text;
  };
  EXPECT_EQ(names("0.6.0"),
            "image_url=image-url/image-url user_id=user/user private_=p/q kind=kind/kind "
            "add_account=add-account/\"add-account\" b=B-b/\"B-b\" ");
  EXPECT_EQ(names("0.5.0"),
            "image_url=image_url/image_url user_id=user/user private_=p/q kind=kind/kind "
            "add_account=AddAccount/\"AddAccount\" b=B-b/\"B-b\" ");
}

struct Case {
  const char *name, *types, *expected;
};

TEST(Types, Mistakes) {
  const Case cases[] = {
      {"no scale", "  a: { type: decimal }\n",
       R"(f:4:6: error: type 'a' needs 'scale'
    4 |   a: { type: decimal }
      |      ^
      = for example 'scale: 2'
)"},
      {"scale too large", "  a: { type: decimal, scale: 19 }\n",
       R"(f:4:30: error: 'scale' has to be a whole number from 0 to 18
    4 |   a: { type: decimal, scale: 19 }
      |                              ^~
)"},
      {"unknown unit", "  a: { type: timestamp, unit: sec }\n",
       R"(f:4:31: error: unknown unit 'sec'
    4 |   a: { type: timestamp, unit: sec }
      |                               ^~~
      = known: s, ms, us
)"},
      {"unit of a number", "  a: { type: u8, unit: s }\n",
       R"(f:4:18: error: unknown key 'unit' in type 'a'
    4 |   a: { type: u8, unit: s }
      |                  ^~~~
      = known: type
)"},
      {"no variants", "  a: { type: enum, oneOf: {} }\n",
       R"(f:4:27: error: 'oneOf' has to be a map with at least one variant
    4 |   a: { type: enum, oneOf: {} }
      |                           ^
      = for example 'oneOf: { apple: { type: null }, pear: { type: null } }'
)"},
      {"field without a type", "  a: { type: object, properties: { x: { type: null } } }\n",
       R"(f:4:47: error: field 'x' cannot be of type null
    4 |   a: { type: object, properties: { x: { type: null } } }
      |                                               ^~~~
      = only a variant of an enum can be without a value
)"},
      {"variants alike",
       "  a: { type: enum, oneOf: { a-b: { type: null }, a_b: { type: null } } }\n",
       R"(f:4:50: error: variants 'a-b' and 'a_b' are both called a_b in C++
    4 |   a: { type: enum, oneOf: { a-b: { type: null }, a_b: { type: null } } }
      |                                                  ^~~
      = rename one of them
)"},
      {"variant called name", "  a: { type: enum, oneOf: { name: { type: u8 } } }\n",
       R"(f:4:29: error: variant 'name' is called name() in C++, which is a function of the enum
    4 |   a: { type: enum, oneOf: { name: { type: u8 } } }
      |                             ^~~~
      = rename it
)"},
      {"fields alike in JSON",
       "  a: { type: object, properties: { x: { type: u8 }, y: { type: u8, rename: x } } }\n",
       R"(f:4:53: error: fields 'x' and 'y' are both called x in JSON
    4 |   a: { type: object, properties: { x: { type: u8 }, y: { type: u8, rename: x } } }
      |                                                     ^
      = rename one of them
)"},
      {"fields read alike",
       "  a: { type: object, properties: { x: { type: u8 }, y: { type: u8, deserialize: { rename: "
       "x } } } }\n",
       R"(f:4:53: error: fields 'x' and 'y' are both read as x from JSON
    4 |   a: { type: object, properties: { x: { type: u8 }, y: { type: u8, deserialize: { rename: x } } } }
      |                                                     ^
      = rename one of them
)"},
      {"bad name", "  a: { type: object, properties: { a.b: { type: u8 } } }\n",
       R"(f:4:36: error: 'a.b' cannot be the name of a field
    4 |   a: { type: object, properties: { a.b: { type: u8 } } }
      |                                    ^~~
      = letters, digits, '-' and '_', a letter or '_' first, at most 200
)"},
      {"default that does not fit",
       "  a: { type: object, properties: { x: { type: u8, default: 300 } } }\n",
       R"(f:4:60: error: the default of field 'x': expected u8 (0 to 255), found number 300
    4 |   a: { type: object, properties: { x: { type: u8, default: 300 } } }
      |                                                            ^~~
)"},
      {"default and optional",
       "  a: { type: object, properties: { x: { type: u8, default: 3, optional: true } } }\n",
       R"(f:4:60: error: field 'x' has a default, and is optional
    4 |   a: { type: object, properties: { x: { type: u8, default: 3, optional: true } } }
      |                                                            ^
      = remove one of the two: with a default it is never absent
)"},
      {"default of an object",
       "  a: { type: object, properties: { x: { type: object, default: { y: 1 }, properties: { y: "
       "{ "
       "type: u8 } } } } }\n",
       R"(f:4:64: error: the default of field 'x': a value of this type cannot be a default
    4 |   a: { type: object, properties: { x: { type: object, default: { y: 1 }, properties: { y: { type: u8 } } } } }
      |                                                                ^
      = numbers, bools, strings, bytes as base64, timestamps, variants without value, [] and {} can
)"},
      {"default of an object that needs a field",
       "  a: { type: object, properties: { x: { type: object, default: {}, properties: { y: { "
       "type: u8 } } } } }\n",
       R"(f:4:64: error: the default of field 'x': missing field
    4 |   a: { type: object, properties: { x: { type: object, default: {}, properties: { y: { type: u8 } } } } }
      |                                                                ^
)"},
      {"default of a variant with a value",
       "  a: { type: object, properties: { x: { type: enum, oneOf: { b: { type: u8 } }, default: b "
       "} } }\n",
       "f:4:90: error: the default of field 'x': expected one of {\"b\": …}, found string \"b\"\n"
       "    4 |   a: { type: object, properties: { x: { type: enum, oneOf: { b: { type: u8 } }, "
       "default: "
       "b } } }\n"
       "      |                                                                                    "
       "      "
       "^\n"},
      {"default that is no number",
       "  a: { type: object, properties: { x: { type: i32, default: 1-2 } } }\n",
       R"(f:4:61: error: the default of field 'x': expected i32, found string "1-2"
    4 |   a: { type: object, properties: { x: { type: i32, default: 1-2 } } }
      |                                                             ^~~
)"},
      {"type that is mistyped, with what it needs",
       "  a: { type: object, properties: { x: { type: lst, items: { type: u8 } } } }\n",
       R"(f:4:47: error: unknown type 'lst'
    4 |   a: { type: object, properties: { x: { type: lst, items: { type: u8 } } } }
      |                                               ^~~
      = did you mean 'list'?
)"},
      {"unknown variant as default",
       "  a: { type: object, properties: { x: { type: enum, oneOf: { b: { type: null } }, default: "
       "c } } }\n",
       R"(f:4:92: error: the default of field 'x': expected one of b, found string "c"
    4 |   a: { type: object, properties: { x: { type: enum, oneOf: { b: { type: null } }, default: c } } }
      |                                                                                            ^
)"},
      {"name twice", "  a: { type: object, type-name: b, properties: { x: { type: u8 } } }\n",
       R"(f:4:22: error: type 'a' has a name already
    4 |   a: { type: object, type-name: b, properties: { x: { type: u8 } } }
      |                      ^~~~~~~~~
      = remove 'type-name'
)"},
      {"name taken",
       "  a: { type: list, items: { type: object, type-name: a, properties: { x: { type: u8 } } } "
       "}\n",
       R"(f:4:54: error: types 'a' and 'a' are both called A in C++
    4 |   a: { type: list, items: { type: object, type-name: a, properties: { x: { type: u8 } } } }
      |                                                      ^
      = rename one of them
)"},
      {"alias of itself", "  a: { type: b }\n  b: { type: a }\n",
       R"(f:5:14: error: type refers to itself: a -> b -> a
    5 |   b: { type: a }
      |              ^
      = a record has a fixed shape: take one of these fields out
)"},
      {"union in itself", "  a: { type: enum, oneOf: { x: { type: list, items: { type: a } } } }\n",
       R"(f:4:61: error: type refers to itself: a -> a
    4 |   a: { type: enum, oneOf: { x: { type: list, items: { type: a } } } }
      |                                                             ^
      = a record has a fixed shape: take one of these fields out
)"},
      {"no values", "  a: { type: map }\n",
       R"(f:4:6: error: type 'a' needs 'values'
    4 |   a: { type: map }
      |      ^
      = for example 'values: { type: string }'
)"},
      {"empty rename",
       "  a: { type: object, properties: { x: { type: u8, serialize: { as: y } } } }\n",
       R"(f:4:64: error: unknown key 'as' in 'serialize'
    4 |   a: { type: object, properties: { x: { type: u8, serialize: { as: y } } } }
      |                                                                ^~
      = did you mean 'rename', which is missing?
)"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(diagnose(test.types), test.expected);
  }
}

}  // namespace
}  // namespace gameflow::spec
