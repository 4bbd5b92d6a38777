#include "query/query.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include <gameflow/types.h>

#include "base/ascii.h"
#include "query/aggregates.h"
#include "query/arguments.h"
#include "query/clock_use.h"
#include "query/connection.h"
#include "query/decimal_value.h"
#include "query/exact_literals.h"
#include "query/exact_sum.h"
#include "query/large_u64.h"
#include "query/long_decimals.h"
#include "query/result_fields.h"
#include "query/result_scale.h"
#include "query/sketch_functions.h"
#include "query/sqlite_process.h"
#include "query/topic_table.h"
#include "query/virtual_table.h"
#include "record/codec.h"

namespace gameflow::query {
namespace {

constexpr std::int64_t kPersonBytesMax = 128LL << 20;
constexpr std::int64_t kOperatorBytesMax = 4LL << 30;
constexpr std::int64_t kPrepareBytesMax = 32LL << 20;  // names of names of ... in WITH double fast
constexpr std::chrono::seconds kOperatorTimeMax{30};
constexpr std::chrono::milliseconds kTrialTimeMax{100};

std::optional<std::size_t> find_word(std::string_view sql, std::string_view word) {
  const auto in_word = [&](std::size_t at) {
    return at < sql.size() && (sql[at] == '_' || std::isalnum(static_cast<unsigned char>(sql[at])));
  };
  for (std::size_t at = sql.find(word); at != std::string_view::npos; at = sql.find(word, at + 1)) {
    if ((at == 0 || !in_word(at - 1)) && !in_word(at + word.size())) return at;
  }
  return std::nullopt;
}

// Ends the execution, so that the statement can be run again.
class Execution {
 public:
  explicit Execution(sqlite3_stmt* statement) : statement_(statement) {}
  ~Execution() { sqlite3_reset(statement_); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  int step() { return sqlite3_step(statement_); }

 private:
  sqlite3_stmt* statement_;
};

// Digits behind the point, where the column is a plain one of decimals.
std::optional<std::uint32_t> scale_of(sqlite3_stmt* statement, int column) {
  constexpr std::string_view kDecimal = "DECIMAL(";
  const char* const declared = sqlite3_column_decltype(statement, column);
  if (declared == nullptr || !std::string_view(declared).starts_with(kDecimal)) return std::nullopt;
  return static_cast<std::uint32_t>(std::atoi(declared + kDecimal.size()));
}

std::optional<std::uint32_t> scale_of(const record::Type* type) {  // null: no decimal
  if (type == nullptr || type->kind != record::Kind::kDecimal) return std::nullopt;
  return type->scale;
}

// The value, with the bytes it adds to an answer. `scale`: of a column of decimals.
Value value_of(sqlite3_stmt* statement, int column, std::optional<std::uint32_t> scale,
               const LongDecimals& decimals, std::size_t& bytes) {
  const auto size = [&] {  // not for numbers: it would make text of them
    return static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      bytes += sizeof(std::int64_t);
      return std::int64_t{sqlite3_column_int64(statement, column)};
    case SQLITE_FLOAT: {
      bytes += sizeof(double);
      const double value = sqlite3_column_double(statement, column);
      if (const auto* const decimal = decimals.find(value)) {
        std::string digits = decimal->with_scale(scale).text();
        bytes += digits.size();
        return Digits{std::move(digits)};
      }
      const auto units = scale ? near_units(value, *scale) : std::nullopt;
      if (!units) return value;
      char digits[detail::kDecimalBytesMax];
      return Digits{std::string(digits, detail::write_decimal(*units, *scale, digits))};
    }
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      bytes += size();
      const char* const declared = sqlite3_column_decltype(statement, column);
      const bool is_string = declared != nullptr && declared == std::string_view("TEXT");
      const std::string_view view(text, size());
      return std::string(is_string ? view : without_padding(view));
    }
    case SQLITE_BLOB: {  // as in JSON: base64, here without the quotes
      static const record::Type bytes_type{.kind = record::Kind::kBytes};
      const Bytes blob{static_cast<const u8*>(sqlite3_column_blob(statement, column)), size()};
      if (const char* const declared = sqlite3_column_decltype(statement, column);
          declared != nullptr && is_sketch_type(declared)) {
        const auto shown =
            shown_sketch(declared, {reinterpret_cast<const char*>(blob.data), blob.size});
        bytes += 100;
        return std::visit([](const auto& value) { return Value(value); }, shown);
      }
      std::string json;
      record::encode_json(bytes_type, &blob, json);
      bytes += json.size();
      return json.substr(1, json.size() - 2);
    }
    default:
      bytes += 4;
      return nullptr;
  }
}

// A List<T> whose T only the schema knows; the layout is that of types.h.
struct RawList {
  char* data;
  u32 size, capacity;
};
static_assert(sizeof(RawList) == sizeof(List<u8>));

// Room for one more item, cleared. Throws std::bad_alloc.
char* new_item(RawList& list, const record::Type& item, Arena& arena) {
  if (list.size == list.capacity) {
    const std::uint64_t grown =
        std::min<std::uint64_t>(list.capacity == 0 ? 8 : list.capacity * 2ULL, UINT32_MAX);
    if (grown == list.capacity) throw std::bad_alloc();
    auto* data = static_cast<char*>(arena.allocate(grown * item.size, item.align));
    if (list.size != 0) std::memcpy(data, list.data, std::size_t{list.size} * item.size);
    list.data = data;
    list.capacity = static_cast<u32>(grown);
  }
  char* slot = list.data + std::size_t{list.size} * item.size;
  item.clear(slot);
  return slot;
}

// Names may be written as in the YAML, where they are quoted: `account-balance` is account_balance
// where there is a table or column of that name. As long as before.
template <class IsName>
std::string with_names(std::string_view sql, IsName&& is_name) {
  std::string text(sql);
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char quote = text[at];
    if (quote != '"' && quote != '`' && quote != '\'') continue;
    const std::size_t end = text.find(quote, at + 1);
    if (end == std::string::npos) break;
    std::string name = text.substr(at + 1, end - at - 1);
    if (quote != '\'' && name.find('-') != std::string::npos) {
      std::ranges::replace(name, '-', '_');
      if (is_name(lower_case(name))) text.replace(at + 1, name.size(), name);
    }
    at = end;
  }
  return text;
}

}  // namespace

