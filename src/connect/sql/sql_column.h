// A column of the table, and what of a record goes into it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <gameflow/connect/connector.h>

#include "connect/sql/pg_connection.h"
#include "connect/support/json_value.h"

namespace gameflow::connect {

class SqlColumn {
 public:
  // `from`: the path of a field, "." for the whole value, or one of `$key`, `$topic`, `$partition`,
  // `$offset`, `$timestamp` and `$item` (the place in a list). std::runtime_error for another `$`.
  SqlColumn(std::string name, std::string from);

  const std::string& name() const { return name_; }
  // What `create` makes of it where nothing else is said.
  std::string_view default_type() const;
  // As the server tells it, once the statement is prepared.
  void set_type(std::uint32_t oid) { oid_ = oid; }

  // The value of item number `index` of `record`. Whether PostgreSQL takes it is its own business,
  // but for zero characters: those, and so `problem`, would end the text there.
  PgValue value(const Delivery& record, const JsonValue& item, std::size_t index,
                std::string& problem) const;

 private:
  PgValue from_record(const Delivery& record, std::size_t index) const;
  PgValue from_json(const JsonValue& value) const;

  std::string name_, from_;
  std::uint32_t oid_ = 0;
};

}  // namespace gameflow::connect
