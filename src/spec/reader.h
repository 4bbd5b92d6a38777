// Reading nodes: each function returns the value, or reports what is wrong and where and returns
// nothing, so that a caller goes on and finds the next mistake.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "spec/diagnostic.h"
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
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

// A key that means something in SDF or is often tried, and what to say about it.
struct KnownButRefused {
  std::string_view key, message, hint;
};

// The keys of a map. Everything that is not in `keys` is reported when this is made.
class Fields {
 public:
  // `what` names the map in messages: "a service".
  Fields(Report& report, const Node& node, std::string what,
         const std::vector<std::string_view>& keys,
         const std::vector<KnownButRefused>& refused = {});

  bool is_map() const { return node_.kind == NodeKind::kMap; }
  // Null if absent; present without a value is reported and null.
  const Node* find(std::string_view key) const;
  // The same, but absence is reported, with `hint`.
  const Node* require(std::string_view key, std::string hint = {}) const;

 private:
  Report& report_;
  const Node& node_;
  std::string what_;
};

std::string_view describe(NodeKind kind);  // "a list"

std::optional<std::string> read_text(Report& report, const Node& node, std::string_view what);
std::optional<bool> read_bool(Report& report, const Node& node, std::string_view what);
std::optional<std::uint64_t> read_count(Report& report, const Node& node, std::string_view what,
                                        std::uint64_t min, std::uint64_t max);
std::optional<Duration> read_duration(Report& report, const Node& node, std::string_view what,
                                      Duration min);
// "10GiB", "500MB", "4096".
std::optional<std::uint64_t> read_bytes(Report& report, const Node& node, std::string_view what);
// One of `words`, or an error with what there is; the index.
std::optional<std::size_t> read_word(Report& report, const Node& node, std::string_view what,
                                     const std::vector<std::string_view>& words);
// The format of records: `json`, the only one yet.
void read_converter(Report& report, const Node& node);
// `beginning`, `end` or {value: 0, position: Beginning}.
std::optional<StartOffset> read_offset(Report& report, const Node& node);

}  // namespace gameflow::spec
