#include "spec/state_reader.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

// As abi::kStatesMax.
constexpr std::size_t kStatesMax = 32;

// Of a column whose merge nobody needs, or is told to be wrong.
constexpr Merge kTold = Merge::kAny;

bool can_merge(record::Kind kind, Merge merge) {
  using enum record::Kind;
  switch (merge) {
    case Merge::kSum:
      return record::is_integer(kind) || kind == kF32 || kind == kF64 || kind == kDecimal;
    case Merge::kMin:
    case Merge::kMax:
      return kind != kList;
    case Merge::kFirst:
    case Merge::kLast:
    case Merge::kAny:
      return true;
  }
  return false;
}

// What stands beside the type of a single value.
std::span<const Field> fields_beside(std::string_view type) {
  const auto found = std::ranges::find(kRow.variants, type, &Variant::word);
  return found == kRow.variants.end() ? std::span<const Field>() : found->fields;
}

// The keys that the value of a state may have, besides those of any.
std::vector<Field> fields_of_value(const Node& value) {
  std::vector<Field> fields;
  const Node* const type = value.find("type");
  // What only another type has is not told where the type itself is wrong.
  const bool is_wrong = type != nullptr &&
                        std::ranges::count(kRow.fields[0].words, std::string_view(type->text)) == 0;
  for (const Variant& variant : kRow.variants) {
    if (is_wrong || (type != nullptr && type->text == variant.word))
      fields.insert(fields.end(), variant.fields.begin(), variant.fields.end());
  }
  return fields;
}

// What stands for the short form of a single value: one column, `value`, of this type. `from` has
// the keys beside the type.
Node column_of(const Node& type, const Node* from) {
  const auto key_of = [](Node at, std::string_view text) {
    at.kind = NodeKind::kScalar;
    at.text = text;
    return at;
  };
  Node column = type;
  column.kind = NodeKind::kMap;
  column.keys = {key_of(type, "type")};
  column.items = {type};
  const auto copy = [&](std::string_view key) {
    const Node* const node = from == nullptr ? nullptr : from->find(key);
    if (node == nullptr) return;
    column.keys.push_back(key_of(*node, key));
    column.items.push_back(*node);
  };
  copy("merge");
  for (const Field& field : fields_beside(type.text)) copy(field.key);
  Node row = column;
  row.keys = {key_of(type, "value")};
  row.items = {std::move(column)};
  return row;
}

}  // namespace

void StateReader::read(const Node& map, Service& service) {
  if (map.kind != NodeKind::kMap || map.keys.empty()) {
    report_.error(map, "'states' has to be a map with at least one state");
    return;
  }
  std::vector<State>& states = service.states;
  std::set<std::string> accessors, rows;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const Node& key = map.keys[i];
    const std::string accessor = to_snake_case(key.text);
    const std::string row = to_pascal_case(key.text) + "Row";
    if (!check_name(report_, key, kStateName, key.text)) {
      // told
    } else if (const auto reason = reserved_as_accessor(accessor)) {
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
    if (map.items[i].find("from") != nullptr) {
      if (auto reference = read_reference(key, map.items[i]))
        service.references.push_back(std::move(*reference));
    } else if (auto state = read_state(key, map.items[i])) {
      states.push_back(std::move(*state));
    } else {
      service.has_bad_states = true;
    }
  }
  if (map.keys.size() > kStatesMax)
    report_.error(map, fmt::format("a service has at most {} states", kStatesMax));
  check_keys(map, states);
}

void StateReader::check_keys(const Node& map, const std::vector<State>& states) {
  for (const State& state : states) {
    const State& first = states.front();
    if (state.key == first.key) continue;
    report_.error(
        *map.find(state.name)->find("properties")->find("key"),
        fmt::format("state '{}' has a key of type {}, but state '{}' of type {}", state.name,
                    record::to_string(state.key), first.name, record::to_string(first.key)),
        "'assign-key' makes one key, which all states of the service share");
  }
}

