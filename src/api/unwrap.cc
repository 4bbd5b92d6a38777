#include "api/unwrap.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "base/closest.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/json_split.h"

namespace gameflow::api {
namespace {

// What programs call the array in which they send records.
constexpr std::array<std::string_view, 5> kUsualNames{"records", "events", "batch", "messages",
                                                      "data"};
constexpr std::size_t kNamesShownMax = 20;

std::string members_hint(std::string_view object, std::string_view name) {
  std::vector<std::string_view> names = record::member_names(object);
  if (names.empty()) {
    const bool is_empty = object.find_first_not_of(" \t\r\n", 1) == object.size() - 1;
    return is_empty ? "it is empty" : "it is no valid JSON";
  }
  names.resize(std::min(names.size(), kNamesShownMax));
  return closest_or_all(name, names, "members");
}

// Where `path` leads nowhere in `object`: "the body has no member 'b'; did you mean 'c'?".
std::string dead_end(std::string_view object, std::string_view path) {
  std::string_view at = object;
  for (std::size_t begin = 0, end = 0; end < path.size(); begin = end + 1) {
    end = std::min(path.find('.', begin), path.size());
    const std::string_view name = path.substr(begin, end - begin);
    const std::string where =
        begin == 0 ? "the body" : fmt::format("'{}' in it", path.substr(0, begin - 1));
    if (!at.starts_with('{')) return fmt::format("{} is no object", where);
    const std::optional<std::string_view> member = record::find_member(at, name);
    if (!member)
      return fmt::format("{} has no member '{}'; {}", where, name, members_hint(at, name));
    at = *member;
  }
  return "the body has no such member";
}

// Whether `object` is JSON around its member `array` at `path`, which is the only one of its name.
Status check_around(std::string_view object, std::string_view array, std::string_view path) {
  const auto begin = static_cast<std::size_t>(array.data() - object.data());
  std::string around(object.substr(0, begin));
  around.append("[]").append(object.substr(begin + array.size()));
  const std::size_t size = around.size();
  around.append(record::kPaddingBytes, ' ');
  thread_local record::Decoder decoder;
  record::JsonMember last{.path = path, .json = {}};
  if (!decoder.check(std::string_view(around).substr(0, size), {&last, 1}))
    return fail(decoder.error().code,
                fmt::format("what stands around '{}' is no JSON; with [] in its place: {}", path,
                            decoder.error().message));
  if (!last.json || last.json->data() != around.data() + begin)
    return fail(ErrorCode::kWrongType,
                fmt::format("the object has '{}' twice: send the records in one array", path));
  return {};
}

}  // namespace

Result<std::vector<std::string_view>> unwrap(std::string_view object, std::string_view path) {
  if (!object.starts_with('{') || !record::is_one_value(object))
    return fail(
        ErrorCode::kInvalidJson,
        fmt::format("expected one object such as {{\"{}\":[…]}}; this is none, does not end, or "
                    "more follows: {}",
                    path, object.substr(0, 50)));
  const std::optional<std::string_view> array = record::find_member(object, path);
  if (!array)
    return fail(ErrorCode::kMissingField, fmt::format("the records should lie in '{}', but {}",
                                                      path, dead_end(object, path)));
  if (!array->starts_with('['))
    return fail(ErrorCode::kWrongType,
                fmt::format("the records should lie in '{}', but this is no array: {}", path,
                            array->substr(0, 50)));
  GF_TRY(check_around(object, *array, path));
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
