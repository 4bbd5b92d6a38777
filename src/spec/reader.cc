#include "spec/reader.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gameflow::spec {
namespace {

constexpr Duration kDurationMax = {std::int64_t{36'500} * 24 * 3'600'000};

// Text of the user's in a message: one line, not too long.
std::string quoted(std::string_view text) {
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

}  // namespace

void Report::error(const Node& at, std::string message, std::string hint) {
  add({Severity::kError, at.position, at.length, std::move(message), std::move(hint)});
}

void Report::error(Position at, std::string message, std::string hint) {
  add({Severity::kError, at, 1, std::move(message), std::move(hint)});
}

void Report::warning(const Node& at, std::string message, std::string hint) {
  add({Severity::kWarning, at.position, at.length, std::move(message), std::move(hint)});
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

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (const std::string_view guess = closest(word, candidates); !guess.empty())
    return fmt::format("did you mean '{}'?", guess);
  constexpr std::size_t kShownMax = 20;
  if (candidates.empty()) return {};
  const auto shown =
      candidates.begin() + static_cast<std::ptrdiff_t>(std::min(candidates.size(), kShownMax));
  return fmt::format("known: {}{}", fmt::join(candidates.begin(), shown, ", "),
                     candidates.size() > kShownMax ? ", …" : "");
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

Fields::Fields(Report& report, const Node& node, std::string what,
               const std::vector<std::string_view>& keys,
               const std::vector<KnownButRefused>& refused)
    : report_(report), node_(node), what_(std::move(what)) {
  if (!is_map()) {
    report_.error(node_, fmt::format("{} has to be a map, this is {}", what_, describe(node.kind)),
                  fmt::format("its keys are {}", fmt::join(keys, ", ")));
    return;
  }
  for (const Node& key : node_.keys) {
    if (std::find(keys.begin(), keys.end(), key.text) != keys.end()) continue;
    const auto known = std::find_if(refused.begin(), refused.end(),
                                    [&](const KnownButRefused& r) { return r.key == key.text; });
    if (known != refused.end()) {
      report_.error(key, std::string(known->message), std::string(known->hint));
    } else {
      report_.error(key, fmt::format("unknown key {} in {}", quoted(key.text), what_),
                    did_you_mean(key.text, keys));
    }
  }
}

const Node* Fields::find(std::string_view key) const {
  const Node* const value = node_.find(key);
  if (value == nullptr || value->kind != NodeKind::kNull) return value;
  report_.error(*value, fmt::format("'{}' has no value", key), "give it one or remove the line");
  return nullptr;
}

const Node* Fields::require(std::string_view key, std::string hint) const {
  if (!is_map()) return nullptr;
  if (node_.find(key) == nullptr) {
    report_.error(node_, fmt::format("{} needs '{}'", what_, key), std::move(hint));
    return nullptr;
  }
  return find(key);
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

std::optional<std::uint64_t> read_count(Report& report, const Node& node, std::string_view what,
                                        std::uint64_t min, std::uint64_t max) {
  std::uint64_t count = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [rest, error] = std::from_chars(node.text.data(), end, count);
  const bool padded = node.text.size() > 1 && node.text[0] == '0';
  if (node.kind != NodeKind::kScalar || error != std::errc{} || rest != end || padded ||
      count < min || count > max) {
    report.error(node, fmt::format("{} has to be a whole number from {} to {}", what, min, max));
    return std::nullopt;
  }
  return count;
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

std::optional<std::size_t> read_word(Report& report, const Node& node, std::string_view what,
                                     const std::vector<std::string_view>& words) {
  const auto found = std::find(words.begin(), words.end(), node.text);
  if (node.kind == NodeKind::kScalar && found != words.end())
    return static_cast<std::size_t>(found - words.begin());
  if (node.kind != NodeKind::kScalar) {
    report.error(node, fmt::format("{} has to be a word, this is {}", what, describe(node.kind)),
                 did_you_mean("", words));
  } else {
    report.error(node, fmt::format("unknown {} {}", what, quoted(node.text)),
                 did_you_mean(node.text, words));
  }
  return std::nullopt;
}

void read_converter(Report& report, const Node& node) {
  if (node.text == "raw") {
    report.error(node, "converter 'raw' is not supported yet", "write 'converter: json'");
  } else {
    read_word(report, node, "converter", {"json"});
  }
}

std::optional<StartOffset> read_offset(Report& report, const Node& node) {
  const Node* word = &node;
  if (node.kind == NodeKind::kMap) {
    const Fields fields(report, node, "a starting offset", {"value", "position"});
    if (const Node* const value = fields.find("value"); value != nullptr && value->text != "0") {
      report.error(*value, "a distance from the beginning or end is not supported yet",
                   "write 0, or leave 'value' out");
    }
    word = fields.require("position", "write 'position: Beginning' or 'position: End'");
    if (word == nullptr) return std::nullopt;
  }
  const auto index =
      read_word(report, *word, "starting offset", {"beginning", "end", "Beginning", "End"});
  if (!index) return std::nullopt;
  return *index % 2 == 0 ? StartOffset::kBeginning : StartOffset::kEnd;
}

}  // namespace gameflow::spec
