// One hardened SQLite connection: what it is allowed to do, its limits, its statements.
//
// In layers, so that no single one has to hold: a connection without files (sqlite_process.h), read
// only and defensive; an authorizer that knows SELECT and a list of functions; limits on length,
// depth and size; a deadline; a memory budget.
//
// Threads  one.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "query/author.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gameflow::query {

class Connection {
 public:
  Connection();
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whether opening worked; nothing else may be called if not.
  const Status& opened() const { return opened_; }
  sqlite3* handle() const { return db_; }

  // Statements may read this virtual table, whose module is registered, from now on. kInternal if
  // SQLite cannot connect to it.
  Status add_table(const std::string& name);
  // A name that SQLite uses itself, such as json_each.
  bool is_reserved(std::string_view name) const;

  // One SELECT, from the cache if it was seen before. It stays valid until the next call.
  Result<sqlite3_stmt*> prepare(std::string_view sql, Author author);

  // The columns that it reads, by table, all in small letters; of some tables none. It is the one
  // of the last prepare(), or an earlier one that is still cached.
  using Reads = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;
  Reads reads_of(sqlite3_stmt* statement) const;

  // The step after which SQLite returned `code`, as an error of ours.
  Error error_of(int code) const;

  // Where in its statement the last prepare() failed, in bytes; nothing if SQLite does not say.
  std::optional<std::size_t> mistake_at() const { return mistake_at_; }

  // Steps later than this end with SQLITE_INTERRUPT.
  void set_deadline(Deadline deadline) { deadline_ = deadline; }

 private:
  struct Statement;
  static int authorize(void* self, int action, const char* first, const char* second, const char*,
                       const char*);
  static int is_late(void* self);
  int allow_read(std::string_view table, std::string_view column);
  int allow_function(std::string_view name);
  Status configure();
  void set_limits(Author author);
  Result<sqlite3_stmt*> compile(std::string_view sql, Author author);

  sqlite3* db_ = nullptr;
  Status opened_;
  std::set<std::string, std::less<>> tables_;    // readable
  std::set<std::string, std::less<>> reserved_;  // modules that SQLite brings along
  std::list<Statement> statements_;              // most recently used first
  Deadline deadline_;
  Author author_ = Author::kPerson;  // of the statement that is being prepared
  bool setting_up_ = false;          // our own statements: everything is allowed
  Reads reads_;                      // of the statement that is being prepared
  std::string denied_;               // what the authorizer refused last
  std::optional<std::size_t> mistake_at_;
};

}  // namespace gameflow::query
