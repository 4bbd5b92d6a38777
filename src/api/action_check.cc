#include "api/action_check.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/closest.h"
#include "record/arena.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/type.h"

namespace gameflow::api {
namespace {

namespace json = boost::json;
using record::Kind;

std::string_view read_name(const record::Field& field) {
  return field.read_name.empty() ? std::string_view(field.name) : field.read_name;
}

// A value that the type takes, in place of one that is known only when somebody clicks; null where
// there is no such text or number.
json::value example_of(const record::Type& type) {
  switch (type.kind) {
    case Kind::kBool:
      return false;
    case Kind::kString:
    case Kind::kJson:
      return "x";
    case Kind::kBytes:
      return "eA==";
    case Kind::kEnum: {
      const record::Variant& first = type.variants.front();
      return json::string(first.read_name.empty() ? first.name : first.read_name);
    }
    case Kind::kTimestamp:
      return "2024-11-12T10:15:30.250Z";
    case Kind::kUnion:
    case Kind::kObject:
    case Kind::kList:
    case Kind::kMap:
      return nullptr;
    default:
      return 0;
  }
}

// Whether the text that a page sends for a `:name` that is no column may be of this kind: a time,
// an id, or what somebody writes.
bool may_be(Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::kString:
    case Kind::kJson:
      return true;
    case Kind::kTimestamp:
      return name != "id";
    case Kind::kBytes:
    case Kind::kDecimal:
    case Kind::kEnum:
      return name == "answer";
    default:
      return false;
  }
}

class ActionCheck {
 public:
  ActionCheck(const spec::DashboardAction& action, std::vector<spec::Diagnostic>& mistakes)
      : action_(action), mistakes_(mistakes) {}

  void tell(std::string message, std::string hint = {}) {
    mistakes_.push_back({.position = action_.position,
                         .length = action_.length,
                         .message = std::move(message),
                         .hint = std::move(hint)});
  }

  // The value with examples in it. `path` is where it stands, for messages.
  json::value filled(const json::value& value, const record::Type& type, const std::string& path) {
    if (value.is_string() && value.as_string().starts_with(':') && value.as_string().size() > 1) {
      const std::string_view name = std::string_view(value.as_string()).substr(1);
      const bool is_column = std::ranges::count(spec::kActionParameters, name) == 0;
      json::value example = example_of(type);
      if (example.is_null() || (!is_column && !may_be(type.kind, name)))
        tell(fmt::format("'{}' is {}, which ':{}' cannot be", path, to_string(type.kind), name));
      return example;
    }
    if (value.is_array() && type.kind == Kind::kList) {
      json::array items;
      for (const json::value& item : value.as_array())
        items.push_back(filled(item, *type.item, fmt::format("{}[{}]", path, items.size())));
      return items;
    }
    if (value.is_object() && type.kind == Kind::kMap) {
      json::object entries;
      for (const auto& [key, each] : value.as_object())
        entries[key] =
            filled(each, *type.map_value(), fmt::format("{}.{}", path, std::string_view(key)));
      return entries;
    }
    if (value.is_object() && type.kind == Kind::kObject)
      return filled(value.as_object(), type, path);
    return value;
  }

  json::value filled(const json::object& object, const record::Type& type,
                     const std::string& path) {
    std::vector<std::string_view> names;
    for (const record::Field& field : type.fields) names.push_back(read_name(field));
    json::object out;
    for (const auto& [name, value] : object) {
      const auto found = std::ranges::find(names, std::string_view(name));
      const std::string at = path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
      if (found == names.end()) {
        tell(fmt::format("records of topic '{}' have no field '{}'", action_.topic.name, at),
             closest_or_all(name, names, "fields"));
        continue;
      }
      const auto index = static_cast<std::size_t>(found - names.begin());
      out[name] = filled(value, *type.fields[index].type, at);
    }
    return out;
  }

 private:
  const spec::DashboardAction& action_;
  std::vector<spec::Diagnostic>& mistakes_;
};

}  // namespace

void check_action(const spec::DashboardAction& action, const plan::Graph& graph,
                  std::vector<spec::Diagnostic>& mistakes) {
  const plan::Topic* const topic = graph.find_topic(action.topic.name);
  if (topic == nullptr) {
    std::vector<std::string_view> names;
    for (const plan::Topic& each : graph.topics) names.emplace_back(each.name);
    const std::string_view meant = closest(action.topic.name, names);
    mistakes.push_back(
        {.position = action.topic.position,
         .length = action.topic.length,
         .message = fmt::format("there is no topic '{}' in the dataflow", action.topic.name),
         .hint = meant.empty() ? std::string() : fmt::format("did you mean '{}'?", meant)});
    return;
  }
  if (topic->type == nullptr) return;
  ActionCheck check(action, mistakes);
  const std::size_t before = mistakes.size();
  const json::value value = check.filled(action.record, *topic->type, "");
  if (mistakes.size() != before) return;
  std::string text = json::serialize(value);
  text.append(record::kPaddingBytes, '\0');
  record::BlockArena arena(4096);
  std::vector<std::max_align_t> slot(topic->type->size / sizeof(std::max_align_t) + 1);
  record::Decoder decoder;
  const std::string_view padded(text.data(), text.size() - record::kPaddingBytes);
  if (decoder.decode(*topic->type, padded, arena, slot.data())) return;
  const record::DecodeError& error = decoder.error();
  check.tell(fmt::format("the record does not fit topic '{}': {}{}{}", action.topic.name,
                         error.field, error.field.empty() ? "" : ": ", error.message));
}

}  // namespace gameflow::api
