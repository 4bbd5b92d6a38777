// The keys of dataflow.yaml as data. A section is a map of the file, and its fields are the keys
// that it may have: reading them, "did you mean", the tables of docs/reference/dataflow-yaml.md and
// the JSON schema for editors all come from these rows. The rows themselves: sections.h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gameflow::spec {

enum class ValueKind : std::uint8_t {
  kText,       // any text
  kName,       // a text that `names` allows
  kType,       // a built-in type, or the name of one in section `types`
  kWord,       // one of `words`
  kBool,       // true or false
  kValue,      // any value
  kCount,      // a whole number from `min` to `max`
  kFraction,   // a number with a point, in millionths from `min` to `max`
  kNumber,     // any number
  kDuration,   // at least `min` ms
  kBytes,      // a size
  kCode,       // C++
  kTexts,      // a list of texts, at least `min`
  kMap,        // a map of `section`
  kWordOrMap,  // one of `words`, or a map of `section`
  kList,       // of maps of `section`, at least `min`
  kNamed,      // from names, which `names` allows, to maps of `section`; at least `min`
  // Of dashboards. A field that may be left out but needs a column has `min` 1: it means one that
  // fits, of those that no other field of its map names.
  kSql,            // a SELECT statement; columns beside and below it are those of its answer
  kAnswerColumn,   // a column
  kAnswerColumns,  // a list of columns, at least one
  kColumnsByName,  // a map from names, which `names` allows, to columns
};

// A key, or a word as a value, that means something in SDF or is often tried, and what to say of
// it.
struct KnownButRefused {
  std::string_view key, message, hint;
};

// What something may be called.
struct NameRule {
  std::string_view what;  // "topic", for messages
  bool (*is_valid)(std::string_view);
  std::string_view in_words;
  std::string_view pattern;  // the same as a regular expression of ECMAScript
};

struct Section;

// Empty, zero or null: it does not matter for this kind, or there is none.
struct Field {
  std::string_view key;
  ValueKind kind = ValueKind::kText;
  bool is_required = false;
  std::string_view fallback;  // what counts where the key is absent, as one would write it
  std::string_view doc;       // what it means, for pages and editors; Markdown
  std::string_view hint;      // what to write, where it is missing
  std::string_view what;      // in messages; else the key in quotes
  std::uint64_t min = 0, max = 0;
  std::span<const std::string_view> words;
  std::span<const KnownButRefused> refused_words;
  const NameRule* names = nullptr;
  const Section* section = nullptr;
};

// More fields of a section, where its first field has the value `word`.
struct Variant {
  std::string_view word;
  std::span<const Field> fields;
};

struct Section {
  std::string_view id;    // in the JSON schema, unique: "retention"
  std::string_view name;  // in messages: "a topic", "'retention'"
  std::span<const Field> fields;
  std::span<const KnownButRefused> refused;
  std::span<const Variant> variants;
  bool may_be_empty = false;  // nothing below the key means that all is as by default
};

}  // namespace gameflow::spec
