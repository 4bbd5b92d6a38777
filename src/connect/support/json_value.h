// A value of JSON as a view of its text: numbers keep their digits, nothing is copied.
//
// Errors   parse() gives nothing for what is no JSON (or is nested more than 128 deep). Everything
//          else is for values that it has accepted.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gameflow::connect {

class JsonValue {
 public:
  enum class Kind { kNull, kBool, kNumber, kText, kList, kObject };

  // `text` must outlive the value.
  static std::optional<JsonValue> parse(std::string_view text);

  Kind kind() const;
  bool is(Kind kind) const { return this->kind() == kind; }
  // As it stands in the text.
  std::string_view raw() const { return raw_; }
  // Of a text, what it says; of anything else, raw().
  std::string text() const;
  std::optional<double> number() const;

  // The value at a path of fields, `user_data.region`; of repeated fields the last one. The empty
  // path and "." are the value itself. Nothing where a field is absent.
  std::optional<JsonValue> at(std::string_view path) const;
  // The elements of a list; nothing of any other kind.
  std::vector<JsonValue> items() const;
  // The names and values of an object; nothing of any other kind.
  std::vector<std::pair<std::string, JsonValue>> members() const;

 private:
  explicit JsonValue(std::string_view raw) : raw_(raw) {}
  std::optional<JsonValue> field(std::string_view name) const;
  template <class Visit>
  void each_member(Visit visit) const;

  std::string_view raw_;  // without white space around it
};

// `text` as a text of JSON, with its quotes. Bytes that are no UTF-8 stay as they are.
std::string json_text(std::string_view text);
void append_json_text(std::string& out, std::string_view text);

// What becomes rows, lines or metrics of a record: the value itself or, where it is a list, each of
// its items; with `path`, those of the list that is there (none where it is absent or null).
std::vector<JsonValue> items_of(const JsonValue& record, std::string_view path);

}  // namespace gameflow::connect