// Of the columns of an answer.
using Scales = std::vector<std::optional<std::uint32_t>>;

struct Database::Impl {
  // Destroyed last: SQLite holds their addresses. By folded name.
  std::map<std::string, std::unique_ptr<TableSlot>, std::less<>> slots;
  std::map<std::string, std::unique_ptr<TopicSlot>, std::less<>> topics;
  // Of the query that runs.
  TopicUse topic_use;
  LongDecimals decimals;
  Connection connection;

  Result<sqlite3_stmt*> prepare(std::string_view sql, Author author);
  // Whether a table or column has it; in small letters.
  bool is_name(const std::string& name) const;
  Status check_name(std::string_view name) const;
  // Calls `use` with the folded name of each table and topic, its name, and those of its columns.
  template <class Use>
  void each_name(Use use) const;
  std::string_view misread_name(std::string_view message) const;
  Error explained(Error error, std::string_view sql) const;
  // The byte of `sql` that the error of the last prepare() is about.
  std::optional<std::size_t> mistake_at(const Error& error, std::string_view sql) const;
  // The digits that decimals of this name have; nothing where one that is read is something else.
  std::optional<std::uint32_t> scale_of_column(const Connection::Reads& reads,
                                               std::string_view name) const;
  // Sets everything up for running one statement.
  void begin(Author author, Deadline deadline);
  Status answer(sqlite3_stmt* statement, const Scales& scales, const Limits& limits,
                Answer& answer);
  Status fill(sqlite3_stmt* statement, const std::vector<Target>& targets, const record::Type& item,
              Arena& arena, RawList& list);
  bool reads_clock(std::string_view call);
};

template <class Use>
void Database::Impl::each_name(Use use) const {
  for (const auto& [folded, slot] : slots) use(folded, slot->table().name, slot->columns());
  for (const auto& [folded, slot] : topics) use(folded, slot->topic().name, slot->columns());
}

