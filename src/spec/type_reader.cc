#include "spec/type_reader.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ascii.h"
#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

using record::Kind;
using record::Type;

// Types nest at most this deep, and hold at most this many values: what a decoder can rely on.
constexpr std::size_t kTypeDepthMax = 32;
constexpr std::uint64_t kTypeValuesMax = 10'000;

// Names that other systems have for our types.
struct Foreign {
  std::string_view name, ours;
};
constexpr auto kForeign = std::to_array<Foreign>(
    {{"s8", "i8"},         {"s16", "i16"},     {"s32", "i32"},      {"s64", "i64"},
     {"int8", "i8"},       {"int16", "i16"},   {"int32", "i32"},    {"int64", "i64"},
     {"uint8", "u8"},      {"uint16", "u16"},  {"uint32", "u32"},   {"uint64", "u64"},
     {"int", "i64"},       {"integer", "i64"}, {"long", "i64"},     {"uint", "u64"},
     {"usize", "u64"},     {"float", "f32"},   {"float32", "f32"},  {"double", "f64"},
     {"float64", "f64"},   {"number", "f64"},  {"boolean", "bool"}, {"str", "string"},
     {"String", "string"}, {"text", "string"}, {"Text", "string"},  {"struct", "object"},
     {"map", "object"},    {"array", "list"},  {"vec", "list"},     {"binary", "bytes"}});

// Types of SDF that have no counterpart yet, and what does instead.
struct NotYet {
  std::string_view name, instead;
};
constexpr auto kNotYet = std::to_array<NotYet>(
    {{"enum", "write 'type: string' and compare it with its words"},
     {"key-value", "write a list of objects with a key and a value"},
     {"option", "write the type that it holds, and 'optional: true' beside it"},
     {"timestamp", "write 'type: string' and read it with parse_time()"}});

const NotYet* find_not_yet(std::string_view name) {
  const auto* const found = std::ranges::find(kNotYet, name, &NotYet::name);
  return found == kNotYet.end() ? nullptr : found;
}

std::optional<Kind> scalar_kind(std::string_view name) {
  for (auto kind = Kind::kBool; kind <= Kind::kBytes;
       kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
    if (record::to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

bool is_builtin(std::string_view name) {
  return scalar_kind(name) || name == "object" || name == "list" || name == "arrow-row";
}

}  // namespace

bool is_key_kind(Kind kind) {
  return kind == Kind::kString || kind == Kind::kBool || record::is_integer(kind);
}

void TypeReader::read_section(const Node& section) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'types' has to be a map, this is {}", describe(section.kind)));
    return;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    if (is_builtin(key.text)) {
      report_.error(key, fmt::format("'{}' is a built-in type", key.text), "choose another name");
      continue;
    }
    // Also entered under a bad name: whoever refers to it has not made a second mistake.
    by_name_[key.text] = {&key, &section.items[i], Progress::kUnread, nullptr, false};
    candidates_.push_back(key.text);
    if (check_name(report_, key, kTypeName, key.text)) declare(key, key.text);
  }
  for (const Node& key : section.keys) {
    const auto found = by_name_.find(key.text);
    if (found == by_name_.end()) continue;
    const Type* const type = resolve(found->second);
    if (type == nullptr) continue;
    named_.push_back(type);
    names_.push_back(key.text);
  }
  for (const Node* key : field_keys_) {
    const auto clash = cpp_names_.find(key->text);
    if (clash == cpp_names_.end()) continue;
    report_.error(*key,
                  fmt::format("field '{}' has the C++ name of type '{}'", key->text, clash->second),
                  "rename the field or the type");
  }
}

const Type* TypeReader::resolve(Named& named) {
  if (named.progress == Progress::kDone) return named.type;
  const Node& body = *named.body;
  named.progress = Progress::kReading;
  reading_.push_back(named.key->text);
  const Node* const kind = body.find("type");
  if (body.kind != NodeKind::kMap) {
    report_.error(
        *named.key,
        fmt::format("type '{}' has to be a map, this is {}", named.key->text, describe(body.kind)),
        "for example { type: object, properties: { name: { type: string } } }");
  } else if (kind != nullptr && (scalar_kind(kind->text) || by_name_.count(kind->text) != 0)) {
    report_.error(
        *kind, fmt::format("type '{}' is only another name for '{}'", named.key->text, kind->text),
        "a named type is an object or a list; use the other name instead");
  } else {
    named.type = read(body, kNamedType, fmt::format("type '{}'", named.key->text), named.key->text);
  }
  reading_.pop_back();
  named.progress = Progress::kDone;
  return named.type;
}

