// What messages say of a type: what it takes. Internal to src/record.
#pragma once

#include <string>

#include "record/type.h"

namespace gameflow::record {

// "u32", "an object", "one of apple, banana".
std::string expected(const Type& type);
// Of an enum or a union: "one of apple, {"pear": …}".
std::string variants_of(const Type& type);
// Of a type that takes numbers, without the words around it: "0 to 255".
std::string range_of(const Type& type);

}  // namespace gameflow::record