// The name in SQLite's `near "order": syntax error` if it is one of ours and a word of SQL as well.
std::string_view Database::Impl::misread_name(std::string_view message) const {
  constexpr std::string_view kNear = "near \"", kEnd = "\": syntax error";
  if (!message.starts_with(kNear) || !message.ends_with(kEnd)) return {};
  message.remove_prefix(kNear.size());
  message.remove_suffix(kEnd.size());
  const std::string word = lower_case(message);
  if (sqlite3_keyword_check(word.data(), static_cast<int>(word.size())) == 0) return {};
  bool is_ours = false;
  each_name([&](std::string_view folded, std::string_view, const auto& columns) {
    is_ours = is_ours || folded == word || std::ranges::any_of(columns, [&](const auto& column) {
                return lower_case(column.name) == word;
              });
  });
  return is_ours ? message : std::string_view();
}

// Adds to SQLite's "no such ..." what there is.
Error Database::Impl::explained(Error error, std::string_view sql) const {
  if (error.code != ErrorCode::kSqlInvalid) return error;
  if (const std::string word(misread_name(error.message)); !word.empty()) {
    error.message += fmt::format("; {0} is a word of SQL: where it is a name, write [{0}]", word);
  } else if (error.message.starts_with("no such table")) {
    std::vector<std::string_view> names;
    each_name([&](std::string_view, std::string_view name, const auto&) { names.push_back(name); });
    error.message += names.empty() ? std::string("; there are no tables")
                                   : fmt::format("; the tables are: {}", fmt::join(names, ", "));
  } else if (error.message.starts_with("no such column")) {
    const std::string text = lower_case(sql);
    each_name([&](std::string_view folded, std::string_view name, const auto& columns) {
      if (text.find(folded) == std::string::npos) return;
      std::vector<std::string_view> names;
      names.reserve(columns.size());
      for (const auto& column : columns) names.emplace_back(column.name);
      error.message += fmt::format("; {} has: {}", name, fmt::join(names, ", "));
    });
  }
  return error;
}

std::optional<std::size_t> Database::Impl::mistake_at(const Error& error,
                                                      std::string_view sql) const {
  if (const auto at = connection.mistake_at()) return at;
  // Of tables SQLite does not say where they are.
  constexpr std::string_view kNoTable = "no such table: ";
  if (!error.message.starts_with(kNoTable)) return std::nullopt;
  const std::string_view rest = std::string_view(error.message).substr(kNoTable.size());
  return find_word(sql, rest.substr(0, rest.find(';')));
}

bool Database::Impl::is_name(const std::string& name) const {
  return std::ranges::any_of(slots, [&](const auto& slot) {
    return slot.first == name ||
           std::ranges::any_of(slot.second->columns(), [&](const Column& column) {
             return lower_case(column.name) == name;
           });
  });
}

Result<sqlite3_stmt*> Database::Impl::prepare(std::string_view sql, Author author) {
  GF_TRY(connection.opened());
  const Allowance allowance(kPrepareBytesMax, false);
  const bool has_dash = sql.find('-') != std::string_view::npos;
  const std::string renamed =
      has_dash ? with_names(sql, [this](const std::string& name) { return is_name(name); }) : "";
  if (has_dash) sql = renamed;
  // Mistakes are told of the statement as it is written.
  if (const std::string exact = with_exact_literals(sql); !exact.empty()) {
    if (auto statement = connection.prepare(exact, author)) return statement;
  }
  auto statement = connection.prepare(sql, author);
  if (!statement) return fail(explained(std::move(statement).error(), sql));
  return statement;
}

std::optional<std::uint32_t> Database::Impl::scale_of_column(const Connection::Reads& reads,
                                                             std::string_view name) const {
  std::set<std::optional<std::uint32_t>> scales;
  each_name([&](std::string_view table, std::string_view, const auto& columns) {
    const auto read = reads.find(table);
    if (read == reads.end() || !read->second.contains(name)) return;
    for (const auto& column : columns) {
      if (lower_case(column.name) == name) scales.insert(scale_of(column.type));
    }
  });
  return scales.size() == 1 ? *scales.begin() : std::nullopt;
}

