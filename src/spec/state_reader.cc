#include "spec/state_reader.h"

#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

// As abi::kStatesMax.
constexpr std::size_t kStatesMax = 32;

}  // namespace

std::vector<State> StateReader::read(const Node& map) {
  if (map.kind != NodeKind::kMap || map.keys.empty()) {
    report_.error(map, "'states' has to be a map with at least one state");
    return {};
  }
  std::vector<State> states;
  std::set<std::string> accessors, rows;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const Node& key = map.keys[i];
    const std::string accessor = to_snake_case(key.text);
    const std::string row = to_pascal_case(key.text) + "Row";
    if (!check_name(report_, key, kStateName, key.text)) {
      // told
    } else if (const auto reason = reserved_as(accessor)) {
      report_.error(
          key,
          fmt::format("'{}' cannot be the name of a state: {} is {}", key.text, accessor, *reason),
          "choose another name");
    } else if (!accessors.insert(accessor).second) {
      report_.error(key, fmt::format("two states are called {} in C++", accessor), "rename one");
    } else if (!rows.insert(row).second) {
      report_.error(key, fmt::format("the rows of two states are called {} in C++", row),
                    "rename one");
    } else if (types_.has_struct(row)) {
      report_.error(
          key,
          fmt::format("the rows of state '{}' are called {} in C++, as a type is", key.text, row),
          "rename the state or the type");
    }
    if (auto state = read_state(key, map.items[i])) states.push_back(std::move(*state));
  }
  if (map.keys.size() > kStatesMax)
    report_.error(map, fmt::format("a service has at most {} states", kStatesMax));
  for (const State& state : states) {
    const State& first = states.front();
    if (state.key == first.key) continue;
    report_.error(
        *map.find(state.name)->find("properties")->find("key"),
        fmt::format("state '{}' has a key of type {}, but state '{}' of type {}", state.name,
                    record::to_string(state.key), first.name, record::to_string(first.key)),
        "'assign-key' makes one key, which all states of the service share");
  }
  return states;
}

std::optional<State> StateReader::read_state(const Node& key, const Node& body) {
  const Fields fields(report_, body, kState);
  if (body.find("from") != nullptr) return std::nullopt;
  if (!fields.word("type") && body.find("type") != nullptr) return std::nullopt;
  const auto properties = fields.map("properties");
  if (!properties) return std::nullopt;
  State state;
  state.name = key.text;
  state.position = key.position;
  bool has_key = false;
  if (const Node* const node = properties->find("key")) {
    const record::Type* const type = types_.read(*node, kKeyType, "the key of a state", "");
    has_key = type != nullptr && is_key_kind(type->kind);
    if (has_key) state.key = type->kind;
    if (type != nullptr && !has_key)
      report_.error(*node, "the key of a state has to be a string, an integer or a bool");
  }
  if (const auto row = properties->map("value")) state.type = read_row(*row);
  return has_key && state.type != nullptr ? std::optional(std::move(state)) : std::nullopt;
}

const record::Type* StateReader::read_row(const Fields& fields) {
  const Node* const type = fields.find("type");
  if (type == nullptr) return nullptr;
  if (type->text != kRow.fields.front().words.front()) {
    report_.error(
        *type,
        fmt::format("the value of a state cannot be of type '{}' yet", type->text.substr(0, 60)),
        "write 'type: arrow-row' and 'properties: { value: { type: … } }'");
    return nullptr;
  }
  const Node* const columns = fields.find("properties");
  return columns == nullptr ? nullptr : types_.read_row(*columns);
}

}  // namespace gameflow::spec
