// Records that say where they go, {"topic":"scores","key":"ann","value":{"score":7}}, and those
// that have a key only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/record_checker.h"

namespace gameflow::api {

// Takes those of one body, for as many topics as they name.
//
// Threads  one.
class Envelopes {
 public:
  // References outlive the object. `known`: as RecordChecker::Settings. `find` is asked for the
  // empty name if the records name no topic.
  Envelopes(Turns& turns, CheckScratch& scratch, const FindTopic& find,
            const ProduceOptions& options, bool have_topics, Timestamp now, std::uint64_t known,
            CheckedBody& out);

  // As RecordChecker.
  void add(std::string_view record, std::size_t bytes_after);
  void finish();

 private:
  // What a name came to.
  struct Found {
    Destination to;
    std::optional<RecordChecker> checker;  // nothing: none may go there, as `error` says
    Error error;
  };
  Found& find(std::string_view name);

  Turns& turns_;
  CheckScratch& scratch_;
  const FindTopic& find_;
  const RecordChecker::Settings settings_;
  const bool have_topics_, are_keyed_, is_unwrapped_;
  CheckedBody& out_;
  std::map<std::string, Found, std::less<>> found_;
  std::string around_;  // the record at hand without its value
};

}  // namespace gameflow::api
