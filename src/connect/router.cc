#include "connect/router.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "connect/dead_letter.h"
#include "record/batch.h"
#include "record/json_split.h"

namespace gameflow::connect {

Router::Router(const spec::Connector& connector, std::string dead_letter_topic)
    : connector_(connector), dead_letter_topic_(std::move(dead_letter_topic)) {
  if (connector.key_field) members_[kKey].path = *connector.key_field;
  if (connector.value_field) members_[kValue].path = *connector.value_field;
  if (connector.route) members_[kRoute].path = connector.route->field;
}

void Router::add_letter(const Record& record, std::string_view code, std::string_view reason,
                        std::string_view topic) {
  begins_.push_back(lines_.size());
  is_dead_.push_back(true);
  ++dead_;
  append_dead_letter({.connector = connector_.name,
                      .code = code,
                      .reason = reason,
                      .topic = topic,
                      .key = record.key,
                      .value = record.value},
                     dead_letter_topic_, lines_);
}

void Router::add_letter(std::string_view json) {
  begins_.push_back(lines_.size());
  is_dead_.push_back(true);
  ++dead_;
  append_line(dead_letter_topic_, std::nullopt, json, lines_);
}

std::optional<std::string_view> Router::text_of(const record::JsonMember& member) {
  if (!member.json) return std::nullopt;
  const std::string_view json = *member.json;
  if (json.starts_with('"') && json.find('\\') == std::string_view::npos)
    return json.substr(1, json.size() - 2);
  auto text = record::json_field(json, {});
  if (!text) return std::nullopt;
  text_ = std::move(*text);
  return text_;
}

std::optional<std::string_view> Router::topic_of(const Record& record) {
  if (!record.topic.empty()) return record.topic;
  const std::string_view otherwise =
      connector_.topics.empty() ? std::string_view() : std::string_view(connector_.topics.front());
  if (!connector_.route) return otherwise;
  const spec::Route& route = *connector_.route;
  if (const auto value = text_of(members_[kRoute])) {
    const auto found =
        std::ranges::find(route.topics, *value, &std::pair<std::string, std::string>::first);
    if (found != route.topics.end()) return found->second;
  }
  if (route.otherwise == spec::RouteOtherwise::kDrop) return std::nullopt;
  return route.otherwise == spec::RouteOtherwise::kTopic ? otherwise : std::string_view();
}

void Router::add(const Record& record) {
  padded_.assign(record.value);
  padded_.resize(record.value.size() + record::kPaddingBytes);
  const std::string_view json(padded_.data(), record.value.size());
  // One walk for all of it: 0.53 us of CPU a record, all of http-source; 0.84 with one for each.
  if (!decoder_.check(json, members_))
    return add_letter(record, "invalid_json", decoder_.error().message);
  const auto topic = topic_of(record);
  if (!topic) return;
  if (topic->empty()) {
    return add_letter(record, "missing_field",
                      fmt::format("no topic belongs to what field '{}' says",
                                  connector_.route ? connector_.route->field : ""));
  }
  if (connector_.value_field && !members_[kValue].json) {
    return add_letter(record, "missing_field",
                      fmt::format("it has no field '{}'", *connector_.value_field), *topic);
  }
  std::optional<std::string_view> key = record.key;
  if (!key) key = text_of(members_[kKey]);
  begins_.push_back(lines_.size());
  is_dead_.push_back(false);
  append_line(*topic, key, members_[kValue].json.value_or(json), lines_);
}

std::string_view Router::line(std::size_t index) const {
  const std::size_t begin = begins_[index];
  const std::size_t end = index + 1 < begins_.size() ? begins_[index + 1] : lines_.size();
  return std::string_view(lines_).substr(begin, end - begin);
}

void Router::clear() {
  lines_.clear();
  begins_.clear();
  is_dead_.clear();
  dead_ = 0;
}

}  // namespace gameflow::connect
