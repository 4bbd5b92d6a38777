#include "query/virtual_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <sqlite3.h>

#include <gameflow/decimal_text.h>
#include <gameflow/key.h>

#include "base/number.h"
#include "query/decimal_value.h"
#include "query/large_u64.h"
#include "query/refuse_constants.h"
#include "query/sketch_functions.h"
#include "record/arena.h"
#include "record/codec.h"

namespace gameflow::query {
namespace {

using record::Kind;

// How a cursor was told to go through the table; xBestIndex's idxNum.
enum Access : int {
  kScan = 0,      // in the table's order
  kLookup = 1,    // the rows of one key
  kOrdered = 2,   // in the order that idxStr says
  kAnyOrder = 3,  // in no particular order
};

constexpr std::size_t kRowsAhead = 24;

struct VirtualTable {
  sqlite3_vtab base{};  // first: SQLite knows only this
  TableSlot* slot = nullptr;
};

struct Cursor {
  sqlite3_vtab_cursor base{};  // first: SQLite knows only this
  TableSlot* slot = nullptr;
  sqlite3_int64 row_number = 0;
  const RowPlace* row = nullptr;  // the current one; null at the end
  Access access = kScan;
  std::optional<Scan> scan;      // kAnyOrder
  RowPlace scanned{};            // its current row
  SortedRows* sorted = nullptr;  // kScan, kOrdered
  std::vector<RowPlace> places;  // kLookup
};

Cursor& cursor_of(sqlite3_vtab_cursor* base) {
  return *reinterpret_cast<Cursor*>(base);
}

int connect(sqlite3* db, void* slot, int, const char* const*, sqlite3_vtab** out, char** error) {
  auto& table = *static_cast<TableSlot*>(slot);
  Declaration declaration;
  for (const Column& column : table.columns()) {
    using Source = Column::Source;
    const bool is_in_key = column.source != Source::kField && column.source != Source::kUpdatedAt;
    declaration.add(column.name, declared_type(column.kind, column.type), column.is_hidden,
                    is_in_key);
  }
  const int code = sqlite3_declare_vtab(db, declaration.text().c_str());
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

bool has_where(const sqlite3_index_info& info) {
  for (int i = 0; i < info.nConstraint; ++i) {
    const unsigned char op = info.aConstraint[i].op;
    if (op != SQLITE_INDEX_CONSTRAINT_LIMIT && op != SQLITE_INDEX_CONSTRAINT_OFFSET) return true;
  }
  return false;
}

// Whether the rows can come in the order that is asked for; then idxStr says how. With a WHERE,
// SQLite sorts the fewer rows that are left.
bool plan_order(const TableSlot& slot, sqlite3_index_info& info) {
  if (info.nOrderBy == 0 || has_where(info)) return false;
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

// Whether nobody can tell in which order the rows came: SQLite sorts them (for DISTINCT alone it
// does not) by key, among others, and a segment has each key once; or it looks at no column.
bool is_order_invisible(sqlite3_index_info& info) {
  constexpr int kOrderOrGroupBy = 1;
  for (int i = 0; i < info.nOrderBy && sqlite3_vtab_distinct(&info) <= kOrderOrGroupBy; ++i) {
    if (info.aOrderBy[i].iColumn == 0) return true;
  }
  return info.colUsed == 0;
}

// Whether the query compares a sketch or sorts by one, which SQLite would do by its bytes.
bool refuse_sketches(const TableSlot& slot, sqlite3_vtab* base, sqlite3_index_info& info) {
  const auto is_sketch = [&](int column) {
    return column >= 0 && record::is_sketch(slot.columns()[static_cast<std::size_t>(column)].kind);
  };
  int wrong = -1;
  for (int i = 0; i < info.nConstraint; ++i) {
    const auto& constraint = info.aConstraint[i];
    constexpr int kFine[] = {SQLITE_INDEX_CONSTRAINT_ISNULL, SQLITE_INDEX_CONSTRAINT_ISNOTNULL,
                             SQLITE_INDEX_CONSTRAINT_LIMIT, SQLITE_INDEX_CONSTRAINT_OFFSET};
    if (std::ranges::count(kFine, int{constraint.op}) == 0 && is_sketch(constraint.iColumn))
      wrong = constraint.iColumn;
  }
  for (int i = 0; i < info.nOrderBy && sqlite3_vtab_distinct(&info) == 0; ++i) {
    if (is_sketch(info.aOrderBy[i].iColumn)) wrong = info.aOrderBy[i].iColumn;
  }
  if (wrong < 0) return false;
  const Column& column = slot.columns()[static_cast<std::size_t>(wrong)];
  const char* const advice = column.kind == Kind::kDistinct
                                 ? "column %s is a distinct: write estimate(%s)"
                                 : "column %s is quantiles: write quantile(%s, 0.5)";
  sqlite3_free(base->zErrMsg);
  base->zErrMsg = sqlite3_mprintf(advice, column.name.c_str(), column.name.c_str());
  return true;
}

// Whether the constraint is one for want().
bool is_lookup(sqlite3_index_info& info, int index) {
  const auto& constraint = info.aConstraint[index];
  return constraint.usable != 0 && constraint.op == SQLITE_INDEX_CONSTRAINT_EQ &&
         constraint.iColumn == 0 &&
         sqlite3_stricmp(sqlite3_vtab_collation(&info, index), "BINARY") == 0;
}

bool refuse_constants(const TableSlot& slot, sqlite3_vtab* base, sqlite3_index_info& info) {
  for (int i = 0; i < info.nConstraint; ++i) {
    const int index = info.aConstraint[i].iColumn;
    if (index < 0 || is_lookup(info, i)) continue;
    const Column& column = slot.columns()[static_cast<std::size_t>(index)];
    if (refuses_constant(column.name, column.kind, base, info, i)) return true;
  }
  return false;
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const TableSlot& slot = *reinterpret_cast<VirtualTable*>(base)->slot;
  if (refuse_sketches(slot, base, *info) || refuse_constants(slot, base, *info))
    return SQLITE_ERROR;
  const double rows = 1 + static_cast<double>(slot.rows());
  for (int i = 0; i < info->nConstraint; ++i) {
    if (!is_lookup(*info, i)) continue;
    info->idxNum = kLookup;
    info->aConstraintUsage[i].argvIndex = 1;
    // Otherwise SQLite checks the rows again.
    info->aConstraintUsage[i].omit = slot.table().key == Kind::kU64 ? 1 : 0;
    info->estimatedCost = 10;
    info->estimatedRows = static_cast<sqlite3_int64>(slot.table().segments.size());
    return SQLITE_OK;
  }
  const bool is_any_order =
      is_order_invisible(*info) && (info->colUsed == 0 || !slot.table().session_gap);
  info->idxNum = plan_order(slot, *info) ? kOrdered : is_any_order ? kAnyOrder : kScan;
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

// Of an u64 no conversion of SQLite's is needed.
void want_u64(sqlite3_value* value, WantedKey& out) {
  out.use = WantedKey::Use::kNoRows;
  if (sqlite3_value_type(value) == SQLITE_FLOAT) {
    const double number = sqlite3_value_double(value);
    if (std::trunc(number) == number && number >= 0 && number < static_cast<double>(kLargeU64Min))
      encode_integer(static_cast<std::uint64_t>(number), out);
  } else if (sqlite3_value_type(value) == SQLITE_TEXT) {
    const std::string_view text =
        without_padding({reinterpret_cast<const char*>(sqlite3_value_text(value)),
                         static_cast<std::size_t>(sqlite3_value_bytes(value))});
    if (const auto number = to_number<std::uint64_t>(text)) encode_integer(*number, out);
  }
}

void want(Kind kind, sqlite3_value* value, WantedKey& out) {
  if (kind == Kind::kU64 && sqlite3_value_type(value) != SQLITE_INTEGER)
    return want_u64(value, out);
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
      }
      return;
    }
    default:
      return;
  }
}

// From the entry's head to its key, which small rows have in the same or the next line.
void fetch(const RowAccess& access, const RowPlace& place) {
  __builtin_prefetch(place.entry);
  __builtin_prefetch(reinterpret_cast<const char*>(place.entry) + access.layout->entry_bytes(0));
}

// To the row with the cursor's number. Throws TooLate, std::bad_alloc.
void go_to_row(Cursor& cursor) {
  const auto number = static_cast<std::size_t>(cursor.row_number);
  switch (cursor.access) {
    case kAnyOrder:
      cursor.row = cursor.scan->next(cursor.scanned) ? &cursor.scanned : nullptr;
      break;
    case kLookup:
      cursor.row = number < cursor.places.size() ? &cursor.places[number] : nullptr;
      break;
    case kScan:
    case kOrdered:
      cursor.row = cursor.sorted->at(number);
      // Rows in order are anywhere in memory.
      if (cursor.row != nullptr)
        fetch(cursor.slot->access(), cursor.sorted->guess(number + kRowsAhead));
      break;
  }
}

// Decides how the cursor goes through the rows. `order` is for kOrdered.
void start(Cursor& cursor, Access access, const char* order, sqlite3_value** values) {
  TableSlot& slot = *cursor.slot;
  cursor.places.clear();
  if (access == kLookup) {
    WantedKey wanted;
    want(slot.table().key, values[0], wanted);
    if (wanted.use == WantedKey::Use::kLookup) slot.find(wanted.encoded, cursor.places);
    if (wanted.use == WantedKey::Use::kScanAll) access = kScan;
  }
  if (access == kScan && !slot.scans_in_order()) access = kAnyOrder;
  cursor.access = access;
  if (access == kAnyOrder) cursor.scan.emplace(slot.table());
  if (access == kScan) cursor.sorted = &slot.in_order("");
  if (access == kOrdered) cursor.sorted = &slot.in_order(order);
}

// Runs `action`, which moves a cursor, and says to SQLite how it went.
template <class Action>
int guarded(Action&& action) {
  try {
    action();
    return SQLITE_OK;
  } catch (const TooLate&) {
    return SQLITE_INTERRUPT;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

int filter(sqlite3_vtab_cursor* base, int access, const char* order, int, sqlite3_value** values) {
  Cursor& cursor = cursor_of(base);
  cursor.row_number = 0;
  cursor.row = nullptr;
  return guarded([&] {
    start(cursor, static_cast<Access>(access), order, values);
    go_to_row(cursor);
  });
}

int next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = cursor_of(base);
  ++cursor.row_number;
  return guarded([&] { go_to_row(cursor); });
}

int at_end(sqlite3_vtab_cursor* base) {
  return cursor_of(base).row == nullptr ? 1 : 0;
}

sqlite3_destructor_type keep(Lifetime lifetime) {
  return lifetime == Lifetime::kQuery ? SQLITE_STATIC : SQLITE_TRANSIENT;
}

void give_text(sqlite3_context* context, std::string_view text, Lifetime lifetime) {
  sqlite3_result_text64(context, text.data() == nullptr ? "" : text.data(), text.size(),
                        keep(lifetime), SQLITE_UTF8);
}

void give_decimal(sqlite3_context* context, std::int64_t units, std::uint32_t scale,
                  LongDecimals& decimals) {
  if (scale == 0) return sqlite3_result_int64(context, units);
  if (const auto value = decimal_as_double(units, scale))
    return sqlite3_result_double(context, *value);
  decimals.give(context, {detail::i128{units} * detail::power_of_ten(kExactScale - scale), scale});
}

void give_enum(sqlite3_context* context, const record::Type& type, std::uint16_t number) {
  if (number >= type.variants.size()) return;  // NULL: C++ can make such a one
  give_text(context, type.variants[number].name, Lifetime::kQuery);
}

void give_u64(sqlite3_context* context, std::uint64_t value) {
  if (value < kLargeU64Min) return sqlite3_result_int64(context, static_cast<sqlite3_int64>(value));
  give_text(context, large_u64_text(value), Lifetime::kRow);
}

template <class Sketch>
void give_sketch(sqlite3_context* context, const Sketch& sketch, Lifetime lifetime) {
  using Sketches = detail::SketchAccess;
  record::BlockArena arena;
  const bool is_settled = Sketches::is_settled(sketch);
  const std::string_view bytes =
      is_settled ? Sketches::bytes(sketch) : Sketches::bytes(Sketches::folded(sketch, arena));
  sqlite3_result_blob64(context, bytes.empty() ? "" : bytes.data(), bytes.size(),
                        keep(is_settled ? lifetime : Lifetime::kRow));
}

void give_key(sqlite3_context* context, Kind kind, std::string_view key) {
  if (kind == Kind::kString) return give_text(context, key, Lifetime::kQuery);
  if (kind == Kind::kBool) return sqlite3_result_int(context, key[0] != '\0' ? 1 : 0);
  if (record::is_signed(kind)) {
    return sqlite3_result_int64(context, decode_signed_key(Text::view(key)));
  }
  give_u64(context, decode_unsigned_key(Text::view(key)));
}

void give_field(sqlite3_context* context, const Column& column, const char* row,
                LongDecimals& decimals) {
  if (column.optional && !load<bool>(row + column.flag_offset)) return;  // NULL
  give_value(context, *column.type, row + column.offset, Lifetime::kQuery, decimals);
}

int column_value(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  const Cursor& cursor = cursor_of(base);
  const Column& column = cursor.slot->columns()[static_cast<std::size_t>(index)];
  const RowAccess& access = cursor.slot->access();
  const RowPlace& row = *cursor.row;
  switch (column.source) {
    case Column::Source::kField:
      give_field(context, column, access.data(row.entry), cursor.slot->decimals());
      break;
    case Column::Source::kKey:
      give_key(context, column.kind, access.key(row.entry));
      break;
    case Column::Source::kUpdatedAt:
      sqlite3_result_int64(context, row.entry->updated_at.ms);
      break;
    case Column::Source::kSessionStart:
      sqlite3_result_int64(context, access.session_start(row.entry));
      break;
    case Column::Source::kSessionEnd:
      sqlite3_result_int64(context, access.session_end(row.entry));
      break;
    case Column::Source::kConstant:
      sqlite3_result_int64(context, row.segment->constants[column.offset]);
      break;
  }
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
  module.xColumn = &column_value;  // and no xRowid: see Declaration
  return module;
}();

}  // namespace

void give_value(sqlite3_context* context, const record::Type& type, const char* slot,
                Lifetime lifetime, LongDecimals& decimals) {
  record::visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, u64>) {
      give_u64(context, load<u64>(slot));
    } else if constexpr (std::integral<T>) {
      sqlite3_result_int64(context, load<T>(slot));
    } else if constexpr (std::floating_point<T>) {
      sqlite3_result_double(context, double{load<T>(slot)});
    } else if constexpr (std::same_as<T, Text>) {
      give_text(context, load<Text>(slot).view(), lifetime);
    } else if constexpr (std::same_as<T, Bytes>) {
      const auto bytes = load<Bytes>(slot);
      const void* data = bytes.data == nullptr ? static_cast<const void*>("") : bytes.data;
      sqlite3_result_blob64(context, data, bytes.size, keep(lifetime));
    } else if constexpr (std::same_as<T, record::TimestampSlot>) {
      sqlite3_result_int64(context, load<T>(slot).ms);
    } else if constexpr (std::same_as<T, record::DecimalSlot>) {
      give_decimal(context, load<T>(slot).units, type.scale, decimals);
    } else if constexpr (std::same_as<T, record::EnumSlot>) {
      give_enum(context, type, load<T>(slot).number);
    } else if constexpr (record::SketchSlot<T>) {
      give_sketch(context, *reinterpret_cast<const T*>(slot), lifetime);
    } else {
      std::string json;
      record::encode_json(type, slot, json);
      give_text(context, json, Lifetime::kRow);
    }
  });
}

Status TableSlot::attach(sqlite3* db) {
  if (sqlite3_create_module(db, table_->name.c_str(), &kModule, this) == SQLITE_OK) return {};
  return fail(ErrorCode::kInternal, fmt::format("table {}: {}", table_->name, sqlite3_errmsg(db)));
}

}  // namespace gameflow::query
