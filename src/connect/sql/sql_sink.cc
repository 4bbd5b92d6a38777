// Rows and the offsets behind them are one transaction: the offsets are in `gameflow_positions`,
// under the name of the target. The offsets are replaced only where they are what this sink has
// found or written: of two that run at once, one ends.
#include "connect/sql/sql_sink.h"

#include <algorithm>
#include <charconv>
#include <regex>

#include <fmt/format.h>

#include "connect/sql/pg_connection.h"
#include "connect/sql/sql_column.h"
#include "connect/support/json_value.h"

namespace gameflow::connect {
namespace {

constexpr std::size_t kChunkRowsMax = 2'000;
constexpr std::size_t kChunkBytesMax = 4 << 20;
constexpr const char* kInsert = "gameflow_insert";

constexpr Setting kSettings[] = {
    {.key = "url",
     .is_required = true,
     .doc =
         "the database, as libpq takes it: a URL, or `host=… dbname=…`. Certificates are checked "
         "with `sslmode=verify-full`",
     .example = "postgresql://game:${env:PGPASSWORD}@127.0.0.1:5432/analytics"},
    {.key = "table",
     .is_required = true,
     .doc = "`TABLE` or `SCHEMA.TABLE`, in the case that it has",
     .example = "purchase_summaries"},
    {.key = "columns",
     .kind = SettingKind::kMap,
     .is_required = true,
     .doc = "each column, and the path of the field that it holds; `.` is the whole value, and "
            "`$key`, `$topic`, `$partition`, `$offset`, `$timestamp` and `$item` (the place in a "
            "list) are those of the record",
     .example = "{ item: item_id, revenue: total.amount, all: . }"},
    {.key = "key",
     .kind = SettingKind::kTexts,
     .doc = "columns under which a later row replaces an earlier one. Without them each row is "
            "added",
     .example = "[item]"},
    {.key = "items",
     .doc = "the field whose list becomes rows, item by item. A record that is itself a list is "
            "taken so without this",
     .example = "items"},
    {.key = "create",
     .kind = SettingKind::kBool,
     .fallback = "false",
     .doc = "makes the table where there is none, `key` being its primary key"},
    {.key = "types",
     .kind = SettingKind::kMap,
     .doc = "types of columns for `create`; else `text`, `jsonb` of the whole value",
     .example = "{ revenue: \"numeric(18,2)\" }"},
    {.key = "target",
     .doc = "the name of these rows in `gameflow_positions`; the table, if nothing is said. Two "
            "gameflows that write into one table need two names",
     .example = "sales-eu"},
    {.key = "timeout",
     .kind = SettingKind::kDuration,
     .fallback = "30s",
     .doc = "how long a statement may take",
     .min = 100},
};

struct Row {
  std::size_t record;  // in the span that was written
  std::size_t bytes;
};

template <class Items, class Text>
std::string joined(const Items& items, std::string_view between, Text text) {
  std::string out;
  for (const auto& item : items) out += fmt::format("{}{}", out.empty() ? "" : between, text(item));
  return out;
}

class SqlSink final : public Sink {
 public:
  SqlSink(const Settings& settings, Host& host);

  std::optional<Positions> open() override;
  std::vector<Refused> write(std::span<const Delivery> records) override;
  void commit(const Positions& next) override;
  void close() noexcept override { database_.reset(); }

 private:
  void check_settings() const;
  std::string type_of(const SqlColumn& column) const;
  std::string insert_statement() const;
  void create_tables();
  void begin();
  void add_rows(const Delivery& record, std::size_t index, std::vector<Refused>& refused);
  void insert(std::vector<Refused>& refused);
  std::size_t chunk_end(std::size_t from, std::size_t rows) const;
  void leave_out(std::size_t record);
  std::string what() const { return fmt::format("table '{}'", table_); }

  Host& host_;
  std::string url_, table_, items_, target_;
  std::vector<SqlColumn> columns_;
  std::vector<std::string> key_;
  Settings::Map types_;
  bool creates_;
  std::chrono::milliseconds timeout_;

