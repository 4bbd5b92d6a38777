// What generated code says of a `run:` block: its names, and what can be told from its text alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/graph.h"
#include "record/type.h"
#include "spec/diagnostic.h"

namespace gameflow::opbuild {

// "filter-map" -> "filter_map", "FilterMap".
std::string snake(const plan::Step& step);
std::string pascal(const plan::Step& step);
// "Text", "u32".
std::string key_type(record::Kind key);
// Whether the block calls key().
bool asks_for_key(const plan::Step& step);
// A mask of abi::Asks: what the types say, and what the text does.
std::string asks_of(std::string_view function, const std::vector<plan::Step>& steps);
// Where the first on-expire stands.
spec::Position expired_at(const plan::Keyed& keyed);
// A block without its comments, and with the least white space that keeps its meaning.
std::string words_of(const plan::Step& step);

}  // namespace gameflow::opbuild
