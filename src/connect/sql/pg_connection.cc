#include "connect/sql/pg_connection.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include "connect/support/slice.h"

namespace gameflow::connect {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

std::string without_line_ends(std::string_view message) {
  std::string line(message);
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  for (char& c : line)
    if (c == '\n') c = ' ';
  return line;
}

// Conditions that pass: https://www.postgresql.org/docs/15/errcodes-appendix.html
bool passes(std::string_view state) {
  for (const std::string_view prefix : {"08", "40", "53", "57", "58", "55P03", "25P03", "25006"})
    if (state.starts_with(prefix)) return true;
  return state.empty();
}

// Wrong data, or data that the table's constraints do not take.
bool is_of_row(std::string_view state) {
  return state.starts_with("22") || state.starts_with("23");
}

std::string state_of(const pg_result* result) {
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state != nullptr ? state : "";
}

std::string message_of(const pg_result* result) {
  std::string message = without_line_ends(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)
                                              ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)
                                              : PQresultErrorMessage(result));
  if (const char* const detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL))
    message += fmt::format(" ({})", without_line_ends(detail));
  if (const char* const column = PQresultErrorField(result, PG_DIAG_COLUMN_NAME))
    message += fmt::format(", column '{}'", column);
  return message;
}

std::vector<const char*> pointers_of(const PgRow& row) {
  std::vector<const char*> pointers;
  pointers.reserve(row.size());
  for (const PgValue& value : row) pointers.push_back(value ? value->c_str() : nullptr);
  return pointers;
}

}  // namespace

void PgConnection::Free::operator()(pg_conn* connection) const {
  PQfinish(connection);
}
void PgConnection::Free::operator()(pg_result* result) const {
  PQclear(result);
}

PgConnection::PgConnection(const std::string& url, std::chrono::milliseconds timeout, Host& host)
    : timeout_(timeout), host_(host) {
  connect(url);
  PQsetnonblocking(connection_.get(), 1);
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  // So that the server does not go on with what nobody waits for.
  execute(fmt::format("SET statement_timeout = {}", timeout_.count()), {}, "the connection");
}

PgConnection::~PgConnection() = default;

void PgConnection::connect(const std::string& url) {
  // What stands before `dbname` is what the URL may say otherwise.
  const std::string timeout_ms = std::to_string(timeout_.count());
  const std::array<const char*, 7> names{"connect_timeout",
                                         "application_name",
                                         "keepalives_idle",
                                         "tcp_user_timeout",
                                         "dbname",
                                         "client_encoding",
                                         nullptr};
  const std::array<const char*, 7> values{"10",        "gameflow", "30",   timeout_ms.c_str(),
                                          url.c_str(), "UTF8",     nullptr};
  std::string message;
  // An answer that somebody is there, and still no connection: perhaps it came up in between.
  for (int attempt = 0; attempt < 2; ++attempt) {
    connection_.reset(PQconnectdbParams(names.data(), values.data(), 1));
    if (PQstatus(connection_.get()) == CONNECTION_OK) return;
    message = without_line_ends(PQerrorMessage(connection_.get()));
    switch (PQpingParams(names.data(), values.data(), 1)) {
      case PQPING_REJECT:
      case PQPING_NO_RESPONSE:
        throw Retry("no connection to PostgreSQL: " + message);
      case PQPING_NO_ATTEMPT:
        throw std::runtime_error(
            "url: it is not one that libpq can use: write "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE");
      case PQPING_OK:
        if (message.find("too many") != std::string::npos ||
            message.find("remaining connection slots") != std::string::npos)
          throw Retry("no connection to PostgreSQL: " + message);
    }
  }
  throw std::runtime_error("PostgreSQL refuses the connection: " + message);
}

void PgConnection::lost() const {
  throw Retry("the connection to PostgreSQL is lost: " +
              without_line_ends(PQerrorMessage(connection_.get())));
}

PgConnection::Result PgConnection::next_result() {
  pg_conn* const connection = connection_.get();
  const auto deadline = steady_clock::now() + timeout_ + 5s;  // the server's own comes first
  while (true) {
    const int unsent = PQflush(connection);
    if (unsent < 0) lost();
    if (unsent == 0 && PQisBusy(connection) == 0) return Result(PQgetResult(connection));
    pollfd one{.fd = PQsocket(connection),
               .events = static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN),
               .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(kSlice / 1ms));
    if (ready > 0 && PQconsumeInput(connection) == 0) lost();
    if (ready > 0) continue;
    if (host_.is_stopping()) throw Retry("stopped while PostgreSQL was working");
    if (steady_clock::now() > deadline) throw Retry("PostgreSQL does not answer");
  }
}

