#include "client/record_line.h"

#include <string>
#include <utility>

namespace gameflow::client {

Result<RecordLine> parse_record_line(std::string_view line) {
  // A key cannot hold the mark, its quotes are escaped.
  constexpr std::string_view kMark = ",\"value\":";
  const std::size_t mark = line.find(kMark);
  boost::system::error_code error;
  boost::json::value head;
  if (mark != std::string_view::npos)
    head = boost::json::parse(std::string(line.substr(0, mark)) + '}', error);
  if (error || !head.is_object() || !line.ends_with('}'))
    return fail(ErrorCode::kUnavailable, "the answer is not that of a gameflow server");
  const std::size_t begin = mark + kMark.size();
  return RecordLine{std::move(head.get_object()), line.substr(begin, line.size() - begin - 1)};
}

}  // namespace gameflow::client