// SERVICE.STATE; whether there is such a state is known when all services are read.
std::optional<StateReference> StateReader::read_reference(const Node& key, const Node& body) {
  const Fields fields(report_, body, kState);
  const auto text = fields.text("from");
  for (const std::string_view other : {"type", "properties", "uses"}) {
    if (const Node* const at = body.find_key(other))
      report_.error(*at, fmt::format("a state with 'from' has no '{}' of its own", other),
                    "remove it");
  }
  if (!text) return std::nullopt;
  const std::size_t dot = text->find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == text->size()) {
    report_.error(*body.find("from"),
                  fmt::format("'from' has to be SERVICE.STATE, not '{}'", text->substr(0, 60)),
                  "for example 'from: price-keeper.prices'");
    return std::nullopt;
  }
  return StateReference{key.text, body.find("from")->position, text->substr(0, dot),
                        text->substr(dot + 1)};
}

// A state of a package: `{ uses: NAME }`, or nothing below its name.
std::optional<State> StateReader::read_use(const Node& key, const Node& name) {
  const auto found = imports_.states.find(name.text);
  if (found == imports_.states.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, state] : imports_.states) names.emplace_back(known);
    report_.error(name, fmt::format("no state '{}' is imported", name.text.substr(0, 60)),
                  names.empty() ? "write 'states: [{ name: … }]' in an import of a package"
                                : did_you_mean(name.text, names));
    return std::nullopt;
  }
  if (!found->second) return std::nullopt;  // it has mistakes, which are told
  State state = *found->second;
  state.name = key.text;
  state.position = key.position;
  if (is_in_window_ && state.ttl) {
    report_.error(name,
                  fmt::format("state '{}' has a 'ttl', but a row in a window lives as long as "
                              "its window",
                              name.text),
                  "use it in a 'partition' without window");
  }
  return state;
}

std::optional<State> StateReader::read_definition(const Node& key, const Node& body) {
  for (const std::string_view other : {"from", "uses"}) {
    if (const Node* const at = body.find_key(other)) {
      report_.error(*at, "a package defines its states", "write 'type' and 'properties'");
      return std::nullopt;
    }
  }
  is_in_package_ = true;
  return read_state(key, body);
}

void StateReader::read_expiry(const Node& body, State& state) {
  names_.state = &state;
  const Node& row = *body.find("properties")->find("value");
  Report told({});  // once, by read_definition()
  read_on_expire(Fields(told, row, kRow), row, state);
}

std::optional<State> StateReader::read_state(const Node& key, const Node& body) {
  if (body.kind == NodeKind::kNull && imports_.states.contains(key.text)) return read_use(key, key);
  const Fields fields(report_, body, kState);
  if (!fields.is_map()) return std::nullopt;
  if (const Node* const uses = fields.find("uses")) {
    for (const std::string_view other : {"type", "properties"}) {
      if (const Node* const at = body.find_key(other))
        report_.error(*at, fmt::format("a state with 'uses' has no '{}' of its own", other),
                      "remove it");
    }
    if (!read_text(report_, *uses, "the name of a state")) return std::nullopt;
    return read_use(key, *uses);
  }
  if (fields.require("type") != nullptr && !fields.word("type")) return std::nullopt;
  if (fields.require("properties") == nullptr) return std::nullopt;
  const auto properties = fields.map("properties");
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
  if (const Node* const value = properties->find("value")) {
    const std::vector<Field> more = fields_of_value(*value);
    const Fields row(report_, *value, kRow, {}, more);
    state.type = read_row(row, *value, state);
    names_.state = &state;
    read_ttl(row, *value, state);
  }
  return has_key && state.type != nullptr ? std::optional(std::move(state)) : std::nullopt;
}