  std::optional<PgConnection> database_;
  bool has_begun_ = false;
  Positions stored_;
  // Of the records that are being written: both have the same size.
  std::vector<PgRow> values_;
  std::vector<Row> rows_;
};

SqlSink::SqlSink(const Settings& settings, Host& host)
    : host_(host),
      url_(settings.text("url")),
      table_(settings.text("table")),
      items_(settings.text("items")),
      target_(settings.has("target") ? settings.text("target") : table_),
      key_(settings.texts("key")),
      types_(settings.map("types")),
      creates_(settings.flag("create")),
      timeout_(settings.duration("timeout")) {
  for (const auto& [name, from] : settings.map("columns")) columns_.emplace_back(name, from);
  check_settings();
}

void SqlSink::check_settings() const {
  if (columns_.empty()) throw std::runtime_error("columns: name at least one");
  const auto check_column = [&](std::string_view setting, const std::string& name) {
    if (std::none_of(columns_.begin(), columns_.end(),
                     [&](const SqlColumn& column) { return column.name() == name; }))
      throw std::runtime_error(
          fmt::format("{}: '{}' is no column: name it under 'columns'", setting, name));
  };
  for (const std::string& name : key_) check_column("key", name);
  // A type becomes part of a statement as it is.
  static const std::regex kType(R"([A-Za-z][A-Za-z0-9_ ]*(\(\d+( *, *\d+)?\))?[A-Za-z ]*(\[\])?)");
  for (const auto& [name, type] : types_) {
    check_column("types", name);
    if (!std::regex_match(type, kType))
      throw std::runtime_error(fmt::format("types: '{}' of column '{}' is no type", type, name));
  }
}

std::string SqlSink::type_of(const SqlColumn& column) const {
  for (const auto& [name, type] : types_)
    if (name == column.name()) return type;
  return std::string(column.default_type());
}

std::string SqlSink::insert_statement() const {
  const auto name = [](const SqlColumn& column) { return pg_identifier(column.name()); };
  std::size_t number = 0;
  std::string statement = fmt::format(
      "INSERT INTO {} ({}) VALUES ({})", pg_table(table_), joined(columns_, ", ", name),
      joined(columns_, ", ", [&](const SqlColumn&) { return fmt::format("${}", ++number); }));
  if (key_.empty()) return statement;
  std::vector<std::string> others;
  for (const SqlColumn& column : columns_)
    if (std::find(key_.begin(), key_.end(), column.name()) == key_.end())
      others.push_back(pg_identifier(column.name()));
  statement += fmt::format(" ON CONFLICT ({}) DO ", joined(key_, ", ", pg_identifier));
  if (others.empty()) return statement + "NOTHING";
  return statement + "UPDATE SET " + joined(others, ", ", [](const std::string& other) {
           return fmt::format("{} = EXCLUDED.{}", other, other);
         });
}

void SqlSink::create_tables() {
  const auto exists = [&](const std::string& table) {
    return database_->query("SELECT to_regclass($1)", {table}, "the database")
        .at(0)
        .at(0)
        .has_value();
  };
  const auto create = [&](const std::string& table, const std::string& columns) {
    if (exists(table)) return;
    try {
      database_->execute(fmt::format("CREATE TABLE {} ({})", table, columns), {}, "CREATE TABLE");
    } catch (const Retry&) {
      throw;
    } catch (const std::runtime_error&) {
      if (!exists(table)) throw;  // else somebody else was quicker
    }
  };
  create("gameflow_positions",
         "target text, topic text, partition integer, next_offset numeric(20) NOT NULL, "
         "updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (target, topic, partition)");
  const std::string table = pg_table(table_);
  if (creates_) {
    std::string columns = joined(columns_, ", ", [&](const SqlColumn& column) {
      return pg_identifier(column.name()) + " " + type_of(column);
    });
    if (!key_.empty())
      columns += fmt::format(", PRIMARY KEY ({})", joined(key_, ", ", pg_identifier));
    create(table, columns);
  } else if (!exists(table)) {
    throw std::runtime_error(
        fmt::format("{} does not exist: create it, or write 'create: true'", what()));
  }
}

std::optional<Positions> SqlSink::open() {
  database_.emplace(url_, timeout_, host_);
  create_tables();
  const std::vector<std::uint32_t> types = database_->prepare(kInsert, insert_statement(), what());
  for (std::size_t i = 0; i < columns_.size() && i < types.size(); ++i)
    columns_[i].set_type(types[i]);
  // That `key` has no unique index shows when the statement is planned.
  database_->query(fmt::format("EXPLAIN EXECUTE {} ({})", kInsert,
                               joined(columns_, ", ", [](const SqlColumn&) { return "NULL"; })),
                   {}, what());
  for (const PgRow& row : database_->query(
           "SELECT topic, partition, next_offset FROM gameflow_positions WHERE target = $1",
           {target_}, "gameflow_positions")) {
    std::uint64_t offset = 0;
    const std::string& text = row.at(2).value();
    std::from_chars(text.data(), text.data() + text.size(), offset);
    const auto partition = static_cast<std::uint32_t>(std::stoul(row.at(1).value()));
    stored_[{row.at(0).value(), partition}] = offset;
  }
  if (stored_.empty()) return std::nullopt;
  return stored_;
}

void SqlSink::begin() {
  if (has_begun_) return;
  database_->execute("BEGIN", {}, "BEGIN");
  has_begun_ = true;
}

std::vector<Refused> SqlSink::write(std::span<const Delivery> records) {
  std::vector<Refused> refused;
  values_.clear();
  rows_.clear();
  for (std::size_t i = 0; i < records.size(); ++i) add_rows(records[i], i, refused);
  insert(refused);
  return refused;
}

void SqlSink::add_rows(const Delivery& record, std::size_t index, std::vector<Refused>& refused) {
  const std::size_t before = rows_.size();
  const auto value = JsonValue::parse(record.value);
  std::string problem = value ? "" : "its value is no JSON";
  std::size_t item_index = 0;
  for (const JsonValue& item : value ? items_of(*value, items_) : std::vector<JsonValue>()) {
    PgRow row;
    std::size_t bytes = 0;
    for (const SqlColumn& column : columns_) {
      row.push_back(column.value(record, item, item_index, problem));
      bytes += row.back() ? row.back()->size() : 0;
    }
    ++item_index;
    values_.push_back(std::move(row));
    rows_.push_back({index, bytes});
  }
  if (problem.empty()) return;
  values_.resize(before);
  rows_.resize(before);
  refused.push_back({index, problem});
}

// Behind at most `rows` rows from `from` on, and those that complete the last one's record.
std::size_t SqlSink::chunk_end(std::size_t from, std::size_t rows) const {
  std::size_t end = from, bytes = 0;
  while (end < rows_.size() && end - from < rows && bytes < kChunkBytesMax)
    bytes += rows_[end++].bytes;
  while (end < rows_.size() && rows_[end].record == rows_[end - 1].record) ++end;
  return end;
}

void SqlSink::leave_out(std::size_t record) {
  const auto is_before = [&](const Row& row) { return row.record < record; };
  const auto is_of = [&](const Row& row) { return row.record == record; };
  const auto first = std::find_if_not(rows_.begin(), rows_.end(), is_before);
  const auto last = std::find_if_not(first, rows_.end(), is_of);
  values_.erase(values_.begin() + (first - rows_.begin()),
                values_.begin() + (last - rows_.begin()));
  rows_.erase(first, last);
}

// In chunks, each behind a savepoint. Where a row is refused its record is left out, what stood
// before it in the chunk goes again as a chunk of its own, and then those behind it.
void SqlSink::insert(std::vector<Refused>& refused) {
  std::size_t from = 0, chunk_rows = kChunkRowsMax;
  while (from < rows_.size()) {
    begin();
    const std::size_t end = chunk_end(from, chunk_rows);
    database_->execute("SAVEPOINT gameflow", {}, "SAVEPOINT");
    const auto refusal =
        database_->execute_all(kInsert, std::span(values_).subspan(from, end - from), what());
    if (!refusal) {
      database_->execute("RELEASE SAVEPOINT gameflow", {}, "SAVEPOINT");
      from = end;
      chunk_rows = std::min(2 * chunk_rows, kChunkRowsMax);
      continue;
    }
    database_->execute("ROLLBACK TO SAVEPOINT gameflow", {}, "SAVEPOINT");
    const std::size_t record = rows_[from + refusal->index].record;
    refused.push_back({record, fmt::format("{}: {}", what(), refusal->reason)});
    leave_out(record);
    chunk_rows = std::max<std::size_t>(refusal->index, 1);
  }
}

void SqlSink::commit(const Positions& next) {
  begin();
  for (const auto& [place, offset] : next) {
    const auto before = stored_.find(place);
    if (before != stored_.end() && before->second == offset) continue;
    const std::uint64_t changed = database_->execute(
        "INSERT INTO gameflow_positions (target, topic, partition, next_offset) "
        "VALUES ($1, $2, $3, $4) ON CONFLICT (target, topic, partition) DO UPDATE "
        "SET next_offset = EXCLUDED.next_offset, updated_at = now() "
        "WHERE gameflow_positions.next_offset = $5",
        {target_, place.first, std::to_string(place.second), std::to_string(offset),
         before == stored_.end() ? PgValue() : std::to_string(before->second)},
        "gameflow_positions");
    if (changed != 1)
      throw Retry(fmt::format(
          "somebody else has moved the positions of '{}': another connector writes there, too",
          target_));
  }
  database_->execute("COMMIT", {}, "COMMIT");
  has_begun_ = false;
  for (const auto& [place, offset] : next) stored_[place] = offset;
}

}  // namespace

constinit const Kind kSqlSink{
    .type = "sql-sink",
    .section = "sql",
    .doc = "records as rows of a table in PostgreSQL, each exactly once",
    .settings = kSettings,
    .make_sink = [](const Settings& settings, Host& host) -> std::unique_ptr<Sink> {
      return std::make_unique<SqlSink>(settings, host);
    }};

}  // namespace gameflow::connect
