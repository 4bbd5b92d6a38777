#include "live/feed.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <random>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "query/answer_json.h"
#include "record/codec.h"

namespace gameflow::live {
namespace {

// A follower that is further behind gets all rows.
constexpr std::size_t kChangesMax = 64;
constexpr std::size_t kChangeBytesMax = 256U << 10;

// No other one has it, not of an earlier run of the program either.
std::string new_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

}  // namespace

std::string error_json(const Error& error) {
  std::string json = "{\"code\":";
  record::encode_json_string(to_string(error.code), json);
  json += ",\"message\":";
  record::encode_json_string(error.message, json);
  return json += '}';
}

std::string Question::text() const {
  std::string out = sql;
  for (const query::Parameter& parameter : parameters) {
    out += '\0';
    out += parameter.name;
    out += '=';
    query::append_json(parameter.value, out);
  }
  for (const std::string& column : key) {
    out += '\0';
    out += column;
  }
  out += '\0';
  return out += std::to_string(rows_max);
}

Feed::Feed(Question question) : question_(std::move(question)), name_(new_name()) {}

Result<std::vector<Feed::Row>> Feed::rows_of(const query::Answer& answer) const {
  std::vector<std::size_t> key;
  for (const std::string& name : question_.key) {
    const auto column = std::ranges::find(answer.columns, name);
    if (column == answer.columns.end())
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the key names column '{}', but the query has: {}", name,
                              fmt::join(answer.columns, ", ")));
    key.push_back(static_cast<std::size_t>(column - answer.columns.begin()));
  }
  std::vector<Row> rows;
  std::unordered_map<std::string_view, std::size_t> seen;
  rows.reserve(answer.rows.size());
  std::vector<query::Value> of_key;
  for (const std::vector<query::Value>& values : answer.rows) {
    Row& row = rows.emplace_back();
    query::append_json(values, row.json);
    if (key.empty()) continue;
    of_key.clear();
    for (const std::size_t column : key) of_key.push_back(values[column]);
    query::append_json(of_key, row.key);
    if (!seen.emplace(row.key, rows.size()).second)
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("two rows have the key {} = {}: choose columns that tell rows apart",
                              fmt::join(question_.key, ", "), row.key));
  }
  return rows;
}

bool Feed::set(const query::Answer& answer, Timestamp at) {
  auto rows = rows_of(answer);
  if (!rows) return set(rows.error(), at);
  std::string columns;
  query::append_json(answer.columns, columns);
  std::string reads;
  query::append_json(answer.uses.tables, reads);
  const MutexLock lock(mutex_);
  const bool has_same_form = number_ != 0 && error_.empty() && columns == columns_ &&
                             reads == reads_ && answer.truncated == truncated_;
  const bool is_same =
      has_same_form && std::ranges::equal(rows_, *rows, {}, &Row::json, &Row::json);
  if (is_same) return false;
  auto changed = has_same_form ? difference(*rows) : std::nullopt;
  rows_ = *std::move(rows);
  columns_ = std::move(columns);
  reads_ = std::move(reads);
  truncated_ = answer.truncated;
  error_.clear();
  advance(at, std::move(changed));
  return true;
}

bool Feed::set(const Error& error, Timestamp at) {
  std::string json = error_json(error);
  const MutexLock lock(mutex_);
  if (json == error_) return false;
  error_ = std::move(json);
  rows_.clear();
  advance(at, std::nullopt);
  return true;
}

void Feed::advance(Timestamp at, std::optional<std::string> difference) {
  const std::string before = version_of(number_);
  ++number_;
  at_ = at;
  whole_ = nullptr;
  if (!difference) {
    changes_.clear();
    change_bytes_ = 0;
    return;
  }
  auto message = std::make_shared<const std::string>(
      fmt::format(R"("version":"{}","after":"{}","at":{},{})", version_of(number_), before, at.ms,
                  *difference));
  change_bytes_ += message->size();
  changes_.push_back({number_, std::move(message)});
  while (changes_.size() > kChangesMax || change_bytes_ > kChangeBytesMax) {
    change_bytes_ -= changes_.front().message->size();
    changes_.pop_front();
  }
}

// Which rows go, by key; and which come or change, by their place among the rows of then. Nothing
// where it would be as long as all rows, or where rows that stay as they are change places.
std::optional<std::string> Feed::difference(std::span<const Row> rows) const {
  if (question_.key.empty()) return std::nullopt;
  std::unordered_map<std::string_view, std::string_view> before;
  for (const Row& row : rows_) before.emplace(row.key, row.json);
  std::string changed;
  std::vector<std::string_view> kept;
  std::size_t bytes = 0;
  for (std::size_t place = 0; place < rows.size(); ++place) {
    const Row& row = rows[place];
    bytes += row.json.size();
    const auto known = before.find(row.key);
    const bool is_kept = known != before.end() && known->second == row.json;
    if (is_kept) kept.push_back(row.key);
    if (!is_kept)
      fmt::format_to(std::back_inserter(changed), "{}[{},{}]", changed.empty() ? "" : ",", place,
                     row.json);
    // Those that are left are gone.
    if (known != before.end()) known->second = {};
  }
  std::string removed;
  auto next_kept = kept.begin();
  for (const Row& row : rows_) {
    if (next_kept != kept.end() && row.key == *next_kept) {
      ++next_kept;
    } else if (!before.at(row.key).empty()) {
      removed += removed.empty() ? "" : ",";
      removed += row.key;
    }
  }
  const bool are_in_order = next_kept == kept.end();
  if (!are_in_order || changed.size() + removed.size() > bytes) return std::nullopt;
  return fmt::format(R"("removed":[{}],"changed":[{}])", removed, changed);
}

std::string Feed::version_of(std::uint64_t number) const {
  return fmt::format("{}-{}", name_, number);
}

std::uint64_t Feed::place_of(std::string_view version) const {
  if (!version.starts_with(name_) || !version.substr(name_.size()).starts_with('-')) return 0;
  version.remove_prefix(name_.size() + 1);
  std::uint64_t number = 0;
  const char* const end = version.data() + version.size();
  const auto read = std::from_chars(version.data(), end, number);
  const MutexLock lock(mutex_);
  return read.ec == std::errc() && read.ptr == end && number <= number_ ? number : 0;
}

Feed::Message Feed::next(std::uint64_t& place) const {
  const MutexLock lock(mutex_);
  if (place == number_) return nullptr;
  if (place != 0 && !changes_.empty() && changes_.front().number <= place + 1) {
    ++place;
    return changes_[place - changes_.front().number].message;
  }
  place = number_;
  if (whole_ == nullptr) whole_ = std::make_shared<const std::string>(whole());
  return whole_;
}

std::string Feed::whole() const {
  std::string out = fmt::format(R"("version":"{}","at":{},)", version_of(number_), at_.ms);
  if (!error_.empty()) return out + "\"error\":" + error_;
  out += "\"columns\":" + columns_ + ",\"rows\":[";
  for (const Row& row : rows_) {
    if (&row != rows_.data()) out += ',';
    out += row.json;
  }
  return out += fmt::format("],\"truncated\":{},\"reads\":{}", truncated_, reads_);
}

}  // namespace gameflow::live