void PgConnection::check(const pg_result* result, const std::string& what) const {
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return;
  if (result == nullptr || PQstatus(connection_.get()) == CONNECTION_BAD) lost();
  const std::string state = state_of(result);
  const std::string message = fmt::format("{}: {}", what, message_of(result));
  if (passes(state)) throw Retry(message);
  throw std::runtime_error(message);
}

PgConnection::Result PgConnection::only_result(const std::string& what) {
  Result result = next_result();
  while (const Result more = next_result()) {
  }
  check(result.get(), what);
  return result;
}

PgConnection::Result PgConnection::run(const std::string& sql, const PgRow& parameters,
                                       const std::string& what) {
  const std::vector<const char*> values = pointers_of(parameters);
  if (PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0)
    lost();
  return only_result(what);
}

std::vector<PgRow> PgConnection::query(const std::string& sql, const PgRow& parameters,
                                       const std::string& what) {
  const Result result = run(sql, parameters, what);
  std::vector<PgRow> rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      const int row = static_cast<int>(i);
      const bool is_null = PQgetisnull(result.get(), row, column) != 0;
      rows[i].push_back(is_null ? PgValue() : PQgetvalue(result.get(), row, column));
    }
  return rows;
}

std::uint64_t PgConnection::execute(const std::string& sql, const PgRow& parameters,
                                    const std::string& what) {
  const Result result = run(sql, parameters, what);
  // A transaction that failed before ends with another tag than it was asked to.
  if (sql == "COMMIT" && std::string_view(PQcmdStatus(result.get())) != "COMMIT")
    throw Retry(what + ": the transaction was rolled back");
  return std::strtoull(PQcmdTuples(result.get()), nullptr, 10);
}

std::vector<std::uint32_t> PgConnection::prepare(const std::string& name, const std::string& sql,
                                                 const std::string& what) {
  if (PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr) == 0) lost();
  only_result(what);
  if (PQsendDescribePrepared(connection_.get(), name.c_str()) == 0) lost();
  const Result result = only_result(what);
  std::vector<std::uint32_t> types;
  types.reserve(static_cast<std::size_t>(PQnparams(result.get())));
  for (int i = 0; i < PQnparams(result.get()); ++i) types.push_back(PQparamtype(result.get(), i));
  return types;
}

std::optional<PgRefusal> PgConnection::execute_all(const std::string& name,
                                                   std::span<const PgRow> rows,
                                                   const std::string& what) {
  pg_conn* const connection = connection_.get();
  if (PQenterPipelineMode(connection) == 0) lost();
  for (const PgRow& row : rows) {
    const std::vector<const char*> values = pointers_of(row);
    if (PQsendQueryPrepared(connection, name.c_str(), static_cast<int>(values.size()),
                            values.data(), nullptr, nullptr, 0) == 0)
      lost();
  }
  if (PQpipelineSync(connection) == 0) lost();
  std::optional<PgRefusal> refusal;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Result result = next_result();
    if (!refusal && is_of_row(state_of(result.get()))) {
      refusal = PgRefusal{i, message_of(result.get())};
    } else if (!refusal) {
      check(result.get(), what);
    }
    while (const Result more = next_result()) {
    }
  }
  if (const Result sync = next_result(); PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) lost();
  if (PQexitPipelineMode(connection) == 0) lost();
  return refusal;
}

std::string pg_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string pg_table(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return pg_identifier(name);
  return pg_identifier(name.substr(0, dot)) + "." + pg_identifier(name.substr(dot + 1));
}

}  // namespace gameflow::connect
