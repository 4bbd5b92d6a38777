#include "query/virtual_table.h"

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <sqlite3.h>

#include <gameflow/key.h>

#include "record/codec.h"

namespace gameflow::query {
namespace {

using record::Kind;

// How a cursor was told to go through the table; xBestIndex's idxNum.
enum Access : int { kScan = 0, kLookup = 1, kOrdered = 2 };

constexpr std::ptrdiff_t kRowsAhead = 24;

struct VirtualTable {
  sqlite3_vtab base{};  // first: SQLite knows only this
  TableSlot* slot = nullptr;
};

struct Cursor {
  sqlite3_vtab_cursor base{};  // first: SQLite knows only this
  TableSlot* slot = nullptr;
  const Segment* segment = nullptr;
  const Row* row = nullptr;
  const Row* row_end = nullptr;
  const Segment* segment_end = nullptr;
  sqlite3_int64 row_number = 0;
  Access access = kScan;
  std::vector<KeyIndex::Place> places;  // kLookup: where to go
  std::size_t next_place = 0;
  const OrderedRow* ordered = nullptr;  // kOrdered: the rows to come
  const OrderedRow* ordered_end = nullptr;
};

Cursor& cursor_of(sqlite3_vtab_cursor* base) {
  return *reinterpret_cast<Cursor*>(base);
}

const char* declared_type(const Column& column) {
  switch (column.kind) {
    case Kind::kString:
    case Kind::kObject:
    case Kind::kList:
      return "TEXT";
    case Kind::kBytes:
      return "BLOB";
    case Kind::kF32:
    case Kind::kF64:
      return "REAL";
    default:
      return "INTEGER";
  }
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + '"';
}

int connect(sqlite3* db, void* slot, int, const char* const*, sqlite3_vtab** out, char** error) {
  auto& table = *static_cast<TableSlot*>(slot);
  std::string sql = "CREATE TABLE t(";
  for (const Column& column : table.columns()) {
    if (!sql.ends_with('(')) sql += ", ";
    sql += quoted(column.name) + ' ' + declared_type(column);
  }
  const int code = sqlite3_declare_vtab(db, (sql + ")").c_str());
  if (code != SQLITE_OK) {
    *error = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return code;
  }
  auto* made = new (std::nothrow) VirtualTable;
  if (made == nullptr) return SQLITE_NOMEM;
  made->slot = &table;
  *out = &made->base;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* base) {
  delete reinterpret_cast<VirtualTable*>(base);
  return SQLITE_OK;
}

// Whether the rows can come in the order that is asked for; then idxStr says how. With a WHERE,
// SQLite sorts the fewer rows that are left.
bool plan_order(const TableSlot& slot, sqlite3_index_info& info) {
  if (info.nOrderBy == 0) return false;
  for (int i = 0; i < info.nConstraint; ++i) {
    const unsigned char op = info.aConstraint[i].op;
    if (op != SQLITE_INDEX_CONSTRAINT_LIMIT && op != SQLITE_INDEX_CONSTRAINT_OFFSET) return false;
  }
  std::string text;
  for (int i = 0; i < info.nOrderBy; ++i) {
    const int column = info.aOrderBy[i].iColumn;
    if (column < 0 || !can_order_by(slot.columns()[static_cast<std::size_t>(column)])) return false;
    text += std::to_string(column) + (info.aOrderBy[i].desc != 0 ? 'd' : 'a');
  }
  info.idxStr = sqlite3_mprintf("%s", text.c_str());
  if (info.idxStr == nullptr) return false;
  info.needToFreeIdxStr = 1;
  info.orderByConsumed = 1;
  return true;
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const TableSlot& slot = *reinterpret_cast<VirtualTable*>(base)->slot;
  double rows = 1;
  for (const Segment& segment : slot.table().segments) {
    rows += static_cast<double>(segment.rows.size());
  }
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.usable == 0 || constraint.op != SQLITE_INDEX_CONSTRAINT_EQ ||
        constraint.iColumn != 0 ||
        sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) {
      continue;
    }
    info->idxNum = kLookup;
    info->aConstraintUsage[i].argvIndex = 1;  // SQLite checks the rows again: omit stays 0
    info->estimatedCost = 10;
    info->estimatedRows = static_cast<sqlite3_int64>(slot.table().segments.size());
    return SQLITE_OK;
  }
  info->idxNum = plan_order(slot, *info) ? kOrdered : kScan;
  info->estimatedCost = rows;
  info->estimatedRows = static_cast<sqlite3_int64>(rows);
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab* base, sqlite3_vtab_cursor** out) {
  auto* cursor = new (std::nothrow) Cursor;
  if (cursor == nullptr) return SQLITE_NOMEM;
  cursor->slot = reinterpret_cast<VirtualTable*>(base)->slot;
  *out = &cursor->base;
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* base) {
  delete &cursor_of(base);
  return SQLITE_OK;
}

