// Records of a partition as NDJSON, all or those with a text in them.
//
// Threads  pure functions; they read from the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "log/log.h"
#include "log/topics.h"
#include "record/type.h"

namespace gameflow::http {

struct RecordQuery {
  std::uint32_t partition = 0;
  log::Offset from;
  log::Offset end;            // from here on none, whatever there is
  std::uint64_t limit = 0;    // of records that are given
  std::string contains;       // in the key or the JSON, whatever the case of ASCII letters
  std::size_t bytes_max = 0;  // about so many are given,
  std::size_t scan_max = 0;   // and about so many looked at
  std::optional<record::Kind> raw = {};  // as of the topic
};

// Appends a line for each record, and returns where to go on: the end, or less where a limit came
// first. Errors as Log::read.
Result<log::Offset> read_records(const log::Log& log, log::TopicId topic, const RecordQuery& query,
                                 std::string& out);

// Whether `text` has `part` in it, but for the case of ASCII letters.
bool contains_ignoring_case(std::string_view text, std::string_view part);

}  // namespace gameflow::http
