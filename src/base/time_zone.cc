#include "base/time_zone.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace gameflow {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;
using std::chrono::sys_days;

constexpr std::string_view kFolder = "/usr/share/zoneinfo";
// The rule of a zone is written out up to the end of event time.
constexpr int kLastYear = 9999;
// Further apart clocks are nowhere.
constexpr Duration kOffsetMax{26LL * 3'600'000};

// Big-endian numbers, one after the other.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  std::string_view take(std::size_t size) {
    ok_ = ok_ && size <= left_.size();
    if (!ok_) return {};
    const std::string_view taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::int64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<std::uint8_t>(c);
    const auto unused = static_cast<int>(64 - 8 * size);
    return static_cast<std::int64_t>(value << unused) >> unused;
  }
  std::string_view rest() const { return left_; }

 private:
  std::string_view left_;
  bool ok_ = true;
};

struct Counts {
  std::size_t utc, standard, leaps, times, types, chars;

  std::size_t bytes(std::size_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + chars + leaps * (time_bytes + 4) + standard + utc;
  }
};

std::optional<Counts> read_header(Reader& in, char& version) {
  if (in.take(4) != "TZif") return std::nullopt;
  const std::string_view of_version = in.take(1);
  version = of_version.empty() ? '\0' : of_version.front();
  in.take(15);
  std::array<std::size_t, 6> counts{};
  for (std::size_t& count : counts) count = static_cast<std::size_t>(in.number(4));
  if (!in.ok()) return std::nullopt;
  return Counts{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

// A day of the year on which clocks change, and when.
struct Change {
  char kind = 'M';  // 'M' month.week.day, 'J' day 1 to 365 without leap days, '0' day 0 to 365
  int month = 0, week = 0, day = 0;
  int time = 2 * 3600;

  // Local seconds.
  std::int64_t at(int of_year) const {
    using std::chrono::year;
    sys_days date{year{of_year} / std::chrono::January / 1};
    if (kind == 'M') {
      const auto of_month = year{of_year} / std::chrono::month{static_cast<unsigned>(month)};
      const std::chrono::weekday weekday{static_cast<unsigned>(day)};
      date = week == 5 ? sys_days{of_month / weekday[std::chrono::last]}
                       : sys_days{of_month / weekday[static_cast<unsigned>(week)]};
    } else {
      const bool skips = kind == 'J' && year{of_year}.is_leap() && day >= 60;
      date += days{kind == 'J' ? day - 1 + (skips ? 1 : 0) : day};
    }
    return date.time_since_epoch().count() * 86'400LL + time;
  }
};

// The rule for all time to come, as POSIX writes it: "CET-1CEST,M3.5.0,M10.5.0/3".
class Rule {
 public:
  static std::optional<Rule> parse(std::string_view text) {
    Rule rule;
    if (!rule.read(text)) return std::nullopt;
    return rule;
  }

  // Calls visit(UTC seconds, offset in seconds) in any order.
  template <class Visit>
  void visit_year(int year, Visit&& visit) const {
    if (!changes_) return;
    visit(changes_->first.at(year) - standard_, saving_);
    visit(changes_->second.at(year) - saving_, standard_);
  }

 private:
  static bool eat(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
  }
  static bool read_number(std::string_view& text, int& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  }
  static bool read_name(std::string_view& text) {
    const bool is_quoted = text.starts_with('<');
    std::size_t end = is_quoted ? text.find('>') + 1 : 0;  // npos + 1 is 0
    if (!is_quoted) {
      while (end < text.size() && (text[end] | 0x20) >= 'a' && (text[end] | 0x20) <= 'z') ++end;
    }
    text.remove_prefix(end);
    return end != 0;
  }
  // [+-]hh[:mm[:ss]]
  static bool read_time(std::string_view& text, int& seconds) {
    const bool is_negative = eat(text, '-');
    if (!is_negative) eat(text, '+');
    int hours = 0, minutes = 0, rest = 0;
    if (!read_number(text, hours)) return false;
    if (eat(text, ':') && !read_number(text, minutes)) return false;
    if (eat(text, ':') && !read_number(text, rest)) return false;
    seconds = hours * 3600 + minutes * 60 + rest;
    if (is_negative) seconds = -seconds;
    return true;
  }
  static bool read_change(std::string_view& text, Change& change) {
    if (!eat(text, ',')) return false;
    if (eat(text, 'M')) {
      if (!read_number(text, change.month) || !eat(text, '.') || !read_number(text, change.week) ||
          !eat(text, '.') || !read_number(text, change.day))
        return false;
      if (change.month < 1 || change.month > 12 || change.week < 1 || change.week > 5 ||
          change.day < 0 || change.day > 6)
        return false;
    } else {
      change.kind = eat(text, 'J') ? 'J' : '0';
      if (!read_number(text, change.day)) return false;
    }
    return !eat(text, '/') || read_time(text, change.time);
  }
  // West of Greenwich is positive there.
  bool read(std::string_view text) {
    if (!read_name(text) || !read_time(text, standard_)) return false;
    standard_ = -standard_;
    if (text.empty()) return true;
    if (!read_name(text)) return false;
    saving_ = standard_ + 3600;
    if (!text.starts_with(',')) {
      if (!read_time(text, saving_)) return false;
      saving_ = -saving_;
    }
    std::pair<Change, Change> changes;
    if (!read_change(text, changes.first) || !read_change(text, changes.second)) return false;
    changes_ = changes;
    return text.empty();
  }

  int standard_ = 0, saving_ = 0;  // seconds east
  std::optional<std::pair<Change, Change>> changes_;
};

int year_of(Timestamp time) {
  const auto date = std::chrono::floor<days>(
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.ms)));
  return static_cast<int>(std::chrono::year_month_day(date).year());
}

