// Answers as JSON.
#pragma once

#include <span>
#include <string>

#include "query/query.h"

namespace gameflow::query {

// Numbers with all their digits; null for one that JSON does not have.
void append_json(const Value& value, std::string& out);
// Lists.
void append_json(std::span<const Value> row, std::string& out);
void append_json(std::span<const std::string> texts, std::string& out);

}  // namespace gameflow::query
