// Records out of a request's body: the elements of a JSON array, and the key that a record holds in
// a field.
//
// Errors   returned as text for a person; the caller knows which request or record it concerns.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "record/type.h"

namespace gameflow::record {

// The elements of a JSON array, or the value itself if it is no array, each as it stands in `json`.
// Only finds where elements end: whether each is JSON, the Decoder tells, so that one bad record
// does not cost the others. kInvalidJson if the array does not end or more follows it.
Result<std::vector<std::string_view>> split_json(std::string_view json);

// Whether `json` is one value with nothing behind it, going by where it ends.
bool is_one_value(std::string_view json);

// The value at a dotted path of an object, as it stands in `json`, found without looking at what is
// beside the way. Of names that repeat the first one counts. Nothing where there is none; `json`
// need not be valid.
std::optional<std::string_view> find_member(std::string_view json, std::string_view path);
// The names of an object's members as they are written, in order; `json` need not be valid.
std::vector<std::string_view> member_names(std::string_view json);
// The first of `names` that the object has twice, in whatever way they are written.
std::optional<std::string_view> repeated_member(std::string_view json,
                                                std::span<const std::string_view> names);
// Appends the object without the member `name`; without white space, if it is valid.
void minify_without(std::string_view json, std::string_view name, std::string& out);

// The text of the field at the dotted path `path` of a valid JSON value, as a key: text as it is,
// numbers and booleans as they are written. Nothing where the field is absent, null, an object or
// an array. Repeated fields: the last one counts, as in the Decoder. `json` must be readable for
// kPaddingBytes past its end.
std::optional<std::string> json_field(std::string_view json, std::string_view path);

// The same from a decoded value of type `type`; `known` is false where the type has no such scalar
// field, so that json_field must look in the unknown ones.
class FieldPath {
 public:
  FieldPath(const Type& type, std::string_view path);
  bool known() const { return type_ != nullptr; }
  // The key, or nothing where it is absent: text as it stands in `value`, all else written into
  // `scratch`. Precondition: known().
  std::optional<std::string_view> read(const void* value, std::string& scratch) const;

 private:
  struct Step {
    std::uint32_t offset;
    bool optional;
    std::uint32_t flag_offset;
  };
  std::vector<Step> steps_;
  const Type* type_ = nullptr;  // of the last field; null: unknown
};

}  // namespace gameflow::record