void Database::Impl::begin(Author author, Deadline deadline) {
  for (const auto& [name, slot] : slots) slot->begin_query(author, deadline);
  connection.set_deadline(deadline);
}

Status Database::Impl::fill(sqlite3_stmt* statement, const std::vector<Target>& targets,
                            const record::Type& item, Arena& arena, RawList& list) {
  Execution execution(statement);
  record::Decoder decoder;
  for (std::uint64_t row = 1;; ++row) {
    const int code = execution.step();
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return fail(connection.error_of(code));
    const std::uint32_t stored =
        store_row(statement, targets, decimals, arena, decoder, new_item(list, item, arena));
    if (stored != targets.size()) return fail(misfit(statement, stored, targets[stored], row));
    ++list.size;
  }
}

// Whether a call that depends on no row comes to the time of now.
bool Database::Impl::reads_clock(std::string_view call) {
  const Allowance allowance(kPrepareBytesMax, false);
  const auto statement = connection.prepare(fmt::format("SELECT {}", call), Author::kOperator);
  if (!statement) return false;  // it has columns: where their text is 'now', it is NULL
  begin(Author::kOperator, std::chrono::steady_clock::now() + kTrialTimeMax);
  (void)decimals.run([&]() -> Status {
    Execution(*statement).step();
    return {};
  });
  return allowance.read_clock();
}

Status Database::Impl::check_name(std::string_view name) const {
  if (!name.empty() && name.find('\0') == std::string_view::npos && !connection.is_reserved(name))
    return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' cannot be the name of a table in SQL", name));
}

Database::Database() : impl_(std::make_unique<Impl>()) {
  if (!impl_->connection.opened()) return;
  add_aggregates(impl_->connection.handle());
  add_exact_decimal(impl_->connection.handle(), impl_->decimals);
  add_exact_sum(impl_->connection.handle(), impl_->decimals);
  add_sketch_functions(impl_->connection.handle());
}
Database::~Database() = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;

Status Database::set_table(const Table* table) {
  GF_TRY(impl_->connection.opened());
  const std::string name = lower_case(table->name);
  const auto known = impl_->slots.find(name);
  if (known != impl_->slots.end()) return known->second->set(table);
  GF_TRY(impl_->check_name(table->name));
  auto slot = std::make_unique<TableSlot>(impl_->decimals);
  GF_TRY(slot->set(table));
  GF_TRY(slot->attach(impl_->connection.handle()));
  impl_->slots.emplace(name, std::move(slot));
  return impl_->connection.add_table(name);
}

Status Database::add_topic(const Topic& topic) {
  GF_TRY(impl_->connection.opened());
  const std::string name = lower_case(topic.name);
  if (impl_->slots.contains(name) || impl_->topics.contains(name)) return {};
  GF_TRY(impl_->check_name(name));
  auto slot = std::make_unique<TopicSlot>(topic, impl_->topic_use, impl_->decimals);
  GF_TRY(slot->attach(impl_->connection.handle()));
  impl_->topics.emplace(name, std::move(slot));
  return impl_->connection.add_table(name);
}

void Database::release_memory() {
  for (const auto& [name, slot] : impl_->slots) slot->end_query();
}

Result<Answer> Database::run(std::string_view sql, std::span<const Parameter> parameters,
                             const Limits& limits) {
  const Deadline deadline = std::chrono::steady_clock::now() + limits.time_max;
  GF_ASSIGN(sqlite3_stmt * statement, impl_->prepare(sql, Author::kPerson));
  GF_TRY(check_names(statement, parameters));
  Answer answer;
  const int columns = sqlite3_column_count(statement);
  const Connection::Reads reads = impl_->connection.reads_of(statement);
  Scales scales =
      scales_of_results(sql, static_cast<std::size_t>(columns),
                        [&](std::string_view name) { return impl_->scale_of_column(reads, name); });
  for (int i = 0; i < columns; ++i) {
    answer.columns.push_back(as_written(sqlite3_column_name(statement, i)));
    auto& scale = scales[static_cast<std::size_t>(i)];
    if (!scale) scale = scale_of(statement, i);
  }
  impl_->begin(Author::kPerson, deadline);
  const Allowance allowance(kPersonBytesMax, true);
  GF_TRY(impl_->decimals.run([&] {
    bind(statement, parameters, impl_->decimals);
    return impl_->answer(statement, scales, limits, answer);
  }));
  for (const auto& [table, read] : reads) answer.uses.tables.push_back(table);
  answer.uses.clock = allowance.read_clock() || has_ambient(statement, parameters);
  return answer;
}

