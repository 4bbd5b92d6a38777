// Bodies whose records lie in an array inside of an object: {"events":[…],"sent_at":…}. Views; no
// copies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "record/type.h"

namespace gameflow::api {

// The elements of the array at the dotted path `path` of `object`, as they stand there: whether
// each is JSON is for others to say. What else the object holds does not matter, but it must be
// JSON. kInvalidJson: it is none, or the array does not end; kMissingField: it has no such member;
// kWrongType: that is no array, or there are several of that name.
Result<std::vector<std::string_view>> unwrap(std::string_view object, std::string_view path);

// The end of a message that a record lacks a field: what to do if its sender meant `value` as an
// object around records. Empty where it looks like none; `type` is what it should be, null if that
// is nothing with members of such names.
std::string unwrap_hint(std::string_view value, const record::Type* type);

}  // namespace gameflow::api
