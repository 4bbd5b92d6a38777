// Records that could not be processed: what was wrong, their origin, and their original bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "record/batch.h"

namespace gameflow::runtime {

struct DeadLetter {
  std::string_view service;
  std::string_view op;  // "decode", or the YAML key of the function: "filter", "update-state", …
  ErrorCode code = ErrorCode::kOperatorFailed;
  std::string field;  // decode only: dotted path; may be empty
  std::string reason;
  // The record; nothing for a result, which concerns a window.
  struct Origin {
    std::string_view topic;
    std::uint32_t partition = 0;
    std::optional<record::Offset> offset;  // nothing: it is not in the topic
    record::RecordView record;
  };
  std::optional<Origin> origin;
  std::optional<Timestamp> window_start;
  // Of sessions, which their start alone does not tell.
  std::optional<Timestamp> window_end = {};
  std::optional<std::string> row_key = {};  // as text; of one session
  // For a person: what failed, where it is neither a record nor a window, nor a row that ran out.
  std::string subject = {};
};

// One line of JSON. docs/formats/dead-letter.md.
std::string to_json(const DeadLetter& letter);

// Where a service with `on-error: fail` has stopped, and why.
struct Stop {
  std::string op, reason;
  std::string topic;  // empty: no record was at fault, but a window or a row that ran out
  std::uint32_t partition = 0;
  record::Offset offset;
  std::optional<Timestamp> window_start;
  std::string subject = {};  // of the dead letter
};
Stop stop_at(const DeadLetter& letter);
// A sentence for a person.
std::string to_text(std::string_view service, const Stop& stop);

}  // namespace gameflow::runtime
