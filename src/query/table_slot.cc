#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "query/large_u64.h"
#include "query/sketch_functions.h"
#include "query/virtual_table.h"
#include "record/type.h"
#include "state/layout.h"
#include "state/sessions.h"

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
                       .name = field.cpp_name});
  }
  columns.push_back(
      {.source = Source::kUpdatedAt, .kind = record::Kind::kI64, .name = "_updated_at"});
  if (table.session_gap) {
    columns.push_back(
        {.source = Source::kSessionStart, .kind = record::Kind::kI64, .name = "_window_start"});
    columns.push_back(
        {.source = Source::kSessionEnd, .kind = record::Kind::kI64, .name = "_window_end"});
  }
  for (std::uint32_t i = 0; i < table.constant_names.size(); ++i) {
    columns.push_back({.source = Source::kConstant,
                       .kind = record::Kind::kI64,
                       .offset = i,
                       .name = table.constant_names[i]});
  }
  for (std::size_t i = 0; i < table.row->fields.size(); ++i) {
    const record::Field& field = table.row->fields[i];
    if (lower_case(field.name) == lower_case(field.cpp_name)) continue;
    columns.push_back(columns[1 + i]);
    columns.back().name = field.name;
    columns.back().is_hidden = true;
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

std::string declared_type(record::Kind kind, const record::Type* type) {
  return record::visit(kind, [&]<class T>(std::type_identity<T>) -> std::string {
    if constexpr (std::same_as<T, u64>) return kU64Type;
    if constexpr (std::same_as<T, Bytes>) return "BLOB";
    if constexpr (std::floating_point<T>) return "REAL";
    if constexpr (std::same_as<T, record::DecimalSlot>)
      return fmt::format("DECIMAL({})", type->scale);
    if constexpr (std::same_as<T, Distinct>) return kDistinctType;
    if constexpr (std::same_as<T, Quantiles>) return kQuantilesType;
    return std::integral<T> || std::same_as<T, record::TimestampSlot> ? "INTEGER" : "TEXT";
  });
}

void Declaration::add(std::string_view name, std::string_view type, bool is_hidden,
                      bool is_in_key) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  quoted += '"';
  columns_ += fmt::format("{} {}{}, ", quoted, type, is_hidden ? " HIDDEN" : "");
  if (is_in_key) key_ += (key_.empty() ? "" : ", ") + quoted;
}

std::string Declaration::text() const {
  return fmt::format("CREATE TABLE t({}PRIMARY KEY ({})) WITHOUT ROWID", columns_, key_);
}

Status TableSlot::set(const Table* table) {
  if (table_ != nullptr && table->row == table_->row && table->key == table_->key &&
      table->constant_names == table_->constant_names) {
    show(table);
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
  columns_ = std::move(columns);
  show(table);
  return {};
}

void TableSlot::show(const Table* table) {
  table_ = table;
  access_ = RowAccess(*table);
  rows_.reset();
  orders_.clear();
}

void TableSlot::begin_query(Author author, Deadline deadline) {
  show(table_);
  author_ = author;
  deadline_ = deadline;
}

SortedRows& TableSlot::in_order(std::string_view text) {
  const auto known = orders_.find(text);
  if (known != orders_.end()) return known->second;
  std::vector<OrderTerm> terms;
  for (const char* at = text.data(); at != text.data() + text.size(); ++at) {
    std::size_t column = 0;
    at = std::from_chars(at, text.data() + text.size(), column).ptr;
    terms.push_back({&columns_[column], *at == 'd'});
  }
  // What the text leaves open: by segment, whose rows each have another key.
  if (table_->segments.size() > 1) terms.push_back({nullptr, false});
  if (table_->session_gap) {
    const std::size_t start = 1 + table_->row->fields.size() + 1;  // behind _updated_at
    terms.push_back({&columns_[start + 1], false});
    terms.push_back({&columns_[start], false});
  }
  terms.push_back({&columns_.front(), false});
  return orders_.emplace(text, SortedRows(*table_, std::move(terms), deadline_)).first->second;
}

void TableSlot::find(std::string_view key, std::vector<RowPlace>& places) const {
  if (table_->session_gap) return find_sessions(key, places);
  const std::uint64_t hash = state::hash_key(key);
  for (const Segment& segment : table_->segments) {
    if (segment.shards == nullptr || segment.shards->empty()) continue;
    const auto& shard = (*segment.shards)[state::shard_of(hash) % segment.shards->size()];
    const state::Entry* entry = shard == nullptr ? nullptr : shard->find(key, hash);
    if (entry != nullptr && access_.is_live(entry)) places.push_back({entry, &segment});
  }
}

// Those of a key are in its slots, one behind the other.
void TableSlot::find_sessions(std::string_view key, std::vector<RowPlace>& places) const {
  for (const Segment& segment : table_->segments) {
    if (segment.shards == nullptr) continue;
    const Shards& shards = *segment.shards.get();
    if (shards.empty()) continue;
    for (std::uint16_t slot = 0;; ++slot) {
      std::string full(key);
      state::Sessions::append_slot(full, slot);
      const auto& shard =
          shards[state::shard_of(state::Sessions::shard_hash(full)) % shards.size()];
      const state::Entry* const entry =
          shard == nullptr ? nullptr : shard->find(full, state::hash_key(full));
      if (entry == nullptr) break;
      if (access_.is_live(entry)) places.push_back({entry, &segment});
    }
  }
}

}  // namespace gameflow::query
