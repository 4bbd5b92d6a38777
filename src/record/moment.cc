#include "record/moment.h"

#include <gameflow/time.h>

namespace gameflow::record {

std::optional<Timestamp> parse_moment(std::string_view text, Timestamp now) {
  i64 ms = 0;
  if (parse_time(text, &ms)) return Timestamp{ms};
  if (text.starts_with('-')) text.remove_prefix(1);
  if (const auto back = parse_duration(text)) return now - *back;
  return std::nullopt;
}

}  // namespace gameflow::record
