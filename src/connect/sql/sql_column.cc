#include "connect/sql/sql_column.h"

#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "base/time.h"
#include "connect/support/record_time.h"

namespace gameflow::connect {
namespace {

struct Special {
  std::string_view name, type;
};
constexpr std::array kSpecials{Special{"$key", "text"},
                               Special{"$topic", "text"},
                               Special{"$partition", "integer"},
                               Special{"$offset", "bigint"},
                               Special{"$timestamp", "timestamptz"},
                               Special{"$item", "integer"}};

// pg_type.oid: these never change.
constexpr std::uint32_t kJson = 114, kJsonb = 3802, kText = 25, kBpchar = 1042, kVarchar = 1043,
                        kTimestamp = 1114, kTimestamptz = 1184;

bool is_text(std::uint32_t oid) {
  return oid == kText || oid == kVarchar || oid == kBpchar;
}

// `{"a",NULL,"3"}`: how an array is written.
std::string array_of(const JsonValue& list) {
  std::string out = "{";
  for (const JsonValue& item : list.items()) {
    if (out.size() > 1) out += ',';
    if (item.is(JsonValue::Kind::kNull)) {
      out += "NULL";
    } else if (item.is(JsonValue::Kind::kList)) {
      out += array_of(item);
    } else {
      out += '"';
      for (const char c : item.text()) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
      }
      out += '"';
    }
  }
  return out + "}";
}

}  // namespace

SqlColumn::SqlColumn(std::string name, std::string from)
    : name_(std::move(name)), from_(std::move(from)) {
  if (!from_.starts_with('$')) return;
  std::string names;
  for (const Special& special : kSpecials) {
    if (special.name == from_) return;
    names += fmt::format("{}{}", names.empty() ? "" : ", ", special.name);
  }
  throw std::runtime_error(
      fmt::format("columns: '{}' of column '{}' is none of {}", from_, name_, names));
}

std::string_view SqlColumn::default_type() const {
  for (const Special& special : kSpecials)
    if (special.name == from_) return special.type;
  return from_ == "." ? "jsonb" : "text";
}

PgValue SqlColumn::from_record(const Delivery& record, std::size_t index) const {
  if (from_ == "$key") return record.key ? PgValue(*record.key) : PgValue();
  if (from_ == "$topic") return std::string(record.topic);
  if (from_ == "$partition") return std::to_string(record.partition);
  if (from_ == "$offset") return std::to_string(record.offset);
  if (from_ == "$item") return std::to_string(index);
  return format_timestamp({record.timestamp_ms});
}

PgValue SqlColumn::from_json(const JsonValue& value) const {
  if (value.is(JsonValue::Kind::kNull)) return std::nullopt;
  if (oid_ == kJson || oid_ == kJsonb) return std::string(value.raw());
  if (value.is(JsonValue::Kind::kList) && !is_text(oid_)) return array_of(value);
  if ((oid_ == kTimestamptz || oid_ == kTimestamp) && value.is(JsonValue::Kind::kNumber)) {
    if (const auto ms = time_ms_of(value)) return format_timestamp({*ms});
  }
  return value.text();
}

PgValue SqlColumn::value(const Delivery& record, const JsonValue& item, std::size_t index,
                         std::string& problem) const {
  PgValue value;
  if (from_.starts_with('$')) {
    value = from_record(record, index);
  } else if (const auto field = item.at(from_)) {
    value = from_json(*field);
  }
  if (value && value->find('\0') != std::string::npos)
    problem = fmt::format("column '{}': a text of PostgreSQL cannot hold a zero character", name_);
  return value;
}

}  // namespace gameflow::connect
