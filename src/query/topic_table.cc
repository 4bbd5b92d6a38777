#include "query/topic_table.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "query/refuse_constants.h"
#include "query/topic_cursor.h"
#include "query/virtual_table.h"
#include "record/visit.h"

namespace gameflow::query {
namespace {

using Source = TopicColumn::Source;

struct TopicVirtualTable {
  sqlite3_vtab base{};  // first: SQLite knows only this
  TopicSlot* slot = nullptr;
};

struct Cursor {
  explicit Cursor(TopicSlot& of) : slot(of), rows(of.topic(), of.use()) {}

  sqlite3_vtab_cursor base{};  // first: SQLite knows only this
  TopicSlot& slot;
  TopicCursor rows;
  bool at_end = true;
};

Cursor& cursor_of(sqlite3_vtab_cursor* base) {
  return *reinterpret_cast<Cursor*>(base);
}

std::string declared_type_of(const TopicColumn& column) {
  if (column.source == Source::kField) return declared_type(column.type->kind, column.type);
  return column.source == Source::kKey ? "TEXT" : "INTEGER";
}

int connect(sqlite3* db, void* of, int, const char* const*, sqlite3_vtab** out, char** error) {
  auto& slot = *static_cast<TopicSlot*>(of);
  Declaration declaration;
  for (const TopicColumn& column : slot.columns()) {
    const bool is_in_key = column.source == Source::kPartition ||
                           column.source == Source::kOffset || column.source == Source::kItem;
    declaration.add(column.name, declared_type_of(column), column.is_hidden, is_in_key);
  }
  const int code = sqlite3_declare_vtab(db, declaration.text().c_str());
  if (code != SQLITE_OK) {
    *error = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return code;
  }
  auto* made = new (std::nothrow) TopicVirtualTable;
  if (made == nullptr) return SQLITE_NOMEM;
  made->slot = &slot;
  *out = &made->base;
  return SQLITE_OK;
}

int disconnect(sqlite3_vtab* base) {
  delete reinterpret_cast<TopicVirtualTable*>(base);
  return SQLITE_OK;
}

// How a comparison with a column bounds it: in idxStr after the column's letter. Bounds are
// inclusive, as SQLite looks at each row again.
char bound_of(unsigned char op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      return '=';
    case SQLITE_INDEX_CONSTRAINT_GT:
    case SQLITE_INDEX_CONSTRAINT_GE:
      return '>';
    case SQLITE_INDEX_CONSTRAINT_LT:
    case SQLITE_INDEX_CONSTRAINT_LE:
      return '<';
    default:
      return '\0';
  }
}

char letter_of(Source source) {
  switch (source) {
    case Source::kTime:
      return 't';
    case Source::kPartition:
      return 'p';
    case Source::kOffset:
      return 'o';
    default:
      return '\0';
  }
}

// Whether the rows come in the order that is asked for, or its reverse: by partition and offset, or
// by offset where there is one partition.
bool is_order_ours(const TopicSlot& slot, const sqlite3_index_info& info, bool has_one_partition) {
  if (info.nOrderBy == 0 || info.nOrderBy > 2) return false;
  const auto source = [&](int i) {
    const int column = info.aOrderBy[i].iColumn;
    return column < 0 ? Source::kField : slot.columns()[static_cast<std::size_t>(column)].source;
  };
  if (info.nOrderBy == 1) return source(0) == Source::kOffset && has_one_partition;
  return source(0) == Source::kPartition && source(1) == Source::kOffset &&
         info.aOrderBy[0].desc == info.aOrderBy[1].desc;
}

int best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const TopicSlot& slot = *reinterpret_cast<TopicVirtualTable*>(base)->slot;
  const auto partitions = slot.topic().reader->partitions();
  double rows = 1;
  if (partitions) {
    for (const TopicReader::Range& range : *partitions)
      rows += static_cast<double>(range.end.value - range.begin.value);
  }
  bool has_one_partition = partitions && partitions->size() == 1;
  std::string bounds;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.iColumn < 0) continue;
    const TopicColumn& column = slot.columns()[static_cast<std::size_t>(constraint.iColumn)];
    if (column.source == Source::kField &&
        refuses_constant(column.name, column.type->kind, base, *info, i))
      return SQLITE_ERROR;
    if (constraint.usable == 0) continue;
    const char letter = letter_of(column.source);
    const char bound = bound_of(constraint.op);
    if (letter == '\0' || bound == '\0') continue;
    bounds += letter;
    bounds += bound;
    info->aConstraintUsage[i].argvIndex = static_cast<int>(bounds.size() / 2);
    if (letter == 'p' && bound == '=') has_one_partition = true;
    rows /= bound == '=' && letter == 'o' ? rows : 4;
  }
  info->idxStr = sqlite3_mprintf("%s", bounds.c_str());
  if (info->idxStr == nullptr) return SQLITE_NOMEM;
  info->needToFreeIdxStr = 1;
  if (is_order_ours(slot, *info, has_one_partition)) {
    info->orderByConsumed = 1;
    info->idxNum = info->aOrderBy[0].desc != 0 ? 1 : 0;
  }
  info->estimatedRows = static_cast<sqlite3_int64>(rows);
  info->estimatedCost = 100 * rows;  // each is decoded
  return SQLITE_OK;
}