const record::Type* StateReader::read_row(const Fields& fields, const Node& body, State& state) {
  const Node* const type = fields.find("type");
  if (const std::string_view ours = type == nullptr ? "" : our_name_of(type->text); !ours.empty()) {
    report_.error(*type, fmt::format("unknown 'type' '{}'", type->text),
                  fmt::format("did you mean '{}'?", ours));
    return nullptr;
  }
  const auto word = type == nullptr ? std::nullopt : fields.word("type");
  if (!word) return nullptr;
  constexpr std::size_t kArrowRow = 0, kPrimitive = 1;
  state.is_primitive = *word != kArrowRow;
  const Node* const merge = fields.find("merge");
  if (*word > kPrimitive) {
    if (const Node* const properties = fields.find("properties")) {
      report_.error(*properties, fmt::format("a value of type {} has no 'properties'", type->text),
                    "remove them, or write 'type: arrow-row' for a row of columns");
    }
    const Node column = column_of(*type, &body);
    const record::Type* const row = types_.read_row(column);
    read_merges(column, row, state);
    return row;
  }
  if (state.is_primitive && body.find_key("properties") == nullptr) {
    report_.error(*type, "a primitive state needs 'properties'",
                  "write 'properties: { value: { type: i32 } }', or 'type: i32' alone");
    return nullptr;
  }
  const Node* const columns = fields.require("properties");
  if (columns == nullptr) return nullptr;
  const record::Type* const row =
      state.is_primitive ? read_primitive(*columns) : types_.read_row(*columns);
  if (columns->kind == NodeKind::kMap) read_merges(*columns, row, state);
  if (merge != nullptr) {
    report_.error(*merge, "'merge' stands beside the type of a column",
                  state.is_primitive
                      ? "for example 'properties: { value: { type: i32, merge: sum } }'"
                      : "for example 'properties: { count: { type: u32, merge: sum } }'");
    // What is missing there is what stands here.
    for (std::optional<Merge>& of_column : state.merges) of_column = of_column.value_or(kTold);
  }
  return row;
}

// `row` is null where it has mistakes.
void StateReader::read_merges(const Node& columns, const record::Type* row, State& state) {
  for (std::size_t i = 0; i < columns.keys.size(); ++i) {
    const Node* const node = columns.items[i].find("merge");
    std::optional<Merge> merge;
    if (const auto word =
            node == nullptr ? std::nullopt : read_word(report_, *node, "merge", kMergeWords))
      merge = static_cast<Merge>(*word);
    const bool is_sketch = row != nullptr && record::is_sketch(row->fields[i].type->kind);
    const bool is_told = node != nullptr && !merge;
    state.merges.push_back(is_sketch || is_told ? kTold : merge);
    if (!merge || row == nullptr) continue;
    const record::Kind kind = row->fields[i].type->kind;
    if (is_sketch) {
      report_.error(*node,
                    fmt::format("column '{}' is {}, which knows how it is merged",
                                columns.keys[i].text, record::to_string(kind)),
                    "remove 'merge'");
      continue;
    }
    if (can_merge(kind, *merge)) continue;
    const std::string_view word = kMergeWords[static_cast<std::size_t>(*merge)];
    const std::string& name = columns.keys[i].text;
    report_.error(*node,
                  fmt::format("column '{}' is of type {}: two of them have no {}", name,
                              record::to_string(kind), word),
                  kind == record::Kind::kList ? "write 'merge: first', 'last' or 'any'"
                                              : "write 'merge: min', 'max', 'first', 'last' or "
                                                "'any'");
  }
}

// `{ value: i32 }` or `{ value: { type: i32 } }`.
const record::Type* StateReader::read_primitive(const Node& columns) {
  const Node* const value = columns.find("value");
  if (columns.kind != NodeKind::kMap || columns.keys.size() != 1 || value == nullptr) {
    report_.error(columns, "a primitive state has one property, 'value'",
                  "for example 'properties: { value: i32 }'");
    return nullptr;
  }
  if (value->kind != NodeKind::kScalar) return types_.read_row(columns);
  return types_.read_row(column_of(*value, nullptr));
}

void StateReader::read_ttl(const Fields& fields, const Node& body, State& state) {
  state.ttl = fields.duration("ttl");
  if (const Node* const at = body.find_key("ttl"); at != nullptr && is_in_window_) {
    report_.error(*at, "a row in a window lives as long as its window", "remove 'ttl'");
  }
  const Node* const at = body.find_key("on-expire");
  if (at == nullptr) return;
  if (fields.find("on-expire") != nullptr && !is_in_package_) read_on_expire(fields, body, state);
  if (body.find_key("ttl") == nullptr)
    report_.error(*at, "'on-expire' needs a 'ttl' beside it", "for example 'ttl: 30d'");
}

void StateReader::read_on_expire(const Fields& fields, const Node& body, State& state) {
  if (body.find_key("on-expire") != nullptr)
    state.on_expire = functions_.read(fields, body, FunctionKind::kOnExpire, names_);
}

}  // namespace gameflow::spec
