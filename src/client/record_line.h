// A record as the server writes it on a line, and as it is sent: a head, then its value.
#pragma once

#include <string_view>

#include <boost/json.hpp>

#include "base/error.h"

namespace gameflow::client {

struct RecordLine {
  boost::json::object head;  // all but the value: topic, partition, offset, timestamp, key
  std::string_view value;    // as it stands in the line
};

// Only the head is parsed. kUnavailable if it is no such line.
Result<RecordLine> parse_record_line(std::string_view line);

}  // namespace gameflow::client
