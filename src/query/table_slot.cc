#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "query/virtual_table.h"

namespace gameflow::query {
namespace {

std::vector<Column> columns_of(const Table& table) {
  using Source = Column::Source;
  std::vector<Column> columns;
  columns.push_back({.source = Source::kKey, .kind = table.key, .name = "_key"});
  for (const record::Field& field : table.row->fields) {
    columns.push_back({.source = Source::kField,
                       .kind = field.type->kind,
                       .optional = field.optional,
                       .offset = field.offset,
                       .flag_offset = field.flag_offset,
                       .type = field.type,
                       .name = field.name});
  }
  columns.push_back(
      {.source = Source::kUpdatedAt, .kind = record::Kind::kI64, .name = "_updated_at"});
  for (std::uint32_t i = 0; i < table.constant_names.size(); ++i) {
    columns.push_back({.source = Source::kConstant,
                       .kind = record::Kind::kI64,
                       .offset = i,
                       .name = table.constant_names[i]});
  }
  return columns;
}

// SQL names do not know upper and lower case.
Status check_names(const Table& table, const std::vector<Column>& columns) {
  std::set<std::string> seen;
  for (const Column& column : columns) {
    if (column.name.empty() || column.name.find('\0') != std::string::npos ||
        !seen.insert(lower_case(column.name)).second) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("table {}: column '{}' is there twice, or is no name in SQL",
                              table.name, column.name));
    }
  }
  return {};
}

}  // namespace

KeyIndex::KeyIndex(const Table& table) {
  std::size_t rows = 0;
  for (const Segment& segment : table.segments) rows += segment.rows.size();
  entries_.reserve(rows);
  first_.reserve(rows);
  // Backwards, so that each key's chain runs forwards.
  for (std::size_t s = table.segments.size(); s-- > 0;) {
    const std::vector<Row>& segment = table.segments[s].rows;
    for (std::size_t r = segment.size(); r-- > 0;) {
      const auto entry = static_cast<std::uint32_t>(entries_.size());
      const auto [found, is_new] = first_.try_emplace(segment[r].key, entry);
      const Place place{static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(r)};
      entries_.push_back({place, is_new ? kNone : std::exchange(found->second, entry)});
    }
  }
}

void KeyIndex::find(std::string_view key, std::vector<Place>& places) const {
  const auto found = first_.find(key);
  if (found == first_.end()) return;
  for (std::uint32_t i = found->second; i != kNone; i = entries_[i].next) {
    places.push_back(entries_[i].place);
  }
}

Status TableSlot::set(const Table* table) {
  if (table_ != nullptr && table->row == table_->row && table->key == table_->key &&
      table->constant_names == table_->constant_names) {
    table_ = table;
    begin_query();
    return {};
  }
  if (table->row == nullptr || table->row->kind != record::Kind::kObject) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("table {}: a row has to be an object", table->name));
  }
  if (table->key != record::Kind::kString && table->key != record::Kind::kBool &&
      !record::is_integer(table->key)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("table {}: a key cannot be {}", table->name, to_string(table->key)));
  }
  if (table_ != nullptr &&
      (table->key != table_->key || table->constant_names != table_->constant_names ||
       !record::same_shape(*table->row, *table_->row))) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("table {} has another key, row type or constants than the one before",
                            table->name));
  }
  std::vector<Column> columns = columns_of(*table);
  GF_TRY(check_names(*table, columns));
  table_ = table;
  columns_ = std::move(columns);
  begin_query();
  return {};
}

void TableSlot::begin_query() {
  looked_up_ = false;
  index_.reset();
  orders_.clear();
}

const std::vector<OrderedRow>& TableSlot::in_order(std::string_view text) {
  const auto known = orders_.find(text);
  if (known != orders_.end()) return known->second;
  std::vector<OrderTerm> terms;
  for (const char* at = text.data(); at != text.data() + text.size(); ++at) {
    std::size_t column = 0;
    at = std::from_chars(at, text.data() + text.size(), column).ptr;
    terms.push_back({&columns_[column], *at == 'd'});
  }
  return orders_.emplace(text, order_rows(*table_, terms)).first->second;
}

void TableSlot::find(std::string_view key, std::vector<KeyIndex::Place>& places) {
  if (looked_up_) {
    if (index_ == nullptr) index_ = std::make_unique<KeyIndex>(*table_);
    index_->find(key, places);
    return;
  }
  // One look through the rows costs less than an index.
  looked_up_ = true;
  for (std::uint32_t s = 0; s < table_->segments.size(); ++s) {
    const std::vector<Row>& rows = table_->segments[s].rows;
    for (std::uint32_t r = 0; r < rows.size(); ++r) {
      if (rows[r].key == key) places.push_back({s, r});
    }
  }
}

}  // namespace gameflow::query
