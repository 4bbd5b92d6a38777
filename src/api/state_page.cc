#include "api/state_page.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/hex.h"
#include "base/number.h"
#include "query/page.h"
#include "record/type.h"

namespace gameflow::api {
namespace {

using query::PagePlace;

constexpr std::string_view kWindowStart = "_window_start";
constexpr std::size_t kStatementBytes = 20'000;  // of keys that one statement looks up

std::string sql_quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

bool has_windows(const query::Table& table) {
  return std::ranges::find(table.constant_names, kWindowStart) != table.constant_names.end();
}

// "START.KEY", the key in hexadecimal, as a query parameter has no control characters.
std::string place_text(const PagePlace& place) {
  return fmt::format("{}.{}", place.start, to_hex(place.key));
}

Result<PagePlace> parse_place(const query::Table& table, const std::string& text) {
  const std::size_t dot = text.find('.');
  if (dot != std::string::npos) {
    const auto start = to_number<std::int64_t>(std::string_view(text).substr(0, dot));
    auto key = from_hex(std::string_view(text).substr(dot + 1));
    if (start && key) {
      const std::size_t bytes = table.key == record::Kind::kBool ? 1 : sizeof(std::int64_t);
      if (table.key == record::Kind::kString || key->size() == bytes)
        return PagePlace{*start, std::move(*key)};
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no place in this state; after is what an answer calls next",
                          text.substr(0, 100)));
}

// A key that a person gives, as SQL writes it.
Result<std::string> key_literal(record::Kind kind, const std::string& key) {
  if (kind == record::Kind::kString) {
    if (key.find('\0') == std::string::npos) return sql_quoted(key, '\'');
  } else if (kind == record::Kind::kBool) {
    if (key == "true" || key == "false") return key;
  } else if (record::is_signed(kind) ? to_number<std::int64_t>(key).has_value()
                                     : to_number<std::uint64_t>(key).has_value()) {
    return sql_quoted(key, '\'');  // as text: SQLite has no number for the largest
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' cannot be a key of type {}", key, to_string(kind)));
}

// `start`: of the segment, as query::start_of(): of sessions, whether they have ended.
std::string select_from(const query::Table& table, std::string_view condition,
                        const std::optional<std::int64_t>& start) {
  return fmt::format(
      "select * from {} where {}{}", sql_quoted(table.name, '"'), condition,
      start ? fmt::format(" and {} = {}", table.constant_names.front(), *start) : "");
}

std::string text_of(const query::Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? std::to_string(*number) : std::get<std::string>(value);
}

// Reads the rows of a page, in its order.
class PageReader {
 public:
  PageReader(query::Database& database, const query::Table& table,
             std::chrono::steady_clock::time_point deadline)
      : database_(database), table_(table), deadline_(deadline) {}

  Result<query::Answer> run(const std::string& sql, query::Limits limits) {
    limits.time_max = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_ - std::chrono::steady_clock::now());
    limits.bytes_max -= std::min(limits.bytes_max, bytes_);
    GF_ASSIGN(query::Answer answer, database_.run(sql, limits));
    for (const auto& row : answer.rows) {
      for (const query::Value& value : row) {
        const auto* text = std::get_if<std::string>(&value);
        bytes_ += text == nullptr ? sizeof value : text->size();
      }
    }
    return answer;
  }

  // Those of the first places, as many as fit into an answer; at least one if there is one.
  Result<query::Answer> read(std::span<const PagePlace> places) {
    query::Answer all;
    // An empty page has columns too.
    GF_ASSIGN(const query::Answer none,
              run(fmt::format("select * from {} limit 0", sql_quoted(table_.name, '"')), {}));
    all.columns = none.columns;
    while (!places.empty()) {
      const std::size_t count = run_length(places);
      GF_ASSIGN(const bool is_whole, read_run(places.first(count), all));
      if (!is_whole) return all;
      places = places.subspan(count);
    }
    return all;
  }

  // How many of the places have their rows in the answer.
  std::size_t places_read() const { return places_read_; }

 private:
  // How many of the places go into one statement: of one window, and not too many. What is too
  // large for a number of SQLite is looked up alone, as text.
  std::size_t run_length(std::span<const PagePlace> places) const {
    std::size_t count = 0, bytes = 0;
    for (const PagePlace& place : places) {
      const bool is_alone = literal(place.key).front() == '\'';
      if (place.start != places.front().start || (is_alone && count > 0)) break;
      bytes += place.key.size() * 2 + 20;
      if (count > 0 && bytes > kStatementBytes) break;
      ++count;
      if (is_alone) break;
    }
    return count;
  }

  std::string literal(const std::string& key) const {
    if (table_.key == record::Kind::kString) return fmt::format("cast(x'{}' as text)", to_hex(key));
    std::string digits = query::shown_key(table_.key, key);
    return to_number<std::int64_t>(digits) ? digits : sql_quoted(digits, '\'');
  }

  // False where not all of them fitted.
  Result<bool> read_run(std::span<const PagePlace> places, query::Answer& all) {
    std::string keys;
    for (const PagePlace& place : places) keys += (keys.empty() ? "" : ", ") + literal(place.key);
    const std::string condition =
        places.size() == 1 ? "_key = " + keys : fmt::format("_key in ({})", keys);
    std::optional<std::int64_t> start;
    if (!table_.constant_names.empty()) start = places.front().start;
    const std::string sql = select_from(table_, condition, start);
    GF_ASSIGN(query::Answer answer,
              run(table_.session_gap ? sql + " order by _window_start" : sql, {}));
    std::multimap<std::string, std::vector<query::Value>*> rows;  // several of a key are sessions
    for (auto& row : answer.rows) rows.emplace(text_of(row.front()), &row);
    for (const PagePlace& place : places) {
      const auto [begin, end] = rows.equal_range(query::shown_key(table_.key, place.key));
      if (begin == end) return false;
      for (auto row = begin; row != end; ++row) all.rows.push_back(std::move(*row->second));
      ++places_read_;
    }
    return !answer.truncated;
  }

  query::Database& database_;
  const query::Table& table_;
  const std::chrono::steady_clock::time_point deadline_;
  std::size_t bytes_ = 0;
  std::size_t places_read_ = 0;
};

std::vector<StateWindow> windows_of(const query::Table& table) {
  std::vector<StateWindow> windows;
  if (!has_windows(table)) return windows;
  for (const query::Segment& segment : table.segments) {
    StateWindow window{.rows = query::rows_of(table, segment)};
    for (std::size_t i = 0; i < segment.constants.size(); ++i) {
      const std::string& name = table.constant_names[i];
      if (name == kWindowStart) window.start = Timestamp{segment.constants[i]};
      if (name == "_window_end") window.end = Timestamp{segment.constants[i]};
      if (name == "_window_closed") window.is_closed = segment.constants[i] != 0;
    }
    windows.push_back(window);
  }
  std::ranges::sort(windows, {}, &StateWindow::start);
  return windows;
}

}  // namespace

Result<StateRows> read_page(query::Database& database, const query::Table& table,
                            const StateQuery& wanted,
                            std::chrono::steady_clock::time_point deadline) {
  StateRows out{.windows = windows_of(table)};
  std::optional<std::int64_t> start;
  if (table.session_gap && wanted.window_start) {
    return fail(
        ErrorCode::kInvalidArgument,
        "the windows of this state are sessions, each with a start of its own: leave window "
        "out");
  }
  // Of sessions it is all of them.
  if (!table.session_gap && (wanted.window_start || wanted.is_newest_window)) {
    if (!has_windows(table))
      return fail(ErrorCode::kInvalidArgument, "this state has no windows: leave window out");
    start = wanted.window_start   ? wanted.window_start->ms
            : out.windows.empty() ? 0
                                  : out.windows.back().start.ms;
  }
  PageReader reader(database, table, deadline);
  if (wanted.key) {
    if (wanted.prefix || !wanted.after.empty())
      return fail(ErrorCode::kInvalidArgument, "key stands without prefix and after");
    GF_ASSIGN(const std::string literal, key_literal(table.key, *wanted.key));
    const std::string sql = select_from(table, "_key = " + literal, start);
    const bool has_bounds = has_windows(table) || table.session_gap;
    GF_ASSIGN(out.answer, reader.run(has_bounds ? sql + " order by _window_start" : sql,
                                     {.rows_max = wanted.limit}));
    return out;
  }
  query::PageQuery query{.prefix = wanted.prefix.value_or(""), .start = start};
  query.limit = wanted.limit + 1;  // one more tells whether there are more
  if (!wanted.after.empty()) {
    GF_ASSIGN(query.after, parse_place(table, wanted.after));
  }
  GF_ASSIGN(const std::vector<PagePlace> places, query::page_of(table, query, deadline));
  GF_ASSIGN(out.answer,
            reader.read(std::span(places).first(std::min(places.size(), wanted.limit))));
  const std::size_t count = reader.places_read();
  out.answer.truncated = count < places.size();
  if (out.answer.truncated && count > 0) out.next = place_text(places[count - 1]);
  return out;
}

}  // namespace gameflow::api
