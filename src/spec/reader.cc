#include "spec/reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/closest.h"
#include "base/number.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

constexpr Duration kDurationMax = {std::int64_t{36'500} * 24 * 3'600'000};

// Text of the user's in a message: one line, not too long.
std::string in_quotes(std::string_view text) {
  std::string shown(text.substr(0, 60));
  std::replace(shown.begin(), shown.end(), '\n', ' ');
  return fmt::format("'{}{}'", shown, text.size() > 60 ? "…" : "");
}

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr SizeUnit kSizeUnits[] = {{"", 1},
                                   {"B", 1},
                                   {"kB", 1'000},
                                   {"KB", 1'000},
                                   {"MB", 1'000'000},
                                   {"GB", 1'000'000'000},
                                   {"TB", 1'000'000'000'000},
                                   {"KiB", 1ULL << 10},
                                   {"MiB", 1ULL << 20},
                                   {"GiB", 1ULL << 30},
                                   {"TiB", 1ULL << 40}};

std::optional<std::uint64_t> read_count(Report& report, const Node& node, std::string_view what,
                                        std::uint64_t min, std::uint64_t max) {
  const auto count = to_number<std::uint64_t>(node.text);
  const bool padded = node.text.size() > 1 && node.text[0] == '0';
  if (node.kind != NodeKind::kScalar || !count || padded || *count < min || *count > max) {
    report.error(node, fmt::format("{} has to be a whole number from {} to {}", what, min, max));
    return std::nullopt;
  }
  return count;
}

std::optional<std::uint64_t> read_fraction(Report& report, const Node& node, std::string_view what,
                                           std::uint64_t min, std::uint64_t max) {
  constexpr std::size_t kDigits = 6;
  std::string text = node.text;
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::size_t digits = text.size() - std::min(text.size(), point + 1);
  bool is_fine = node.kind == NodeKind::kScalar && point > 0 && point < 10 && digits <= kDigits;
  text.erase(std::min(point, text.size()), 1);
  text.append(is_fine ? kDigits - digits : 0, '0');
  is_fine = is_fine && text.find_first_not_of("0123456789") == std::string::npos;
  const std::uint64_t millionths = is_fine ? std::stoull(text) : 0;
  if (is_fine && millionths >= min && millionths <= max) return millionths;
  report.error(node, fmt::format("{} has to be a number from {} to {}", what,
                                 format_millionths(min), format_millionths(max)));
  return std::nullopt;
}

std::optional<Duration> read_duration(Report& report, const Node& node, std::string_view what,
                                      Duration min) {
  const auto duration = node.kind == NodeKind::kScalar ? parse_duration(node.text) : std::nullopt;
  if (!duration) {
    report.error(node, fmt::format("{} has to be a duration", what),
                 "a whole number and a unit: 250ms, 5s, 10m, 1h or 7d");
    return std::nullopt;
  }
  if (*duration < min || *duration > kDurationMax) {
    report.error(node, fmt::format("{} has to be {} to {}", what, format_duration(min),
                                   format_duration(kDurationMax)));
    return std::nullopt;
  }
  return duration;
}

// "10GiB", "500MB", "4096".
std::optional<std::uint64_t> read_bytes(Report& report, const Node& node, std::string_view what) {
  std::uint64_t number = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, number);
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const SizeUnit& known : kSizeUnits) {
    if (node.kind != NodeKind::kScalar || error != std::errc{} || number == 0) break;
    if (unit == known.name && number <= std::numeric_limits<std::int64_t>::max() / known.bytes)
      return number * known.bytes;
  }
  report.error(node, fmt::format("{} has to be a size", what),
               "a whole number and a unit: 512KiB, 100MiB or 10GiB");
  return std::nullopt;
}

// Which of `refused` the node is, after a report; null: none.
const KnownButRefused* refuse(Report& report, const Node& node,
                              std::span<const KnownButRefused> refused) {
  const auto found = std::ranges::find(refused, std::string_view(node.text), &KnownButRefused::key);
  if (node.kind != NodeKind::kScalar || found == refused.end()) return nullptr;
  report.error(node, std::string(found->message), std::string(found->hint));
  return &*found;
}

// A name in quotes may be as long as the file.
std::string on_one_line(std::string message) {
  std::ranges::replace(message, '\n', ' ');
  return message;
}

}  // namespace

void Report::error(const Node& at, std::string message, std::string hint) {
  add({Severity::kError, at.position, at.length, on_one_line(std::move(message)), std::move(hint)});
}

void Report::error(Position at, std::string message, std::string hint) {
  add({Severity::kError, at, 1, on_one_line(std::move(message)), std::move(hint)});
}

void Report::warning(const Node& at, std::string message, std::string hint) {
  add({Severity::kWarning, at.position, at.length, on_one_line(std::move(message)),
       std::move(hint)});
}

std::vector<Diagnostic> Report::take() {
  if (has_errors(diagnostics_)) {
    std::erase_if(diagnostics_,
                  [](const Diagnostic& d) { return d.severity == Severity::kWarning; });
  }
  const auto key = [](const Diagnostic& d) { return std::tie(d.position, d.severity, d.message); };
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  const auto end =
      std::unique(diagnostics_.begin(), diagnostics_.end(),
                  [&](const Diagnostic& a, const Diagnostic& b) { return key(a) == key(b); });
  diagnostics_.erase(end, diagnostics_.end());
  return std::exchange(diagnostics_, {});
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  if (const std::string_view guess = closest(word, candidates); !guess.empty())
    return fmt::format("did you mean '{}'?", guess);
  constexpr std::size_t kShownMax = 20;
  if (candidates.empty()) return {};
  const auto shown =
      candidates.begin() + static_cast<std::ptrdiff_t>(std::min(candidates.size(), kShownMax));
  return fmt::format("known: {}{}", fmt::join(candidates.begin(), shown, ", "),
                     candidates.size() > kShownMax ? ", …" : "");
}

std::vector<const Node*> maps_of(Report& report, const Node* list, std::string_view what,
                                 std::string_view example) {
  std::vector<const Node*> maps;
  if (list == nullptr) return maps;
  if (list->kind != NodeKind::kList) {
    report.error(*list, fmt::format("{} has to be a list, this is {}", what, describe(list->kind)),
                 std::string(example));
    return maps;
  }
  for (const Node& node : list->items) {
    if (node.kind == NodeKind::kMap) {
      maps.push_back(&node);
    } else {
      report.error(
          node, fmt::format("an item of {} has to be a map, this is {}", what, describe(node.kind)),
          std::string(example));
    }
  }
  return maps;
}

std::string_view describe(NodeKind kind) {
  switch (kind) {
    case NodeKind::kNull:
      return "nothing";
    case NodeKind::kScalar:
      return "a single value";
    case NodeKind::kMap:
      return "a map";
    case NodeKind::kList:
      return "a list";
  }
  return "";
}

std::string format_millionths(std::uint64_t millionths) {
  std::string text = fmt::format("{}.{:06}", millionths / 1'000'000, millionths % 1'000'000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Fields::Fields(Report& report, const Node& node, const Section& section, std::string_view what,
               std::span<const Field> more)
    : report_(report),
      node_(node),
      section_(section),
      what_(what.empty() ? section.name : what),
      more_(more) {
  std::vector<std::string_view> keys;
  for (const Field& field : section.fields) keys.push_back(field.key);
  for (const Field& field : more) keys.push_back(field.key);
  if (!is_map()) {
    report_.error(node_, fmt::format("{} has to be a map, this is {}", what_, describe(node.kind)),
                  keys.size() == 1 && node.kind == NodeKind::kScalar && node.text.size() <= 60
                      ? fmt::format("write '{{ {}: {} }}'", keys[0], node.text)
                      : fmt::format("its keys are {}", fmt::join(keys, ", ")));
    return;
  }
  const std::string_view missing = only_missing();
  for (const Node& key : node_.keys) {
    if (std::ranges::count(keys, key.text) != 0) continue;
    if (const KnownButRefused* const refused = refuse(report_, key, section.refused)) {
      for (const std::string_view other : keys) {
        if (refused->hint.find(fmt::format("'{}", other)) != std::string_view::npos)
          meant_.emplace_back(other);
      }
      continue;
    }
    const std::string_view guess = closest(key.text, keys);
    const bool is_missing = guess.empty() && !missing.empty() && !is_told(missing);
    report_.error(key, fmt::format("unknown key {} in {}", in_quotes(key.text), what_),
                  is_missing ? fmt::format("did you mean '{}', which is missing?", missing)
                             : did_you_mean(key.text, keys));
    meant_.emplace_back(is_missing ? missing : guess);
  }
}

// The required key that is missing, where one alone is: a key that is unknown may stand for it.
std::string_view Fields::only_missing() const {
  std::string_view only;
  for (const std::span<const Field> rows : {section_.fields, more_}) {
    for (const Field& field : rows) {
      if (!field.is_required || node_.find_key(field.key) != nullptr) continue;
      if (!only.empty()) return {};
      only = field.key;
    }
  }
  return only;
}

bool Fields::is_told(std::string_view key) const {
  return std::ranges::count(meant_, key) != 0;
}

const Field& Fields::row(std::string_view key) const {
  for (const std::span<const Field> rows : {section_.fields, more_}) {
    const auto found = std::ranges::find(rows, key, &Field::key);
    if (found != rows.end()) return *found;
  }
  std::abort();  // a reader asks for a key that its section does not have
}

std::string Fields::what(const Field& field) const {
  return field.what.empty() ? fmt::format("'{}'", field.key) : std::string(field.what);
}

const Node* Fields::find(std::string_view key) const {
  if (row(key).is_required) return require(key);
  const Node* const value = node_.find(key);
  if (value == nullptr || value->kind != NodeKind::kNull) return value;
  report_.error(*value, fmt::format("'{}' has no value", key), "give it one or remove the line");
  return nullptr;
}

const Node* Fields::require(std::string_view key) const {
  if (!is_map()) return nullptr;
  const Node* const value = node_.find(key);
  if (value != nullptr && value->kind != NodeKind::kNull) return value;
  if (value != nullptr) {
    report_.error(*value, fmt::format("'{}' has no value", key), "give it one or remove the line");
  } else if (!is_told(key)) {
    report_.error(node_, fmt::format("{} needs '{}'", what_, key), std::string(row(key).hint));
  }
  return nullptr;
}

// What `read` makes of the value of `key`, or of what counts without it.
template <class Read>
auto Fields::read(std::string_view key, Read read) const {
  const Field& field = row(key);
  const Node* const node = find(key);
  if (node != nullptr) return read(*node, field);
  Node fallback;
  fallback.kind = NodeKind::kScalar;
  fallback.text = field.fallback;
  return field.fallback.empty() ? decltype(read(*node, field)){} : read(fallback, field);
}

std::optional<std::string> Fields::text(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) {
    auto text = read_text(report_, node, what(field));
    if (text && field.names != nullptr) check_name(report_, node, *field.names, *text);
    return text;
  });
}

std::optional<std::size_t> Fields::word(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) -> std::optional<std::size_t> {
    if (refuse(report_, node, field.refused_words) != nullptr) return std::nullopt;
    return read_word(report_, node, what(field), field.words);
  });
}

