// The one switch over the kinds of types: from a Kind to the C++ type of its slot.
#pragma once

#include <concepts>
#include <cstring>
#include <type_traits>

#include <gameflow/types.h>

#include "record/type.h"

namespace gameflow::record {

// Stand for the slots of objects and lists, whose C++ type depends on more than their kind.
struct ObjectSlot {};
struct ListSlot {};

template <class T>
concept IntegerSlot = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept NumberSlot = IntegerSlot<T> || std::floating_point<T>;

// Calls `visitor` with std::type_identity<T>, T being bool, i8 … f64, Text, Bytes, ObjectSlot or
// ListSlot.
template <class Visitor>
decltype(auto) visit(Kind kind, Visitor&& visitor) {
  switch (kind) {
    case Kind::kBool:
      return visitor(std::type_identity<bool>{});
    case Kind::kI8:
      return visitor(std::type_identity<i8>{});
    case Kind::kI16:
      return visitor(std::type_identity<i16>{});
    case Kind::kI32:
      return visitor(std::type_identity<i32>{});
    case Kind::kI64:
      return visitor(std::type_identity<i64>{});
    case Kind::kU8:
      return visitor(std::type_identity<u8>{});
    case Kind::kU16:
      return visitor(std::type_identity<u16>{});
    case Kind::kU32:
      return visitor(std::type_identity<u32>{});
    case Kind::kU64:
      return visitor(std::type_identity<u64>{});
    case Kind::kF32:
      return visitor(std::type_identity<f32>{});
    case Kind::kF64:
      return visitor(std::type_identity<f64>{});
    case Kind::kString:
      return visitor(std::type_identity<Text>{});
    case Kind::kBytes:
      return visitor(std::type_identity<Bytes>{});
    case Kind::kObject:
      return visitor(std::type_identity<ObjectSlot>{});
    case Kind::kList:
      return visitor(std::type_identity<ListSlot>{});
  }
  __builtin_unreachable();
}

// The value of a slot, which need not be aligned.
template <class T>
T load(const void* slot) {
  T value;
  std::memcpy(&value, slot, sizeof value);
  return value;
}

}  // namespace gameflow::record
