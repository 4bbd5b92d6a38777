#include "query/sketch_functions.h"

#include <cmath>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>

#include <gameflow/distinct.h>
#include <gameflow/quantiles.h>

#include "record/arena.h"
#include "record/codec.h"
#include "record/type.h"

namespace gameflow::query {
namespace {

using Access = detail::SketchAccess;

// A sketch and what it lies in: SQLite aligns nothing.
template <class Sketch>
class Read {
 public:
  // One word more than may be needed: of a sum rounded up, GCC 14 says that it may wrap.
  explicit Read(std::string_view bytes) : words_(bytes.size() / 8 + 1) {
    if (!bytes.empty()) std::memcpy(words_.data(), bytes.data(), bytes.size());
    is_fine_ = Access::read({reinterpret_cast<const char*>(words_.data()), bytes.size()}, sketch_);
  }
  explicit operator bool() const { return is_fine_; }
  const Sketch* operator->() const { return &sketch_; }
  const Sketch& operator*() const { return sketch_; }

 private:
  std::vector<std::uint64_t> words_;
  Sketch sketch_;
  bool is_fine_ = false;
};

std::optional<std::string_view> blob_of(sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) return std::nullopt;
  const auto* data = static_cast<const char*>(sqlite3_value_blob(value));
  return std::string_view(data, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

// Runs `action`, which may need memory.
template <class Action>
void guarded(sqlite3_context* context, Action&& action) {
  try {
    action();
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

void estimate(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  guarded(context, [&] {
    if (const auto bytes = blob_of(values[0])) {
      if (const Read<Distinct> sketch(*bytes); sketch)
        return sqlite3_result_int64(context, static_cast<sqlite3_int64>(sketch->estimate()));
    }
    sqlite3_result_error(context, "estimate(x): x has to be a column of type distinct", -1);
  });
}

void quantile(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const int type = sqlite3_value_type(values[1]);
  const double q = sqlite3_value_double(values[1]);
  if ((type != SQLITE_INTEGER && type != SQLITE_FLOAT) || !(q >= 0 && q <= 1))
    return sqlite3_result_error(context, "quantile(x, q): q has to be a number from 0 to 1", -1);
  guarded(context, [&] {
    if (const auto bytes = blob_of(values[0])) {
      if (const Read<Quantiles> sketch(*bytes); sketch) {
        const double value = sketch->quantile(q);
        return std::isnan(value) ? sqlite3_result_null(context)
                                 : sqlite3_result_double(context, value);
      }
    }
    sqlite3_result_error(context, "quantile(x, q): x has to be a column of type quantiles", -1);
  });
}

// All rows of a group; which of the two the first one says.
struct Merged {
  record::BlockArena arena;
  std::optional<Distinct> distinct;
  std::optional<Quantiles> quantiles;

  bool add(std::string_view bytes) {
    if (bytes.empty()) return true;
    if (const Read<Distinct> read(bytes); read && !quantiles) {
      if (!distinct) distinct.emplace();
      Access::merge_in_place(*distinct, *read, arena);
      return true;
    }
    const Read<Quantiles> read(bytes);
    if (!read || distinct || (quantiles && quantiles->accuracy() != read->accuracy())) return false;
    if (!quantiles) quantiles.emplace(read->accuracy());
    Access::merge_in_place(*quantiles, *read, arena);
    return true;
  }
  std::string_view bytes() {
    if (distinct) Access::settle(*distinct, arena);
    if (quantiles) Access::settle(*quantiles, arena);
    return distinct ? Access::bytes(*distinct) : quantiles ? Access::bytes(*quantiles) : "";
  }
};

// Zeroed by SQLite, which forgets it without a word.
struct MergedPlace {
  Merged* merged;
};

void merge_step(sqlite3_context* context, int, sqlite3_value** values) {
  auto* const place =
      static_cast<MergedPlace*>(sqlite3_aggregate_context(context, sizeof(MergedPlace)));
  if (place == nullptr) return sqlite3_result_error_nomem(context);
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  guarded(context, [&] {
    if (place->merged == nullptr) place->merged = new Merged;
    const auto bytes = blob_of(values[0]);
    if (!bytes || !place->merged->add(*bytes))
      sqlite3_result_error(context,
                           "merge(x): x has to be a column of type distinct or quantiles, "
                           "all of one accuracy",
                           -1);
  });
}

void merge_finish(sqlite3_context* context) {
  auto* const place = static_cast<MergedPlace*>(sqlite3_aggregate_context(context, 0));
  if (place == nullptr || place->merged == nullptr) return;  // no row: NULL
  const std::unique_ptr<Merged> merged(place->merged);
  guarded(context, [&] {
    const std::string_view bytes = merged->bytes();
    sqlite3_result_blob64(context, bytes.empty() ? "" : bytes.data(), bytes.size(),
                          SQLITE_TRANSIENT);
  });
}

// As a row's column is written for people.
template <class Sketch>
std::string json_of(record::Kind kind, const Sketch& sketch) {
  const record::Type type{.kind = kind};
  std::string json;
  record::encode_json(type, &sketch, json);
  return json;
}

}  // namespace

void add_sketch_functions(sqlite3* db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function_v2(db, "estimate", 1, kFlags, nullptr, &estimate, nullptr, nullptr,
                             nullptr);
  sqlite3_create_function_v2(db, "quantile", 2, kFlags, nullptr, &quantile, nullptr, nullptr,
                             nullptr);
  sqlite3_create_function_v2(db, "merge", 1, kFlags, nullptr, nullptr, &merge_step, &merge_finish,
                             nullptr);
}

std::variant<std::int64_t, std::string> shown_sketch(std::string_view declared,
                                                     std::string_view bytes) {
  if (declared == kDistinctType)
    return static_cast<std::int64_t>(Read<Distinct>(bytes)->estimate());
  return json_of(record::Kind::kQuantiles, *Read<Quantiles>(bytes));
}

}  // namespace gameflow::query
