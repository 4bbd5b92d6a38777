// Records for the other side as JSON on one line: what `output` of file-sink and http-sink says.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

inline constexpr std::string_view kRecordOutputs[] = {"value", "record"};

// Appends `value`, JSON that stands for that of the record; `with_place`: in an object with topic,
// partition, offset, timestamp_ms and key.
void append_record(std::string& out, const Delivery& record, std::string_view value,
                   bool with_place);

// Makes blanks of the line ends from `begin` on. In JSON they change nothing: within texts they are
// escaped.
void join_lines(std::string& text, std::size_t begin = 0);

}  // namespace gameflow::connect