// The wanted key in the encoding of key.h, or how to do without.
struct WantedKey {
  enum class Use : std::uint8_t {
    kLookup,   // look `encoded` up
    kNoRows,   // nothing can be equal
    kScanAll,  // only SQLite's conversions can tell: give it every row
  };
  Use use = Use::kScanAll;
  std::string_view encoded;
  std::array<char, 8> buffer;  // of an integer's `encoded`
};

void encode_integer(std::uint64_t bits, WantedKey& out) {
  bits = __builtin_bswap64(bits);
  std::memcpy(out.buffer.data(), &bits, sizeof bits);
  out.encoded = {out.buffer.data(), out.buffer.size()};
  out.use = WantedKey::Use::kLookup;
}

void want_integer(Kind kind, std::int64_t value, WantedKey& out) {
  if (kind == Kind::kBool) {
    out.use = value == 0 || value == 1 ? WantedKey::Use::kLookup : WantedKey::Use::kNoRows;
    out.buffer[0] = static_cast<char>(value);
    out.encoded = {out.buffer.data(), 1};
  } else if (record::is_signed(kind)) {
    encode_integer(static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63), out);
  } else if (value < 0) {
    out.use = WantedKey::Use::kNoRows;
  } else {
    encode_integer(static_cast<std::uint64_t>(value), out);
  }
}

void want(Kind kind, sqlite3_value* value, WantedKey& out) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
      out.use = WantedKey::Use::kNoRows;
      return;
    case SQLITE_INTEGER:
      if (kind != Kind::kString) want_integer(kind, sqlite3_value_int64(value), out);
      return;
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      const std::string_view view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
      if (kind == Kind::kString) {
        out.encoded = view;
        out.use = WantedKey::Use::kLookup;
      } else if (kind == Kind::kU64) {  // also those that SQLite has no number for
        std::uint64_t number = 0;
        const auto parsed = std::from_chars(view.data(), view.data() + view.size(), number);
        const bool is_number = parsed.ec == std::errc{} && parsed.ptr == view.data() + view.size();
        if (is_number) encode_integer(number, out);
      }
      return;
    }
    default:
      return;
  }
}

// To the first row at or after the cursor's place.
void settle(Cursor& cursor) {
  while (cursor.row == cursor.row_end && cursor.segment != cursor.segment_end) {
    if (++cursor.segment == cursor.segment_end) break;
    cursor.row = cursor.segment->rows.data();
    cursor.row_end = cursor.row + cursor.segment->rows.size();
  }
}

void go_to_place(Cursor& cursor) {
  if (cursor.next_place == cursor.places.size()) {
    cursor.segment = cursor.segment_end;
    return;
  }
  const KeyIndex::Place place = cursor.places[cursor.next_place++];
  cursor.segment = &cursor.slot->table().segments[place.segment];
  cursor.row = &cursor.segment->rows[place.row];
}

void go_to_ordered(Cursor& cursor) {
  if (cursor.ordered == cursor.ordered_end) {
    cursor.segment = cursor.segment_end;
    return;
  }
  cursor.segment = cursor.ordered->segment;
  cursor.row = cursor.ordered->row;
  // Rows in order are anywhere in memory: fetch them ahead, first the Row, then what it points to.
  const auto left = cursor.ordered_end - cursor.ordered;
  if (left > kRowsAhead) __builtin_prefetch(cursor.ordered[kRowsAhead].row);
  if (left > kRowsAhead / 2) {
    const Row* soon = cursor.ordered[kRowsAhead / 2].row;
    __builtin_prefetch(soon->data);
    __builtin_prefetch(soon->key.data());
  }
  ++cursor.ordered;
}

void start_lookup(Cursor& cursor, std::string_view key) {
  cursor.access = kLookup;
  cursor.places.clear();
  cursor.next_place = 0;
  cursor.slot->find(key, cursor.places);
  go_to_place(cursor);
}

void start_ordered(Cursor& cursor, const char* order) {
  cursor.access = kOrdered;
  const std::vector<OrderedRow>& rows = cursor.slot->in_order(order);
  cursor.ordered = rows.data();
  cursor.ordered_end = rows.data() + rows.size();
  go_to_ordered(cursor);
}

void start_scan(Cursor& cursor) {
  cursor.access = kScan;
  if (cursor.segment == cursor.segment_end) return;
  cursor.row = cursor.segment->rows.data();
  cursor.row_end = cursor.row + cursor.segment->rows.size();
  settle(cursor);
}

