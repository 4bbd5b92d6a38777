#include "connect/file/csv_record.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "connect/support/json_value.h"
#include "record/csv.h"

namespace gameflow::connect {
namespace {

bool is_number_or_bool(const std::string& cell) {
  const auto value = JsonValue::parse(cell);
  return value && value->raw().size() == cell.size() &&
         (value->is(JsonValue::Kind::kNumber) || value->is(JsonValue::Kind::kBool));
}

}  // namespace

CsvHeader::CsvHeader(std::string_view line,
                     const std::map<std::string, CsvType, std::less<>>& types) {
  record::CsvReader reader(line);
  std::vector<std::string> names;
  if (!reader.next(names)) throw std::runtime_error("the header is empty: " + reader.problem());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      throw std::runtime_error(fmt::format("column {} of the header has no name", i + 1));
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i))
      throw std::runtime_error(fmt::format("the header names '{}' twice", names[i]));
    const auto type = types.find(names[i]);
    columns_.push_back(
        {json_text(names[i]) + ":", type == types.end() ? CsvType::kAuto : type->second});
  }
}

bool CsvHeader::read(std::string_view line, std::string& record, std::string& problem) const {
  record::CsvReader reader(line);
  std::vector<std::string> cells;
  if (!reader.next(cells)) {
    problem = reader.problem();
    return false;
  }
  if (cells.size() != columns_.size()) {
    problem = fmt::format("it has {} cells, the header {}", cells.size(), columns_.size());
    return false;
  }
  record = "{";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool is_auto = columns_[i].type == CsvType::kAuto;
    if (is_auto && cells[i].empty()) continue;
    if (record.size() > 1) record += ',';
    record += columns_[i].prefix;
    if (is_auto && is_number_or_bool(cells[i])) {
      record += cells[i];
    } else {
      append_json_text(record, cells[i]);
    }
  }
  record += '}';
  return true;
}

}  // namespace gameflow::connect
