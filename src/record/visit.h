// The one switch over the kinds of types: from a Kind to the C++ type of its slot.
#pragma once

#include <concepts>
#include <cstring>
#include <type_traits>

#include <gameflow/distinct.h>
#include <gameflow/json.h>
#include <gameflow/quantiles.h>
#include <gameflow/types.h>

#include "record/type.h"

namespace gameflow::record {

// Of sdk_types::Timestamp, whose header is not for the engine.
struct TimestampSlot {
  i64 ms;
};
// Of Decimal<N>.
struct DecimalSlot {
  i64 units;
};
struct EnumSlot {
  u16 number;
};
// Of Json, with its members.
struct JsonSlot {
  const char* data = nullptr;
  u32 size = 0;
  u32 is_of_record = 0;
};
static_assert(sizeof(JsonSlot) == sizeof(Json) && alignof(JsonSlot) == alignof(Json));

// Stand for the slots of unions, objects, lists and maps, whose C++ type depends on more than their
// kind.
struct UnionSlot {};
struct ObjectSlot {};
struct ListSlot {};
struct MapSlot {};

template <class T>
concept IntegerSlot = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept SketchSlot = std::same_as<T, Distinct> || std::same_as<T, Quantiles>;
template <class T>
concept NumberSlot = IntegerSlot<T> || std::floating_point<T>;

// Calls `visitor` with std::type_identity<T>, T being bool, i8 … f64, Text, Bytes, Distinct,
// Quantiles, or one of the slots above.
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
    case Kind::kTimestamp:
      return visitor(std::type_identity<TimestampSlot>{});
    case Kind::kJson:
      return visitor(std::type_identity<JsonSlot>{});
    case Kind::kDecimal:
      return visitor(std::type_identity<DecimalSlot>{});
    case Kind::kEnum:
      return visitor(std::type_identity<EnumSlot>{});
    case Kind::kUnion:
      return visitor(std::type_identity<UnionSlot>{});
    case Kind::kObject:
      return visitor(std::type_identity<ObjectSlot>{});
    case Kind::kList:
      return visitor(std::type_identity<ListSlot>{});
    case Kind::kMap:
      return visitor(std::type_identity<MapSlot>{});
    case Kind::kDistinct:
      return visitor(std::type_identity<Distinct>{});
    case Kind::kQuantiles:
      return visitor(std::type_identity<Quantiles>{});
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
