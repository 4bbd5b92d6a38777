// A value of any type as bytes, exactly: what was made by operators comes back as it was, also what
// JSON would change (NaN, names that are written otherwise than read).
//
// Scalars as their bytes, text with its length, lists and maps with their count; an optional is a
// byte 0 or 1 and the value if there is one; a union the number of its variant and its value. The
// order is that of the type; a reader has to know it. Format: docs/formats/state.md.
//
// Threads  pure functions.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "record/arena.h"
#include "record/type.h"

namespace gameflow::record {

// The value in the slot of a type of records: no sketches.
void write_value(const Type& type, const void* slot, ByteWriter& out);

// Fills the slot. Text stays where it is read from; lists are made in `arena`. False where the
// bytes are no such value; then the slot holds no promise.
bool read_value(const Type& type, ByteReader& in, Arena& arena, void* slot);

// `count:u32` and `last?:string` of the shape `{count:u32,last?:string}` of an object.
std::vector<std::string_view> columns_of(std::string_view shape);

// Values that were stored before objects in their type got more fields.
class GrownValue {
 public:
  // For values that write_value() wrote when shape_of() the type was `shape`. Null where its
  // objects, also those inside of objects, lists and maps, are not made of fields of the type, by
  // name and type, in any order, or a new field has to be there. Both outlive the result.
  static std::unique_ptr<const GrownValue> from(const Type& now, std::string_view shape);

  // As read_value(); new fields are what they are where they are absent.
  bool read(ByteReader& in, Arena& arena, void* slot) const;

 private:
  struct Part {
    const Field* field;
    std::unique_ptr<const GrownValue> value;
  };
  explicit GrownValue(const Type& type) : type_(type) {}
  static std::unique_ptr<const GrownValue> object(const Type& now, std::string_view shape);
  static std::unique_ptr<const GrownValue> items(const Type& now,
                                                 std::unique_ptr<const GrownValue> item);
  bool read_parts(ByteReader& in, Arena& arena, char* slot) const;

  const Type& type_;
  std::vector<Part> parts_;                 // of an object, in the order in which they are stored
  std::unique_ptr<const GrownValue> item_;  // of a list or map
  bool has_grown_ = false;                  // else the value is stored as it is now
};

}  // namespace gameflow::record
