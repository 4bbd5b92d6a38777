// Read-only SQL over versions of tables (state/version.h) and over topics (topic.h): SQLite virtual
// tables, no copy of rows.
//
// Threads  a Database belongs to one thread; what it reads never changes.
// Errors   kSqlInvalid, kSqlDenied, kSqlLimit; the message quotes SQLite and, for an unknown name,
//          lists those that exist.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gameflow/abi.h>

#include "base/error.h"
#include "base/time.h"
#include "query/topic.h"
#include "record/arena.h"
#include "record/type.h"
#include "state/version.h"

namespace gameflow::query {

// The tables of one window's shards, null where there is none: a key is in the one that its
// shard_of() says, modulo their number. All have the layout of one service.
using Shards = std::vector<std::shared_ptr<const state::TableVersion>>;

// What is there, or is made when somebody first looks at it. Threads: any.
class SegmentShards {
 public:
  SegmentShards() = default;
  template <class Pointer>
  requires std::convertible_to<Pointer, std::shared_ptr<const Shards>> SegmentShards(Pointer shards)
      : shards_(std::move(shards)) {}  // NOLINT: implicit on purpose
  static SegmentShards made_by(std::function<Shards()> make);

  const Shards* get() const;
  const Shards& operator*() const { return *get(); }
  const Shards* operator->() const { return get(); }
  friend bool operator==(const SegmentShards& shards, std::nullptr_t) {
    return shards.get() == nullptr;
  }

 private:
  struct Made;
  std::shared_ptr<const Shards> shards_;
  std::shared_ptr<Made> made_;
};

// Rows that share the values of the table's constant columns.
struct Segment {
  std::vector<std::int64_t> constants;  // one for each of Table::constant_names
  SegmentShards shards;
};

// A table in SQL. Columns: _key, the fields of `row`, _updated_at (ms UTC), then the constants.
//
// A query without ORDER BY sees the rows segment by segment, and each segment's in order of key;
// but a person's query, where there are more than kRowsInOrderMax, in no particular order, as
// sorting them takes time that somebody who did not ask for it would pay.
struct Table {
  static constexpr std::size_t kRowsInOrderMax = 10'000;

  std::string name;
  record::Kind key = record::Kind::kString;
  const record::Type* row = nullptr;
  std::size_t state = 0;  // number of the rows' state in their layout
  // Of sessions: how long one waits for its next record. Then a key may have several rows, and
  // columns _window_start and _window_end, those of their sessions, stand in front of the
  // constants. Without ORDER BY a segment's rows come in order of their end, their start, and key.
  std::optional<Duration> session_gap;
  std::vector<std::string> constant_names;  // "_window_start", "_window_end", "_window_closed"
  std::vector<Segment> segments;

  std::size_t rows() const;
};

// All tables of one moment.
using Tables = std::vector<std::shared_ptr<const Table>>;

struct Limits {
  std::chrono::milliseconds time_max{1000};
  std::size_t rows_max = 10'000;             // more: the result is cut and says so
  std::size_t bytes_max = 8U << 20;          // of text in the result; likewise
  std::size_t topic_bytes_max = 256U << 20;  // of topics, in memory, that the query reads
};

// A number with the digits that it is written with: "9.80".
struct Digits {
  std::string text;
  friend bool operator==(const Digits&, const Digits&) = default;
};

using Value = std::variant<std::nullptr_t, std::int64_t, double, std::string, Digits>;

// Of a person's query: `:name` in it stands for the value; also `@name` and `$name`.
struct Parameter {
  std::string name;
  Value value;
  // Of the moment, not of who asks: a statement need not have it, and where it does the answer
  // depends on the clock. A statement without any other one is refused.
  bool is_ambient = false;
};

using Parameters = std::vector<Parameter>;

// What an answer depends on, beside the statement and its parameters.
struct Uses {
  std::vector<std::string> tables;  // names of states and topics, in small letters
  bool clock = false;
};

struct Answer {
  std::vector<std::string> columns;
  std::vector<std::vector<Value>> rows;
  bool truncated = false;
  Uses uses;
};

// One in-memory SQLite connection, hardened (read only, defensive, authorizer, function
// allow-list), reused for many queries: statements are cached by text.
class Database {
 public:
  Database();
  ~Database();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;

  // Makes `table` what its name stands for, instead of an earlier one of the same name, whose key,
  // row type and constant names must be the same. Borrowed, and read while queries run, until it is
  // replaced or the Database is destroyed; its segments may change between queries.
  Status set_table(const Table* table);

  // Makes a topic known, for run() alone, unless its name stands for something already. Its reader
  // outlives the Database.
  Status add_topic(const Topic& topic);

  // Forgets what was kept of the tables for the last query, such as rows in order.
  void release_memory();

  // Any SELECT, for people: values as SQLite has them. kSqlInvalid also where parameters and the
  // names in the statement are not the same.
  Result<Answer> run(std::string_view sql, std::span<const Parameter> parameters,
                     const Limits& limits);
  Result<Answer> run(std::string_view sql, const Limits& limits) { return run(sql, {}, limits); }

  // The columns of what run() would answer, without running it. On failure `*mistake_at` is the
  // byte of `sql` that is to blame, if one is.
  Result<std::vector<std::string>> columns(std::string_view sql,
                                           std::optional<std::size_t>* mistake_at = nullptr);

  // For operators: appends each result row to `list`, a List<T> of the object type `item`. Columns
  // map to fields by name; text is copied to `arena`. A column without a field, a required field
  // without a column, NULL in a required field and a number that does not fit are errors that name
  // the column. No row limit, 30 s. Each `?` stands for one of `arguments`, in order.
  Status select_into(std::string_view sql, std::span<const abi::SqlArgument> arguments,
                     const record::Type& item, Arena& arena, void* list);
  Status select_into(std::string_view sql, const record::Type& item, Arena& arena, void* list) {
    return select_into(sql, {}, item, arena, list);
  }

  // What select_into would check, without running it: parse, names, columns against fields; and how
  // many arguments there are, where that is known. `mistake_at` as of columns().
  Status check(std::string_view sql, const record::Type& item,
               std::optional<std::size_t>* mistake_at = nullptr,
               std::optional<std::size_t> arguments = std::nullopt);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gameflow::query