const Type* TypeReader::read(const Node& node, const Section& section, std::string_view what,
                             const std::string& name) {
  if (node.kind == NodeKind::kScalar) {
    report_.error(node, fmt::format("{} has to be a map", what),
                  fmt::format("write {{ type: {} }}", node.text.substr(0, 60)));
    return nullptr;
  }
  if (node.kind != NodeKind::kMap) {
    report_.error(node, fmt::format("{} has to be a map, this is {}", what, describe(node.kind)),
                  "for example { type: string }");
    return nullptr;
  }
  const Node* const kind = node.find("type");
  if (kind == nullptr) {
    report_.error(node, fmt::format("{} needs 'type'", what), "for example 'type: string'");
    return nullptr;
  }
  if (const NotYet* const not_yet = find_not_yet(kind->text);
      not_yet != nullptr && by_name_.count(kind->text) == 0) {
    report_.error(*kind, fmt::format("type '{}' is not supported yet", kind->text),
                  std::string(not_yet->instead));
    return nullptr;  // nor are its other keys
  }
  const bool is_object = kind->text == "object", is_list = kind->text == "list";
  const std::span<const Field> more = is_object ? kObjectVariant.fields
                                      : is_list ? kListVariant.fields
                                                : std::span<const Field>();
  const Fields fields(report_, node, section, what, more);
  if (&section == &kTopicValue) fields.word("converter");
  if (!is_object && !is_list) return refer(*kind, what);
  if (depth_ >= kTypeDepthMax) {
    report_.error(*kind, fmt::format("types nest more than {} deep", kTypeDepthMax));
    return nullptr;
  }
  if (is_object && name.empty()) {
    report_.error(*kind, fmt::format("{} cannot be an object written in place", what),
                  "give it a name in section 'types' and use that here");
    return nullptr;
  }
  const Node* const body = fields.find(more.front().key);
  if (body == nullptr) return nullptr;
  ++depth_;
  const Type* const type = is_object ? read_object(*body, name) : read_list(*body, name);
  --depth_;
  return type;
}

const Type* TypeReader::refer(const Node& node, std::string_view what) {
  if (node.kind != NodeKind::kScalar) {
    report_.error(node, fmt::format("the type of {} has to be a word, this is {}", what,
                                    describe(node.kind)));
    return nullptr;
  }
  if (const auto kind = scalar_kind(node.text)) return table_->scalar(*kind);
  const auto found = by_name_.find(node.text);
  if (found != by_name_.end()) {
    Named& named = found->second;
    named.used = true;
    if (named.progress == Progress::kReading) {
      const auto start = std::find(reading_.begin(), reading_.end(), node.text);
      report_.error(node,
                    fmt::format("type refers to itself: {} -> {}",
                                fmt::join(start, reading_.end(), " -> "), node.text),
                    "a record has a fixed shape: take one of these fields out");
      return nullptr;
    }
    return resolve(named);
  }
  std::vector<std::string_view> words = candidates_;
  for (auto kind = Kind::kBool; kind <= Kind::kList;
       kind = static_cast<Kind>(static_cast<int>(kind) + 1))
    words.push_back(record::to_string(kind));
  std::string hint = did_you_mean(node.text, words);
  for (const Foreign& foreign : kForeign) {
    if (foreign.name == node.text) hint = fmt::format("did you mean '{}'?", foreign.ours);
  }
  if (node.text == "arrow-row") {
    report_.error(node, fmt::format("{} cannot be an 'arrow-row'", what),
                  "that is the value of a state; here write 'type: object'");
  } else {
    report_.error(node, fmt::format("unknown type '{}'", node.text.substr(0, 60)), hint);
  }
  return nullptr;
}

const Type* TypeReader::read_object(const Node& node, const std::string& name) {
  if (node.kind != NodeKind::kMap || node.keys.empty()) {
    report_.error(node, "'properties' has to be a map with at least one field",
                  "for example 'properties: { name: { type: string } }'");
    return nullptr;
  }
  std::vector<record::Field> fields;
  Extent extent = {0, 1};
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node& key = node.keys[i];
    check_field_name(key, name);
    const std::string inner_name = fmt::format("{}-{}", name, key.text);
    const Node* const kind = node.items[i].find("type");
    if (kind != nullptr && kind->text == "object" && is_identifier(key.text))
      declare(key, inner_name);
    const Type* const type =
        read(node.items[i], kFieldType, fmt::format("field '{}'", key.text), inner_name);
    const Node* const optional = node.items[i].find("optional");
    const bool is_optional =
        optional != nullptr && read_bool(report_, *optional, "'optional'").value_or(false);
    if (type != nullptr) {
      const Extent inner = extent_of(type);
      extent = {extent.values + inner.values, std::max(extent.depth, inner.depth + 1)};
      fields.push_back({key.text, type, is_optional, 0, 0});
    }
  }
  if (fields.size() != node.keys.size() || !fits(node, extent)) return nullptr;
  const Type* const type = table_->object(name, std::move(fields));
  extents_[type] = extent;
  return type;
}