int filter(sqlite3_vtab_cursor* base, int access, const char* order, int, sqlite3_value** values) {
  Cursor& cursor = cursor_of(base);
  const Table& table = cursor.slot->table();
  cursor.segment = table.segments.data();
  cursor.segment_end = cursor.segment + table.segments.size();
  cursor.row = cursor.row_end = nullptr;
  cursor.row_number = 0;
  WantedKey wanted;
  if (access == kLookup) want(table.key, values[0], wanted);
  try {
    if (wanted.use == WantedKey::Use::kNoRows) {
      cursor.segment = cursor.segment_end;
    } else if (wanted.use == WantedKey::Use::kLookup) {
      start_lookup(cursor, wanted.encoded);
    } else if (access == kOrdered) {
      start_ordered(cursor, order);
    } else {
      start_scan(cursor);
    }
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = cursor_of(base);
  ++cursor.row_number;
  if (cursor.access == kScan) {
    if (++cursor.row == cursor.row_end) settle(cursor);
  } else if (cursor.access == kOrdered) {
    go_to_ordered(cursor);
  } else {
    go_to_place(cursor);
  }
  return SQLITE_OK;
}

int at_end(sqlite3_vtab_cursor* base) {
  const Cursor& cursor = cursor_of(base);
  return cursor.segment == cursor.segment_end ? 1 : 0;
}

void give_text(sqlite3_context* context, const char* data, std::size_t size) {
  // The row outlives the query, so SQLite need not copy (SQLITE_STATIC).
  sqlite3_result_text64(context, data == nullptr ? "" : data, size, SQLITE_STATIC, SQLITE_UTF8);
}

void give_u64(sqlite3_context* context, std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    sqlite3_result_int64(context, static_cast<sqlite3_int64>(value));
    return;
  }
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), value).ptr;
  sqlite3_result_text64(context, digits.data(), static_cast<std::size_t>(end - digits.data()),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
}

void give_key(sqlite3_context* context, Kind kind, std::string_view key) {
  if (kind == Kind::kString) return give_text(context, key.data(), key.size());
  if (kind == Kind::kBool) return sqlite3_result_int(context, key[0] != '\0' ? 1 : 0);
  if (record::is_signed(kind)) {
    return sqlite3_result_int64(context, decode_signed_key(Text::view(key)));
  }
  give_u64(context, decode_unsigned_key(Text::view(key)));
}

void give_json(sqlite3_context* context, const Column& column, const char* from) {
  std::string json;
  record::encode_json(*column.type, from, json);
  sqlite3_result_text64(context, json.data(), json.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void give_field(sqlite3_context* context, const Column& column, const char* row) {
  if (column.optional && !load<bool>(row + column.flag_offset)) return;  // NULL
  const char* from = row + column.offset;
  switch (column.kind) {
    case Kind::kBool:
      return sqlite3_result_int(context, load<bool>(from) ? 1 : 0);
    case Kind::kI8:
      return sqlite3_result_int(context, load<i8>(from));
    case Kind::kI16:
      return sqlite3_result_int(context, load<i16>(from));
    case Kind::kI32:
      return sqlite3_result_int(context, load<i32>(from));
    case Kind::kI64:
      return sqlite3_result_int64(context, load<i64>(from));
    case Kind::kU8:
      return sqlite3_result_int(context, load<u8>(from));
    case Kind::kU16:
      return sqlite3_result_int(context, load<u16>(from));
    case Kind::kU32:
      return sqlite3_result_int64(context, load<u32>(from));
    case Kind::kU64:
      return give_u64(context, load<u64>(from));
    case Kind::kF32:
      return sqlite3_result_double(context, static_cast<double>(load<f32>(from)));
    case Kind::kF64:
      return sqlite3_result_double(context, load<f64>(from));
    case Kind::kString: {
      const auto text = load<Text>(from);
      return give_text(context, text.data(), text.size());
    }
    case Kind::kBytes: {
      const auto bytes = load<Bytes>(from);
      const void* data = bytes.data == nullptr ? static_cast<const void*>("") : bytes.data;
      return sqlite3_result_blob64(context, data, bytes.size, SQLITE_STATIC);
    }
    case Kind::kObject:
    case Kind::kList:
      return give_json(context, column, from);
  }
}

int column_value(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  const Cursor& cursor = cursor_of(base);
  const Column& column = cursor.slot->columns()[static_cast<std::size_t>(index)];
  switch (column.source) {
    case Column::Source::kField:
      give_field(context, column, static_cast<const char*>(cursor.row->data));
      break;
    case Column::Source::kKey:
      give_key(context, column.kind, cursor.row->key);
      break;
    case Column::Source::kUpdatedAt:
      sqlite3_result_int64(context, cursor.row->updated_at.ms);
      break;
    case Column::Source::kConstant:
      sqlite3_result_int64(context, cursor.segment->constants[column.offset]);
      break;
  }
  return SQLITE_OK;
}

int row_id(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  *out = cursor_of(base).row_number;
  return SQLITE_OK;
}

constexpr sqlite3_module kModule = [] {
  sqlite3_module module{};
  module.iVersion = 1;
  module.xConnect = &connect;  // and no xCreate: the module's name is the table
  module.xBestIndex = &best_index;
  module.xDisconnect = &disconnect;
  module.xOpen = &open_cursor;
  module.xClose = &close_cursor;
  module.xFilter = &filter;
  module.xNext = &next;
  module.xEof = &at_end;
  module.xColumn = &column_value;
  module.xRowid = &row_id;
  return module;
}();

}  // namespace

Status TableSlot::attach(sqlite3* db) {
  if (sqlite3_create_module(db, table_->name.c_str(), &kModule, this) == SQLITE_OK) return {};
  return fail(ErrorCode::kInternal, fmt::format("table {}: {}", table_->name, sqlite3_errmsg(db)));
}

}  // namespace gameflow::query