std::optional<bool> Fields::flag(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) {
    return read_bool(report_, node, what(field));
  });
}

std::optional<std::uint64_t> Fields::count(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) {
    return read_count(report_, node, what(field), field.min, field.max);
  });
}

std::optional<std::uint64_t> Fields::fraction(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) {
    return read_fraction(report_, node, what(field), field.min, field.max);
  });
}

std::optional<double> Fields::number(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) -> std::optional<double> {
    double number = 0;
    const char* const end = node.text.data() + node.text.size();
    const auto [rest, error] = std::from_chars(node.text.data(), end, number);
    if (node.kind == NodeKind::kScalar && error == std::errc() && rest == end &&
        std::isfinite(number))
      return number;
    report_.error(node, fmt::format("{} has to be a number", what(field)));
    return std::nullopt;
  });
}

std::optional<Duration> Fields::duration(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) {
    return read_duration(report_, node, what(field), {static_cast<std::int64_t>(field.min)});
  });
}

std::optional<std::uint64_t> Fields::bytes(std::string_view key) const {
  return read(key, [this](const Node& node, const Field& field) {
    return read_bytes(report_, node, what(field));
  });
}

std::shared_ptr<const TimeZone> Fields::time_zone(std::string_view key) const {
  return read(key,
              [this, key](const Node& node, const Field& field) -> std::shared_ptr<const TimeZone> {
                const auto name = read_text(report_, node, what(field));
                if (!name) return nullptr;
                auto zone = TimeZone::load(*name);
                if (zone) return std::move(*zone);
                const std::vector<std::string> names = TimeZone::names();
                const std::vector<std::string_view> known(names.begin(), names.end());
                const std::string_view meant = closest(*name, known);
                report_.error(node, zone.error().message,
                              meant.empty() ? fmt::format("for example '{}: Europe/Berlin'", key)
                                            : fmt::format("did you mean '{}'?", meant));
                return nullptr;
              });
}

