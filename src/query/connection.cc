#include "query/connection.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/ascii.h"
#include "query/sqlite_process.h"

namespace gameflow::query {
namespace {

constexpr std::size_t kStatementsMax = 64;
constexpr int kSqlBytesMax = 100'000;
constexpr const char* kOnlySelect = "only SELECT is allowed: live state is changed by events alone";

// Sorted. What is missing is denied: printf and format (one call may run for seconds, beyond every
// limit), zeroblob, randomblob, load_extension, fts3_tokenizer (hands out pointers), and whatever a
// later SQLite adds.
constexpr auto kFunctions = std::to_array<std::string_view>({
    "->",
    "->>",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "estimate",
    "exact_decimal",
    "exp",
    "first_value",
    "floor",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_quote",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "median",
    "merge",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "percentile",
    "pi",
    "pow",
    "power",
    "quantile",
    "quote",
    "radians",
    "random",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "strftime",
    "substr",
    "substring",
    "sum",
    "tan",
    "tanh",
    "time",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
});
static_assert(std::ranges::is_sorted(kFunctions));

bool is_blank(std::string_view sql) {
  return sql.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

}  // namespace

struct Connection::Statement {
  std::string sql;
  Author author;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> handle;
  Reads reads;
};

Connection::Connection() {
  opened_ = configure();
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(db_);
}

Status Connection::configure() {
  GF_TRY(init_sqlite());
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  bool fine = sqlite3_open_v2(":memory:", &db_, flags, kVfsName) == SQLITE_OK;
  const auto run = [&](const char* pragma) {
    fine = fine && sqlite3_exec(db_, pragma, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  const auto set = [&](int option, int value) {
    fine = fine && sqlite3_db_config(db_, option, value, nullptr) == SQLITE_OK;
  };
  run("PRAGMA temp_store = MEMORY");
  run("PRAGMA query_only = 1");
  set(SQLITE_DBCONFIG_DEFENSIVE, 1);
  set(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);
  set(SQLITE_DBCONFIG_ENABLE_TRIGGER, 0);
  set(SQLITE_DBCONFIG_ENABLE_VIEW, 0);
  set(SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0);
  set(SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0);
  set(SQLITE_DBCONFIG_DQS_DML, 0);  // "x" is a name, never a string: a typo is an error
  set(SQLITE_DBCONFIG_DQS_DDL, 0);
  const auto collect = [](void* names, int, char** values, char**) {
    static_cast<std::set<std::string, std::less<>>*>(names)->insert(lower_case(values[0]));
    return 0;
  };
  fine = fine &&
         sqlite3_exec(db_, "PRAGMA module_list", collect, &reserved_, nullptr) == SQLITE_OK &&
         sqlite3_set_authorizer(db_, &Connection::authorize, this) == SQLITE_OK;
  if (!fine) return fail(ErrorCode::kInternal, "cannot set up SQLite");
  sqlite3_progress_handler(db_, 1000, &Connection::is_late, this);
  return {};
}

void Connection::set_limits(Author author) {
  const bool person = author == Author::kPerson;
  // instr() and the like are quadratic: 33 ms a call at 100 KB, 4 s at 1 MB.
  sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, person ? 100'000 : 64 << 20);
  sqlite3_limit(db_, SQLITE_LIMIT_SQL_LENGTH, kSqlBytesMax);
  sqlite3_limit(db_, SQLITE_LIMIT_EXPR_DEPTH, 100);
  sqlite3_limit(db_, SQLITE_LIMIT_COMPOUND_SELECT, 10);
  sqlite3_limit(db_, SQLITE_LIMIT_COLUMN, 1000);
  sqlite3_limit(db_, SQLITE_LIMIT_VDBE_OP, 25'000);
  sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db_, SQLITE_LIMIT_VARIABLE_NUMBER, 100);
  sqlite3_limit(db_, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50);
  sqlite3_limit(db_, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
  sqlite3_limit(db_, SQLITE_LIMIT_WORKER_THREADS, 0);
}

bool Connection::is_reserved(std::string_view name) const {
  const std::string folded = lower_case(name);
  return folded.starts_with("sqlite_") || folded.starts_with("pragma_") ||
         reserved_.contains(folded);
}

Status Connection::add_table(const std::string& name) {
  // Connecting declares columns, which the authorizer sees as writes: so now, not in a query.
  setting_up_ = true;
  sqlite3_stmt* statement = nullptr;
  std::string quoted = name;
  for (std::size_t at = 0; (at = quoted.find('"', at)) != std::string::npos; at += 2) {
    quoted.insert(at, 1, '"');
  }
  const std::string sql = fmt::format("SELECT 1 FROM \"{}\"", quoted);
  const int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr);
  sqlite3_finalize(statement);
  setting_up_ = false;
  if (code != SQLITE_OK) {
    return fail(ErrorCode::kInternal, fmt::format("table {}: {}", name, sqlite3_errmsg(db_)));
  }
  tables_.insert(lower_case(name));
  return {};
}

int Connection::is_late(void* self) {
  return std::chrono::steady_clock::now() >= static_cast<Connection*>(self)->deadline_ ? 1 : 0;
}

int Connection::authorize(void* self, int action, const char* first, const char* second,
                          const char*, const char*) {
  auto& connection = *static_cast<Connection*>(self);
  if (connection.setting_up_) return SQLITE_OK;
  const auto text = [](const char* argument) {
    return argument == nullptr ? std::string_view() : std::string_view(argument);
  };
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_READ:
      return connection.allow_read(text(first), text(second));
    case SQLITE_FUNCTION:
      return connection.allow_function(text(second));
    case SQLITE_PRAGMA:
      connection.denied_ = "PRAGMA is not allowed; only SELECT is";
      return SQLITE_DENY;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      connection.denied_ = "ATTACH and DETACH are not allowed; only SELECT is";
      return SQLITE_DENY;
    default:
      connection.denied_ = kOnlySelect;
      return SQLITE_DENY;
  }
}

int Connection::allow_read(std::string_view table, std::string_view column) {
  const std::string folded = lower_case(table);
  // No column: SQLite reports each name in FROM of which it reads none, those of WITH among them.
  if (tables_.contains(folded)) {
    auto& columns = reads_[folded];
    if (!column.empty()) columns.insert(lower_case(column));
    return SQLITE_OK;
  }
  if (column.empty() && !is_reserved(folded)) return SQLITE_OK;
  denied_ = fmt::format("table {} is not allowed", table);
  return SQLITE_DENY;
}

int Connection::allow_function(std::string_view name) {
  const std::string folded = lower_case(name);
  const bool repeatable = folded != "random" && !folded.starts_with("current_");
  if (author_ == Author::kOperator && !repeatable) {
    denied_ =
        fmt::format("{} is not allowed in an operator: its result differs from run to run", folded);
    return SQLITE_DENY;
  }
  if (std::ranges::binary_search(kFunctions, folded)) return SQLITE_OK;
  denied_ = fmt::format("function {} is not allowed", folded);
  return SQLITE_DENY;
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql, Author author) {
  set_limits(author);
  denied_.clear();
  mistake_at_.reset();
  const auto known = std::ranges::find_if(statements_, [&](const Statement& statement) {
    return statement.author == author && statement.sql == sql;
  });
  if (known != statements_.end()) {
    statements_.splice(statements_.begin(), statements_, known);
    return known->handle.get();
  }
  GF_ASSIGN(sqlite3_stmt * handle, compile(sql, author));
  statements_.push_front(
      Statement{std::string(sql), author, {handle, &sqlite3_finalize}, std::move(reads_)});
  if (statements_.size() > kStatementsMax) statements_.pop_back();
  return handle;
}

Connection::Reads Connection::reads_of(sqlite3_stmt* statement) const {
  const auto found = std::ranges::find_if(
      statements_, [&](const Statement& known) { return known.handle.get() == statement; });
  return found == statements_.end() ? Reads() : found->reads;
}

Result<sqlite3_stmt*> Connection::compile(std::string_view sql, Author author) {
  if (sql.size() > static_cast<std::size_t>(kSqlBytesMax)) {
    return fail(ErrorCode::kSqlLimit,
                fmt::format("the statement has {} bytes; at most {} are allowed", sql.size(),
                            kSqlBytesMax));
  }
  if (sql.find('\0') != std::string_view::npos) {
    return fail(ErrorCode::kSqlInvalid, "the statement holds a zero byte");
  }
  author_ = author;
  reads_.clear();
  sqlite3_stmt* raw = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &raw, &tail);
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> handle(raw, &sqlite3_finalize);
  if (code != SQLITE_OK) {
    if (const int at = sqlite3_error_offset(db_); at >= 0)
      mistake_at_ = static_cast<std::size_t>(at);
    return fail(error_of(code));
  }
  if (handle == nullptr) return fail(ErrorCode::kSqlInvalid, "there is no statement");
  if (!is_blank(sql.substr(static_cast<std::size_t>(tail - sql.data())))) {
    // Only a comment may follow; SQLite has to say what is one.
    sqlite3_stmt* second = nullptr;
    const auto rest = static_cast<int>(sql.data() + sql.size() - tail);
    const int second_code = sqlite3_prepare_v2(db_, tail, rest, &second, nullptr);
    sqlite3_finalize(second);
    if (second_code != SQLITE_OK || second != nullptr) {
      return fail(ErrorCode::kSqlInvalid, "there is more than one statement");
    }
  }
  if (sqlite3_stmt_readonly(handle.get()) == 0 || sqlite3_column_count(handle.get()) == 0) {
    return fail(ErrorCode::kSqlDenied, kOnlySelect);
  }
  return handle.release();
}

Error Connection::error_of(int code) const {
  if (!denied_.empty()) return {ErrorCode::kSqlDenied, denied_};
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      return {ErrorCode::kSqlLimit, "the query took too long and was stopped"};
    case SQLITE_NOMEM:
      return {ErrorCode::kSqlLimit, "the query needs more memory than it may use"};
    case SQLITE_TOOBIG:
      return {ErrorCode::kSqlLimit, "a value in the query is too long"};
    default:
      break;
  }
  const std::string message = sqlite3_errmsg(db_);
  // Found out before the authorizer is asked.
  if (message.ends_with("may not be modified")) return {ErrorCode::kSqlDenied, kOnlySelect};
  return {ErrorCode::kSqlInvalid, message};
}

}  // namespace gameflow::query