bool is_zone_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, sizeof magic) && std::string_view(magic, sizeof magic) == "TZif";
}

}  // namespace

std::shared_ptr<const TimeZone> TimeZone::parse(std::string name, std::string_view bytes) {
  Reader in(bytes);
  char version = '\0';
  auto counts = read_header(in, version);
  std::size_t time_bytes = 4;
  if (counts && version >= '2') {
    in.take(counts->bytes(4));
    counts = read_header(in, version);
    time_bytes = 8;
  }
  if (!counts || counts->types == 0) return nullptr;
  std::vector<std::int64_t> times(std::min(counts->times, bytes.size()));
  for (std::int64_t& time : times) time = in.number(time_bytes);
  const std::string_view types = in.take(counts->times);
  std::vector<Duration> offsets;
  for (std::size_t i = 0; i < counts->types && in.ok(); ++i) {
    offsets.push_back({in.number(4) * 1'000});
    in.take(2);
  }
  in.take(counts->chars + counts->leaps * (time_bytes + 4) + counts->standard + counts->utc);
  if (!in.ok()) return nullptr;
  auto zone = std::make_shared<TimeZone>();
  zone->name_ = std::move(name);
  zone->offsets_.push_back({{INT64_MIN / 2}, offsets.front()});
  for (std::size_t i = 0; i < times.size(); ++i) {
    const auto type = static_cast<std::uint8_t>(types[i]);
    if (type >= offsets.size()) return nullptr;
    if (times[i] > INT64_MIN / 4'000) zone->offsets_.push_back({{times[i] * 1'000}, offsets[type]});
  }
  std::string_view rest = in.rest();
  if (time_bytes != 8 || !rest.starts_with('\n')) return zone;
  rest.remove_prefix(1);
  const auto rule = Rule::parse(rest.substr(0, rest.find('\n')));
  if (!rule) return zone;
  const Timestamp last = times.empty() ? Timestamp{} : zone->offsets_.back().from;
  std::vector<Offset> to_come;
  for (int year = year_of(last); year <= kLastYear; ++year) {
    rule->visit_year(year, [&](std::int64_t at, int offset) {
      if (Timestamp{at * 1'000} > last) to_come.push_back({{at * 1'000}, {offset * 1'000LL}});
    });
  }
  std::ranges::sort(to_come, {}, &Offset::from);
  zone->offsets_.insert(zone->offsets_.end(), to_come.begin(), to_come.end());
  return zone;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::load(std::string_view name) {
  const fs::path folder(kFolder);
  std::error_code error;
  if (!fs::exists(folder, error)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no time zone database in {}: install tzdata", kFolder));
  }
  const auto is_of_name = [](char c) {
    const bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    return is_letter || (c >= '0' && c <= '9') ||
           std::string_view("/_-+").find(c) != std::string_view::npos;
  };
  const bool is_inside = !name.empty() && name.front() != '/' &&
                         name.find("..") == std::string_view::npos &&
                         std::ranges::all_of(name, is_of_name);
  if (is_inside && fs::is_regular_file(folder / name, error)) {
    std::ifstream file(folder / name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (auto zone = parse(std::string(name), bytes)) return zone;
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("there is no time zone '{}'", name));
}

std::vector<std::string> TimeZone::names() {
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator at(kFolder, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string name = at->path().lexically_relative(kFolder).string();
    // The same zones again, counted otherwise.
    if (name == "posix" || name == "right") {
      at.disable_recursion_pending();
    } else if (at->is_regular_file(error) && is_zone_file(at->path())) {
      names.push_back(name);
    }
  }
  std::ranges::sort(names);
  return names;
}

Duration TimeZone::offset_at(Timestamp utc) const {
  const auto behind = std::ranges::upper_bound(offsets_, utc, {}, &Offset::from);
  return behind == offsets_.begin() ? offsets_.front().offset : std::prev(behind)->offset;
}

Timestamp TimeZone::first_at(Timestamp local) const {
  auto at = std::ranges::upper_bound(offsets_, local - kOffsetMax, {}, &Offset::from);
  if (at != offsets_.begin()) --at;
  for (;; ++at) {
    const auto next = std::next(at);
    if (next != offsets_.end() && next->from + at->offset <= local) continue;
    return std::max(at->from, local - at->offset);
  }
}

}  // namespace gameflow