std::optional<Fields> Fields::map(std::string_view key) const {
  const Node* const node = find(key);
  if (node == nullptr) return std::nullopt;
  return Fields(report_, *node, *row(key).section);
}

bool check_name(Report& report, const Node& at, const NameRule& rule, std::string_view name) {
  if (rule.is_valid(name)) return true;
  report.error(at, fmt::format("'{}' cannot be the name of a {}", name.substr(0, 60), rule.what),
               std::string(rule.in_words));
  return false;
}

std::optional<std::string> read_text(Report& report, const Node& node, std::string_view what) {
  if (node.kind != NodeKind::kScalar) {
    report.error(node, fmt::format("{} has to be a text, this is {}", what, describe(node.kind)));
    return std::nullopt;
  }
  if (node.text.empty()) {
    report.error(node, fmt::format("{} is empty", what));
    return std::nullopt;
  }
  return node.text;
}

std::optional<bool> read_bool(Report& report, const Node& node, std::string_view what) {
  if (node.kind == NodeKind::kScalar && (node.text == "true" || node.text == "false"))
    return node.text == "true";
  report.error(node, fmt::format("{} has to be true or false", what));
  return std::nullopt;
}

std::optional<std::size_t> read_word(Report& report, const Node& node, std::string_view what,
                                     std::span<const std::string_view> words) {
  const auto found = std::find(words.begin(), words.end(), node.text);
  if (node.kind == NodeKind::kScalar && found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  if (node.kind != NodeKind::kScalar) {
    report.error(node, fmt::format("{} has to be a word, this is {}", what, describe(node.kind)),
                 did_you_mean("", words));
  } else {
    report.error(node, fmt::format("unknown {} {}", what, in_quotes(node.text)),
                 did_you_mean(node.text, words));
  }
  return std::nullopt;
}

std::optional<StartOffset> read_offset(Report& report, const Node& node) {
  std::optional<std::size_t> word;
  std::optional<std::uint64_t> records = 0;
  if (node.kind == NodeKind::kMap) {
    const Fields fields(report, node, kOffset);
    records = fields.count("value");
    word = fields.word("position");
  } else {
    word = read_word(report, node, "starting offset", kOffsetWords);
  }
  if (!word || !records) return std::nullopt;
  return StartOffset{.is_from_end = *word % 2 != 0, .records = *records};
}

}  // namespace gameflow::spec
