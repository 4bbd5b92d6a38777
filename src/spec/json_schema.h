// The JSON schema (draft 2020-12) of dataflow.yaml and gameflow-package.yaml, for editors: keys,
// words, forms and what they mean, from the rows of sections.h. What needs the whole file (names
// that refer to each other, types that agree) only parse() knows.
#pragma once

#include <string>

namespace gameflow::spec {

std::string json_schema();
std::string package_json_schema();

}  // namespace gameflow::spec
