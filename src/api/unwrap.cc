#include "api/unwrap.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/closest.h"
#include "record/json_split.h"

namespace gameflow::api {
namespace {

// What programs call the array in which they send records.
constexpr std::array<std::string_view, 5> kUsualNames{"records", "events", "batch", "messages",
                                                      "data"};
constexpr std::size_t kNamesShownMax = 20;

std::string members_hint(std::string_view object, std::string_view path) {
  std::vector<std::string_view> names = record::member_names(object);
  if (names.empty()) return "it is empty";
  names.resize(std::min(names.size(), kNamesShownMax));
  return closest_or_all(path.substr(0, path.find('.')), names, "members");
}

}  // namespace

Result<std::vector<std::string_view>> unwrap(std::string_view object, std::string_view path) {
  if (!object.starts_with('{') || !record::is_one_value(object))
    return fail(
        ErrorCode::kInvalidJson,
        fmt::format("unwrap={} is for objects such as {{\"{}\":[…]}}; this is none, or does "
                    "not end: {}",
                    path, path, object.substr(0, 50)));
  const std::optional<std::string_view> array = record::find_member(object, path);
  if (!array)
    return fail(ErrorCode::kMissingField,
                fmt::format("unwrap={}, but the body has no such member; {}", path,
                            members_hint(object, path)));
  if (!array->starts_with('['))
    return fail(
        ErrorCode::kWrongType,
        fmt::format("unwrap={} names the array that holds the records, but this is none: {}", path,
                    array->substr(0, 50)));
  return record::split_json(*array);
}

std::string unwrap_hint(std::string_view value, const record::Type* type) {
  for (const std::string_view name : kUsualNames) {
    if (type != nullptr && type->find(name) != nullptr) continue;
    const std::optional<std::string_view> member = record::find_member(value, name);
    if (!member || !member->starts_with('[')) continue;
    // As Kafka's REST proxies take them: each record is in a "value".
    const auto records = record::split_json(*member);
    if (records && !records->empty() && record::find_member(records->front(), "value"))
      return fmt::format(
          "; if the records are the \"value\" of what lies in \"{}\", send it as "
          "application/vnd.kafka.json.v2+json",
          name);
    return fmt::format("; if the records are what lies in \"{}\", add ?unwrap={}", name, name);
  }
  return {};
}

}  // namespace gameflow::api