const Type* TypeReader::read_list(const Node& node, const std::string& name) {
  const std::string inner_name = name.empty() ? name : name + "-item";
  const Node* const kind = node.find("type");
  if (kind != nullptr && kind->text == "object" && !inner_name.empty()) declare(*kind, inner_name);
  const Type* const item = read(node, kItemType, kItemType.name, inner_name);
  if (item == nullptr) return nullptr;
  const Extent extent = {extent_of(item).values + 1, extent_of(item).depth + 1};
  if (!fits(node, extent)) return nullptr;
  const Type* const type = table_->list_of(item);
  extents_[type] = extent;
  return type;
}

const Type* TypeReader::read_row(const Node& properties) {
  if (properties.kind != NodeKind::kMap || properties.keys.empty()) {
    report_.error(properties, "'properties' of a row has to be a map with at least one column",
                  "for example 'properties: { count: { type: u32 } }'");
    return nullptr;
  }
  std::vector<record::Field> fields;
  std::set<std::string> columns;
  for (std::size_t i = 0; i < properties.keys.size(); ++i) {
    const Node& key = properties.keys[i];
    check_field_name(key, "");
    if (key.text.starts_with('_')) {
      report_.error(key, "columns that start with '_' are gameflow's own", "rename the column");
    }
    // SQL does not tell small letters from capitals.
    if (!columns.insert(lower_case(key.text)).second)
      report_.error(key, fmt::format("column '{}' differs from another only in case", key.text));
    const Node& body = properties.items[i];
    const Type* const type = read(body, kColumn, fmt::format("column '{}'", key.text), "");
    if (type == nullptr) continue;
    if (type->kind >= Kind::kBytes) {
      report_.error(body.find("type") != nullptr ? *body.find("type") : body,
                    fmt::format("column '{}' cannot be of this type", key.text),
                    "a row holds numbers, bools and strings");
      continue;
    }
    fields.push_back({key.text, type, false, 0, 0});
  }
  if (fields.size() != properties.keys.size() || !fits(properties, {fields.size(), 1}))
    return nullptr;
  return table_->object("", std::move(fields));
}

void TypeReader::check_field_name(const Node& key, const std::string& owner) {
  if (!is_identifier(key.text)) {
    std::string better = to_snake_case(key.text);
    report_.error(key, fmt::format("'{}' cannot be the name of a field", key.text.substr(0, 60)),
                  is_identifier(better) ? fmt::format("did you mean '{}'?", better)
                                        : "letters, digits and '_', no digit first, as in C++");
  } else if (const auto reason = reserved_as(key.text)) {
    report_.error(key,
                  fmt::format("'{}' cannot be the name of a field: it is {}", key.text, *reason),
                  "rename it");
  } else if (!owner.empty()) {
    field_keys_.push_back(&key);
  }
}

// Claims the C++ name of a struct.
void TypeReader::declare(const Node& at, const std::string& name) {
  const std::string cpp_name = to_pascal_case(name);
  if (const auto reason = reserved_as(cpp_name)) {
    report_.error(
        at, fmt::format("type '{}' is called {} in C++, which is {}", name, cpp_name, *reason),
        "choose another name");
    return;
  }
  const auto [first, is_new] = cpp_names_.emplace(cpp_name, name);
  if (!is_new) {
    report_.error(
        at,
        fmt::format("types '{}' and '{}' are both called {} in C++", first->second, name, cpp_name),
        "rename one of them");
  }
}

bool TypeReader::fits(const Node& at, Extent extent) {
  if (extent.values > kTypeValuesMax) {
    report_.error(at, fmt::format("this type holds more than {} values", kTypeValuesMax),
                  "use a list");
    return false;
  }
  if (extent.depth > kTypeDepthMax) {
    report_.error(at, fmt::format("types nest more than {} deep", kTypeDepthMax));
    return false;
  }
  return true;
}

TypeReader::Extent TypeReader::extent_of(const Type* type) const {
  const auto found = extents_.find(type);
  return found == extents_.end() ? Extent{} : found->second;
}

void TypeReader::warn_unused(std::string_view code) const {
  for (const auto& [name, named] : by_name_) {
    if (named.used || code.find(to_pascal_case(name)) != std::string_view::npos) continue;
    report_.warning(*named.key, fmt::format("type '{}' is never used", name), "remove it");
  }
}

}  // namespace gameflow::spec
