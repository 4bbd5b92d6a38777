// How the engine knows the types of a dataflow: by number. Not for operators.
#pragma once

#include <gameflow/decimal.h>
#include <gameflow/json.h>
#include <gameflow/map.h>
#include <gameflow/operator.h>
#include <gameflow/union.h>

namespace gameflow::detail {

// TypeRefOf<T>::value, for a type of the dataflow.
template <class T>
struct TypeRefOf {};

template <class T>
concept DataflowType = requires {
  TypeRefOf<T>::value;
};

template <class T>
requires requires {
  TypeId<T>::value;
}
struct TypeRefOf<T> {
  static constexpr abi::TypeRef value{abi::kFirstDeclared + TypeId<T>::value, abi::kNotWrapped};
};
template <DataflowType T>
struct TypeRefOf<List<T>> {
  static constexpr abi::TypeRef value{TypeRefOf<T>::value.base, TypeRefOf<T>::value.wraps << 1};
};
template <DataflowType T>
struct TypeRefOf<Map<T>> {
  static constexpr abi::TypeRef value{TypeRefOf<T>::value.base, TypeRefOf<T>::value.wraps << 1 | 1};
};
template <u32 Scale>
struct TypeRefOf<Decimal<Scale>> {
  static constexpr abi::TypeRef value{abi::kFirstDecimal + Scale, abi::kNotWrapped};
};

template <u32 Kind>
struct ScalarRef {
  static constexpr abi::TypeRef value{Kind, abi::kNotWrapped};
};
// As numbered by record::Kind.
// clang-format off
template <> struct TypeRefOf<bool> : ScalarRef<0> {};
template <> struct TypeRefOf<i8> : ScalarRef<1> {};
template <> struct TypeRefOf<i16> : ScalarRef<2> {};
template <> struct TypeRefOf<i32> : ScalarRef<3> {};
template <> struct TypeRefOf<i64> : ScalarRef<4> {};
template <> struct TypeRefOf<u8> : ScalarRef<5> {};
template <> struct TypeRefOf<u16> : ScalarRef<6> {};
template <> struct TypeRefOf<u32> : ScalarRef<7> {};
template <> struct TypeRefOf<u64> : ScalarRef<8> {};
template <> struct TypeRefOf<f32> : ScalarRef<9> {};
template <> struct TypeRefOf<f64> : ScalarRef<10> {};
template <> struct TypeRefOf<Text> : ScalarRef<11> {};
template <> struct TypeRefOf<Bytes> : ScalarRef<12> {};
template <> struct TypeRefOf<sdk_types::Timestamp> : ScalarRef<13> {};
template <> struct TypeRefOf<Json> : ScalarRef<14> {};
// clang-format on

}  // namespace gameflow::detail
