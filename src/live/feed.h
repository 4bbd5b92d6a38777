// The answers of one query that is asked again and again, as versions: a follower gets the rows as
// they are, then what changes of them.
//
// Followers pull, and hold nothing but the number of the version that they have: one that is too
// far behind, or was away, gets the rows of now instead of all the changes. So a slow one costs
// nobody anything, and none ever misses a change.
//
// Messages are the members of a JSON object, without its braces; docs/reference/http.md has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "query/query.h"

namespace gameflow::live {

// {"code":…,"message":…}, as messages have it under "error".
std::string error_json(const Error& error);

// What equal queries share.
struct Question {
  std::string sql;
  query::Parameters parameters;  // in order of their names
  std::vector<std::string> key;  // columns that tell rows apart; none: each change is all rows
  std::size_t rows_max = 0;

  // Equal for equal questions.
  std::string text() const;
};

// Threads  any.
class Feed {
 public:
  using Message = std::shared_ptr<const std::string>;

  explicit Feed(Question question);

  const Question& question() const { return question_; }

  // A new version, if something is another than before. True: there is one.
  bool set(const query::Answer& answer, Timestamp at);
  bool set(const Error& error, Timestamp at);

  // Where a follower is that has what `version`, of an earlier message, says; at the begin where
  // that is not known here.
  std::uint64_t place_of(std::string_view version) const;
  // What brings a follower to a later version, and moves its place there; null where it has the
  // last.
  Message next(std::uint64_t& place) const;

 private:
  struct Row {
    std::string key, json;  // JSON of the key's columns, and of all
  };
  struct Change {
    std::uint64_t number;  // of the version that it makes of the one before
    Message message;
  };

  Result<std::vector<Row>> rows_of(const query::Answer& answer) const;
  std::string version_of(std::uint64_t number) const;
  std::optional<std::string> difference(std::span<const Row> rows) const GF_REQUIRES(mutex_);
  std::string whole() const GF_REQUIRES(mutex_);
  void advance(Timestamp at, std::optional<std::string> difference) GF_REQUIRES(mutex_);

  const Question question_;
  const std::string name_;  // in versions: those of another feed are not known
  mutable Mutex mutex_;
  std::uint64_t number_ GF_GUARDED_BY(mutex_) = 0;  // of the last version; 0: there is none
  Timestamp at_ GF_GUARDED_BY(mutex_){};
  std::string columns_ GF_GUARDED_BY(mutex_), reads_ GF_GUARDED_BY(mutex_);  // JSON
  std::vector<Row> rows_ GF_GUARDED_BY(mutex_);
  bool truncated_ GF_GUARDED_BY(mutex_) = false;
  std::string error_ GF_GUARDED_BY(mutex_);  // JSON; empty: there are rows
  std::deque<Change> changes_ GF_GUARDED_BY(mutex_);
  std::size_t change_bytes_ GF_GUARDED_BY(mutex_) = 0;
  mutable Message whole_ GF_GUARDED_BY(mutex_);  // null until somebody asks
};

}  // namespace gameflow::live
