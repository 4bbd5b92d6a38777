// A connection to PostgreSQL, through libpq; the one place for it.
//
// Threads  one at a time.
// Errors   Retry where the server is away, overloaded, shutting down, or answers nothing for
//          `timeout`; std::runtime_error where a person has to change something. What the server
//          says of a single row comes back as a PgRefusal.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gameflow/connect/connector.h>

struct pg_conn;
struct pg_result;

namespace gameflow::connect {

// A value as PostgreSQL reads it from text; nothing is NULL.
using PgValue = std::optional<std::string>;
using PgRow = std::vector<PgValue>;

struct PgRefusal {
  std::size_t index = 0;  // of the row
  std::string reason;
};

class PgConnection {
 public:
  // `url` as libpq takes it, postgresql://… or key=value. It may hold a password, so no message
  // repeats it.
  PgConnection(const std::string& url, std::chrono::milliseconds timeout, Host& host);
  ~PgConnection();

  // The rows of the answer. `what` begins the message where that fails: "table 'sales'".
  std::vector<PgRow> query(const std::string& sql, const PgRow& parameters,
                           const std::string& what);
  // How many rows it changed.
  std::uint64_t execute(const std::string& sql, const PgRow& parameters, const std::string& what);
  // The types (as `pg_type.oid`) of its parameters.
  std::vector<std::uint32_t> prepare(const std::string& name, const std::string& sql,
                                     const std::string& what);
  // Runs the prepared statement for each row, in one round trip, up to the first that is refused;
  // then the transaction has to be rolled back to a savepoint.
  std::optional<PgRefusal> execute_all(const std::string& name, std::span<const PgRow> rows,
                                       const std::string& what);

 private:
  struct Free {
    void operator()(pg_conn* connection) const;
    void operator()(pg_result* result) const;
  };
  using Result = std::unique_ptr<pg_result, Free>;

  void connect(const std::string& url);
  Result run(const std::string& sql, const PgRow& parameters, const std::string& what);
  Result next_result();
  Result only_result(const std::string& what);
  void check(const pg_result* result, const std::string& what) const;
  [[noreturn]] void lost() const;

  std::chrono::milliseconds timeout_;
  Host& host_;
  std::unique_ptr<pg_conn, Free> connection_;
};

// As an identifier in SQL: `"name"`; a dot in the name of a table divides it from its schema.
std::string pg_identifier(std::string_view name);
std::string pg_table(std::string_view name);

}  // namespace gameflow::connect
