// Reading nodes: each function returns the value, or reports what is wrong and where and returns
// nothing, so that a caller goes on and finds the next mistake.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/time_zone.h"
#include "spec/diagnostic.h"
#include "spec/field.h"
#include "spec/model.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

// Collects diagnostics.
class Report {
 public:
  explicit Report(std::vector<Diagnostic> diagnostics) : diagnostics_(std::move(diagnostics)) {}

  void error(const Node& at, std::string message, std::string hint = {});
  void error(Position at, std::string message, std::string hint = {});
  void warning(const Node& at, std::string message, std::string hint = {});
  void add(Diagnostic diagnostic) { diagnostics_.push_back(std::move(diagnostic)); }

  bool is_empty() const { return diagnostics_.empty(); }
  // By position, each once: what an alias repeats is still one mistake. Warnings wait until there
  // are no errors, because most would only follow from those.
  std::vector<Diagnostic> take();

 private:
  std::vector<Diagnostic> diagnostics_;
};

// "did you mean 'sources'?", or else "known: sources, sinks", or nothing if nothing is known.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// The keys of a map, read by the rows of its section. Keys that have no row are reported when this
// is made; values when they are read. A value that has mistakes is as good as absent.
class Fields {
 public:
  // `what` names the map in messages, if not as the section does; `more` are further rows.
  Fields(Report& report, const Node& node, const Section& section, std::string_view what = {},
         std::span<const Field> more = {});

  bool is_map() const { return node_.kind == NodeKind::kMap; }
  // Whether what has been told of another key of the map says that it should be this one.
  bool is_told(std::string_view key) const;
  // Whether it has a key that it cannot have: told, and perhaps meant as one that is missing.
  bool has_unknown() const { return !meant_.empty(); }
  // The value of a key; null if it is absent, which is reported where it is required, or has none,
  // which is always reported.
  const Node* find(std::string_view key) const;
  // The same for a key that is required here, whatever its row says.
  const Node* require(std::string_view key) const;
  // What to write for it.
  std::string_view hint(std::string_view key) const { return row(key).hint; }

  // Values of each kind. Where a key is absent, what its row says counts, if anything.
  std::optional<std::string> text(std::string_view key) const;  // also of kName
  std::optional<std::size_t> word(std::string_view key) const;  // its index
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::uint64_t> count(std::string_view key) const;
  std::optional<std::uint64_t> fraction(std::string_view key) const;  // in millionths
  std::optional<double> number(std::string_view key) const;
  std::optional<Duration> duration(std::string_view key) const;
  std::optional<std::uint64_t> bytes(std::string_view key) const;
  std::shared_ptr<const TimeZone> time_zone(std::string_view key) const;  // null: absent
  std::optional<Fields> map(std::string_view key) const;

 private:
  template <class Read>
  auto read(std::string_view key, Read read) const;
  const Field& row(std::string_view key) const;
  std::string what(const Field& field) const;
  std::string_view only_missing() const;

  Report& report_;
  const Node& node_;
  const Section& section_;
  std::string what_;
  std::span<const Field> more_;
  std::vector<std::string> meant_;  // by keys that are told to be wrong
};

// Whether `name`, which stands at `at`, is allowed; else a report.
bool check_name(Report& report, const Node& at, const NameRule& rule, std::string_view name);

// The maps of a list, or of nothing; what else is in it is told, with an example.
std::vector<const Node*> maps_of(Report& report, const Node* list, std::string_view what,
                                 std::string_view example);

std::string_view describe(NodeKind kind);                 // "a list"
std::string format_millionths(std::uint64_t millionths);  // "0.01"

std::optional<std::string> read_text(Report& report, const Node& node, std::string_view what);
std::optional<bool> read_bool(Report& report, const Node& node, std::string_view what);
// One of `words`, or an error with what there is; the index.
std::optional<std::size_t> read_word(Report& report, const Node& node, std::string_view what,
                                     std::span<const std::string_view> words);
// `beginning`, `end` or {value: 5, position: Beginning}.
std::optional<StartOffset> read_offset(Report& report, const Node& node);

}  // namespace gameflow::spec
