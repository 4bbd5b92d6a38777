// Where the records of a request's body begin and end. Views into the body; no copies.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "api/api.h"
#include "record/codec.h"
#include "record/json_split.h"

namespace gameflow::api {

inline bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// What a body of any form is.
inline BodyFormat format_of(std::string_view body, BodyFormat format, bool is_raw = false) {
  if (format != BodyFormat::kAny) return format;
  return !is_raw && record::is_one_value(body) ? BodyFormat::kJson : BodyFormat::kNdjson;
}

// The records of a body, one after the other: its lines without the white space around them. Blank
// lines are none.
class Lines {
 public:
  explicit Lines(std::string_view body) : rest_(body) {}

  bool next(std::string_view& line) {
    while (!rest_.empty()) {
      const void* const newline = std::memchr(rest_.data(), '\n', rest_.size());
      const std::size_t size =
          newline == nullptr
              ? rest_.size()
              : static_cast<std::size_t>(static_cast<const char*>(newline) - rest_.data());
      line = rest_.substr(0, size);
      rest_.remove_prefix(std::min(rest_.size(), size + 1));
      while (!line.empty() && is_space(line.front())) line.remove_prefix(1);
      while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
      if (!line.empty()) return true;
    }
    return false;
  }

  // The lines from `line` on, the last one that next() gave, that are good to announce to the
  // decoder together, as they stand in the body. Empty if that is only one: nothing is gained then.
  std::string_view run(std::string_view line) const {
    const std::string_view alone(line.data(), 0);
    const auto after = static_cast<std::size_t>(rest_.data() - line.data());
    if (rest_.empty() || after >= record::kLookAheadBytes) return alone;
    const std::string_view more = rest_.substr(0, record::kLookAheadBytes - after);
    const char* end = more.data() + more.size();
    if (more.size() < rest_.size()) {
      end = static_cast<const char*>(::memrchr(more.data(), '\n', more.size()));
      if (end == nullptr) return alone;
    }
    return {line.data(), static_cast<std::size_t>(end - line.data())};
  }

 private:
  std::string_view rest_;
};

// Likewise: the elements of a JSON array, or its only value.
class Elements {
 public:
  explicit Elements(std::vector<std::string_view> elements) : elements_(std::move(elements)) {}

  bool next(std::string_view& element) {
    if (next_ == elements_.size()) return false;
    element = elements_[next_++];
    return true;
  }

  std::string_view run(std::string_view element) const {
    std::size_t size = 0;
    for (std::size_t i = next_; i < elements_.size(); ++i) {
      if (element.empty() || elements_[i].empty()) break;
      const auto longer =
          static_cast<std::size_t>(elements_[i].data() + elements_[i].size() - element.data());
      if (longer > record::kLookAheadBytes) break;
      size = longer;
    }
    return {element.data(), size};
  }

 private:
  std::vector<std::string_view> elements_;
  std::size_t next_ = 0;
};

// Announces the records of a body to the decoder that reads them first, many at once.
class Announcer {
 public:
  Announcer(std::string_view body, record::Decoder& decoder)
      : announced_(body.data()), decoder_(decoder) {}

  // `value` is the last one of `values`, and is read next.
  template <class Values>
  void announce(const Values& values, std::string_view value) {
    if (value.data() < announced_) return;
    const std::string_view run = values.run(value);
    decoder_.look_ahead(run);
    announced_ = run.data() + run.size();
  }

 private:
  const char* announced_;  // up to here
  record::Decoder& decoder_;
};

}  // namespace gameflow::api