Result<std::vector<std::string>> Database::columns(std::string_view sql,
                                                   std::optional<std::size_t>* mistake_at) {
  const auto statement = impl_->prepare(sql, Author::kPerson);
  if (!statement) {
    if (mistake_at != nullptr) *mistake_at = impl_->mistake_at(statement.error(), sql);
    return fail(statement.error());
  }
  std::vector<std::string> columns;
  const int count = sqlite3_column_count(*statement);
  columns.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) columns.push_back(as_written(sqlite3_column_name(*statement, i)));
  return columns;
}

Status Database::Impl::answer(sqlite3_stmt* statement, const Scales& scales, const Limits& limits,
                              Answer& answer) {
  topic_use = {.bytes_max = limits.topic_bytes_max, .bytes = 0, .failure = {}};
  answer.rows.clear();
  Execution execution(statement);
  std::size_t bytes = 0;
  for (;;) {
    const int code = execution.step();
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) {
      if (topic_use.failure) return fail(*std::move(topic_use.failure));
      return fail(connection.error_of(code));
    }
    std::vector<Value> row;
    row.reserve(scales.size());
    for (std::size_t i = 0; i < scales.size(); ++i)
      row.push_back(value_of(statement, static_cast<int>(i), scales[i], decimals, bytes));
    answer.truncated = answer.rows.size() >= limits.rows_max || bytes > limits.bytes_max;
    if (answer.truncated) return {};
    answer.rows.push_back(std::move(row));
  }
}

Status Database::select_into(std::string_view sql, std::span<const abi::SqlArgument> arguments,
                             const record::Type& item, Arena& arena, void* list) {
  GF_ASSIGN(sqlite3_stmt * statement, impl_->prepare(sql, Author::kOperator));
  GF_ASSIGN(const std::vector<Target> targets, map_columns(statement, item));
  GF_TRY(check_count(statement, arguments.size()));
  RawList raw;
  std::memcpy(&raw, list, sizeof raw);
  const u32 size_before = raw.size;
  impl_->begin(Author::kOperator, std::chrono::steady_clock::now() + kOperatorTimeMax);
  const Allowance allowance(kOperatorBytesMax, false);
  Status filled;
  try {
    filled = impl_->decimals.run([&] {
      raw.size = size_before;
      bind(statement, arguments, impl_->decimals);
      return impl_->fill(statement, targets, item, arena, raw);
    });
  } catch (const std::bad_alloc&) {
    filled = fail(ErrorCode::kSqlLimit, "the result does not fit into memory");
  }
  if (!filled) raw.size = size_before;
  std::memcpy(list, &raw, sizeof raw);
  return filled;
}

Status Database::check(std::string_view sql, const record::Type& item,
                       std::optional<std::size_t>* mistake_at,
                       std::optional<std::size_t> arguments) {
  const auto statement = impl_->prepare(sql, Author::kOperator);
  if (!statement) {
    if (mistake_at != nullptr) *mistake_at = impl_->mistake_at(statement.error(), sql);
    return fail(statement.error());
  }
  GF_TRY(map_columns(*statement, item));
  if (arguments) GF_TRY(check_count(*statement, *arguments));
  for (const std::string_view call : time_calls(sql)) {
    if (!asks_for_now(call) && !impl_->reads_clock(call)) continue;
    if (mistake_at != nullptr) *mistake_at = static_cast<std::size_t>(call.data() - sql.data());
    return fail(ErrorCode::kSqlDenied,
                "the time of now ('now', or no time at all) is not allowed in an operator: its "
                "result differs from run to run");
  }
  return {};
}

}  // namespace gameflow::query