int open_cursor(sqlite3_vtab* base, sqlite3_vtab_cursor** out) {
  auto* cursor = new (std::nothrow) Cursor(*reinterpret_cast<TopicVirtualTable*>(base)->slot);
  if (cursor == nullptr) return SQLITE_NOMEM;
  *out = &cursor->base;
  return SQLITE_OK;
}

int close_cursor(sqlite3_vtab_cursor* base) {
  delete &cursor_of(base);
  return SQLITE_OK;
}

void narrow(char bound, double low, double high, std::int64_t& from, std::int64_t& to) {
  constexpr double kLimit = 9e18;  // within what an integer holds
  if (bound != '<' && low > -kLimit)
    from = std::max(from, static_cast<std::int64_t>(std::min(low, kLimit)));
  if (bound != '>' && high < kLimit)
    to = std::min(to, static_cast<std::int64_t>(std::max(high, -kLimit)));
}

// Only numbers say where rows may be; of anything else SQLite knows what it means.
void narrow(TopicBounds& bounds, char letter, char bound, sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return;
  std::int64_t& from = letter == 't'   ? bounds.time_from
                       : letter == 'p' ? bounds.partition_from
                                       : bounds.offset_from;
  std::int64_t& to = letter == 't'   ? bounds.time_to
                     : letter == 'p' ? bounds.partition_to
                                     : bounds.offset_to;
  if (type == SQLITE_FLOAT) {
    const double number = sqlite3_value_double(value);
    return narrow(bound, std::floor(number), std::ceil(number), from, to);
  }
  const std::int64_t number = sqlite3_value_int64(value);
  if (bound != '<') from = std::max(from, number);
  if (bound != '>') to = std::min(to, number);
}

// Says to SQLite how a step of the cursor went.
template <class Action>
int guarded(Cursor& cursor, Action&& action) {
  try {
    const Status status = action();
    if (status) return SQLITE_OK;
    cursor.slot.use().failure = status.error();
    return SQLITE_ERROR;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  }
}

Status go_on(Cursor& cursor) {
  GF_ASSIGN(const bool found, cursor.rows.next());
  cursor.at_end = !found;
  return {};
}

int filter(sqlite3_vtab_cursor* base, int backwards, const char* bound_text, int count,
           sqlite3_value** values) {
  Cursor& cursor = cursor_of(base);
  cursor.at_end = true;
  TopicBounds bounds;
  for (int i = 0; i < count; ++i)
    narrow(bounds, bound_text[2 * i], bound_text[2 * i + 1], values[i]);
  return guarded(cursor, [&]() -> Status {
    GF_TRY(cursor.rows.start(bounds, backwards != 0));
    return go_on(cursor);
  });
}

int next(sqlite3_vtab_cursor* base) {
  Cursor& cursor = cursor_of(base);
  return guarded(cursor, [&] { return go_on(cursor); });
}

int at_end(sqlite3_vtab_cursor* base) {
  return cursor_of(base).at_end ? 1 : 0;
}

void give_field(sqlite3_context* context, const TopicColumn& column, const char* value,
                LongDecimals& decimals) {
  for (const TopicColumn::Step& step : column.path) {
    if (step.optional && !record::load<bool>(value + step.flag_offset)) return;  // NULL
    value += step.offset;
  }
  // SQLite may look at it when the cursor is in another batch.
  give_value(context, *column.type, value, Lifetime::kRow, decimals);
}

int column_value(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  const Cursor& cursor = cursor_of(base);
  const TopicColumn& column = cursor.slot.columns()[static_cast<std::size_t>(index)];
  const TopicCursor& rows = cursor.rows;
  switch (column.source) {
    case Source::kField:
      give_field(context, column, rows.value(), cursor.slot.decimals());
      break;
    case Source::kTime:
      sqlite3_result_int64(context, rows.batch().timestamp(rows.record()).ms);
      break;
    case Source::kPartition:
      sqlite3_result_int64(context, rows.partition());
      break;
    case Source::kOffset:
      sqlite3_result_int64(context,
                           static_cast<sqlite3_int64>(rows.batch().offset(rows.record()).value));
      break;
    case Source::kItem:
      sqlite3_result_int64(context, rows.item());
      break;
    case Source::kKey:
      if (const auto key = rows.batch().key(rows.record())) {
        sqlite3_result_text64(context, key->data(), key->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
      }
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

Status TopicSlot::attach(sqlite3* db) {
  if (sqlite3_create_module(db, topic_.name.c_str(), &kModule, this) == SQLITE_OK) return {};
  return fail(ErrorCode::kInternal, fmt::format("table {}: {}", topic_.name, sqlite3_errmsg(db)));
}

}  // namespace gameflow::query
