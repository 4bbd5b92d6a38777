#include "spec/type_reader.h"

#include <algorithm>
#include <array>
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
    {{"s8", "i8"},         {"s16", "i16"},       {"s32", "i32"},      {"s64", "i64"},
     {"int8", "i8"},       {"int16", "i16"},     {"int32", "i32"},    {"int64", "i64"},
     {"uint8", "u8"},      {"uint16", "u16"},    {"uint32", "u32"},   {"uint64", "u64"},
     {"int", "i64"},       {"integer", "i64"},   {"long", "i64"},     {"uint", "u64"},
     {"usize", "u64"},     {"float", "f32"},     {"double", "f64"},   {"time", "timestamp"},
     {"number", "f64"},    {"boolean", "bool"},  {"str", "string"},   {"datetime", "timestamp"},
     {"String", "string"}, {"text", "string"},   {"Text", "string"},  {"struct", "object"},
     {"array", "list"},    {"vec", "list"},      {"binary", "bytes"}, {"money", "decimal"},
     {"union", "enum"},    {"variant", "enum"},  {"any", "json"},     {"value", "json"},
     {"dict", "map"},      {"dictionary", "map"}});

// Types of SDF that have no counterpart, and what does instead.
struct NotYet {
  std::string_view name, instead;
};
constexpr auto kNotYet = std::to_array<NotYet>(
    {{"key-value", "write a map, or a list of objects with a key and a value"},
     {"option", "write the type that it holds, and 'optional: true' beside it"}});

const NotYet* find_not_yet(std::string_view name) {
  const auto* const found = std::ranges::find(kNotYet, name, &NotYet::name);
  return found == kNotYet.end() ? nullptr : found;
}

// Of the kinds that need nothing beside their word.
std::optional<Kind> scalar_kind(std::string_view name) {
  if (name == "float32") return Kind::kF32;
  if (name == "float64") return Kind::kF64;
  for (auto kind = Kind::kBool; kind <= Kind::kJson;
       kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
    if (record::to_string(kind) == name) return kind;
  }
  return std::nullopt;
}

// What a word needs beside it in the section; null: nothing.
const Variant* find_variant(std::string_view word, const Section& section = kFieldType) {
  const auto found = std::ranges::find(section.variants, word, &Variant::word);
  return found == section.variants.end() ? nullptr : &*found;
}

// What any type needs beside its word.
std::vector<Field> fields_of_variants() {
  std::vector<Field> fields;
  for (const Section* const section : {&kFieldType, &kColumn}) {
    for (const Variant& variant : section->variants)
      fields.insert(fields.end(), variant.fields.begin(), variant.fields.end());
  }
  return fields;
}

// Distinct and quantiles, which only columns of rows are.
bool is_sketch(std::string_view name) {
  return find_variant(name) == nullptr && find_variant(name, kColumn) != nullptr;
}

bool is_builtin(std::string_view name) {
  return scalar_kind(name) || find_variant(name) != nullptr || is_sketch(name) || name == "null" ||
         name == "arrow-row";
}

}  // namespace

std::string_view our_name_of(std::string_view foreign) {
  const auto* const found = std::ranges::find(kForeign, foreign, &Foreign::name);
  return found == kForeign.end() ? std::string_view() : found->ours;
}

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
    if (const auto known = by_name_.find(key.text); known != by_name_.end()) {
      report_.error(key, fmt::format("type '{}' is imported already", key.text),
                    "rename this one, or leave out the import");
      continue;
    }
    // Also entered under a bad name: whoever refers to it has not made a second mistake.
    by_name_[key.text] = {&key, &section.items[i], Progress::kUnread, nullptr, false, false};
    candidates_.push_back(key.text);
    if (check_name(report_, key, kTypeName, key.text)) declare(key, key.text);
  }
  find_names_in(section);
  for (const Node& key : section.keys) {
    const auto found = by_name_.find(key.text);
    if (found == by_name_.end() || found->second.key != &key) continue;
    const Type* const type = resolve(found->second);
    if (type == nullptr) continue;
    space_.named.push_back(type);
    space_.names.push_back(key.text);
  }
}

void TypeReader::import(const Node& at, const Type* type) {
  const Named imported{&at, nullptr, Progress::kDone, type, true, false};
  if (by_name_.emplace(at.text, imported).second) {
    candidates_.push_back(at.text);
  } else {
    report_.error(at, fmt::format("type '{}' is imported already", at.text), "remove one");
  }
}

std::optional<const Type*> TypeReader::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second.type);
}

void TypeReader::find_names_in(const Node& section) {
  for (const Node& body : section.items) find_named_in_place(body);
}

void TypeReader::find_named_in_place(const Node& node) {
  for (const Node& part : node.items) {
    const Node* const name = part.find("type-name");
    if (name != nullptr && !name->text.empty() && !is_builtin(name->text) &&
        by_name_.count(name->text) == 0) {
      by_name_[name->text] = {name, &part, Progress::kUnread, nullptr, true, true};
      candidates_.push_back(name->text);
    }
    find_named_in_place(part);
  }
}

const Type* TypeReader::resolve(Named& named) {
  if (named.progress == Progress::kDone) return named.type;
  const Node& body = *named.body;
  named.progress = Progress::kReading;
  reading_.push_back(named.key->text);
  if (body.kind != NodeKind::kMap) {
    report_.error(
        *named.key,
        fmt::format("type '{}' has to be a map, this is {}", named.key->text, describe(body.kind)),
        "for example { type: object, properties: { name: { type: string } } }");
  } else {
    const Node* const own_name = body.find_key("type-name");
    if (own_name != nullptr && !named.in_place)
      report_.error(*own_name, fmt::format("type '{}' has a name already", named.key->text),
                    "remove 'type-name'");
    const bool is_of_topic = named.in_place && body.find_key("converter") != nullptr;
    const Section& section = is_of_topic ? kTopicValue : named.in_place ? kFieldType : kNamedType;
    named.type = read(body, section, fmt::format("type '{}'", named.key->text), named.key->text);
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
    report_.error(*kind, fmt::format("there is no type '{}'", kind->text),
                  std::string(not_yet->instead));
    return nullptr;  // nor are its other keys
  }
  const Variant* const variant = find_variant(kind->text, section);
  if (variant == nullptr && is_sketch(kind->text)) {
    report_.error(*kind, fmt::format("{} cannot be of type {}", what, kind->text),
                  "only a column of a state's row can; SQL gives its numbers: "
                  "estimate(…) of distinct, quantile(…, 0.99) of quantiles");
    return nullptr;  // nor are its other keys
  }
  // What only another type has is not told where the type itself is wrong.
  const bool is_wrong =
      variant == nullptr && !scalar_kind(kind->text) && !by_name_.contains(kind->text);
  const std::vector<Field> of_any = is_wrong ? fields_of_variants() : std::vector<Field>();
  const Fields fields(report_, node, section, what,
                      variant == nullptr ? std::span<const Field>(of_any) : variant->fields);
  if (&section == &kTopicValue) fields.word("converter");
  if (const Node* const own_name = node.find("type-name")) {
    const auto found = by_name_.find(own_name->text);
    if (found != by_name_.end() && found->second.body == &node &&
        found->second.progress != Progress::kReading)
      return resolve(found->second);
  }
  if (variant == nullptr) return refer(*kind, what, section);
  if (depth_ >= kTypeDepthMax) {
    report_.error(*kind, fmt::format("types nest more than {} deep", kTypeDepthMax));
    return nullptr;
  }
  ++depth_;
  const Type* const type = read_variant(fields, *kind, what, name);
  --depth_;
  return type;
}

const Type* TypeReader::read_type_of(const Node& map, std::string_view what) {
  Node only_type = map;
  only_type.keys = {*map.find_key("type")};
  only_type.items = {*map.find("type")};
  return read(only_type, kKeyedType, what, "");
}

const Type* TypeReader::read_variant(const Fields& fields, const Node& kind, std::string_view what,
                                     const std::string& place) {
  const std::string& word = kind.text;
  if (word == "timestamp") {
    const auto unit = fields.word("unit");
    return space_.table->timestamp(unit ? static_cast<record::TimeUnit>(*unit + 1)
                                        : record::TimeUnit::kNone);
  }
  if (word == "distinct") return space_.table->distinct();
  if (word == "quantiles") {
    const auto accuracy = fields.fraction("accuracy");
    return accuracy ? space_.table->quantiles(static_cast<std::uint32_t>(*accuracy)) : nullptr;
  }
  if (word == "decimal") {
    const auto scale = fields.count("scale");
    return scale ? space_.table->decimal(static_cast<std::uint32_t>(*scale)) : nullptr;
  }
  const auto own_name = word == "map" ? std::nullopt : fields.text("type-name");
  const std::string& name = own_name ? *own_name : place;
  if (name.empty() && (word == "object" || word == "enum")) {
    report_.error(kind, fmt::format("{} cannot be an {} written in place", what, word),
                  "give it a 'type-name', or a name in section 'types' and use that here");
    return nullptr;
  }
  const Node* const body = fields.find(word == "object" ? "properties"
                                       : word == "list" ? "items"
                                       : word == "map"  ? "values"
                                                        : "oneOf");
  if (body == nullptr) return nullptr;
  if (word == "object") return read_object(*body, name);
  if (word == "enum") return read_enum(*body, name);
  const Type* const type = word == "list" ? read_list(*body, name) : read_map(*body, name);
  if (type != nullptr && own_name) {
    space_.named.push_back(type);
    space_.names.push_back(*own_name);
  }
  return type;
}

const Type* TypeReader::refer(const Node& node, std::string_view what, const Section& section) {
  if (node.kind == NodeKind::kNull || node.text == "null") {
    report_.error(node, fmt::format("{} cannot be of type null", what),
                  "only a variant of an enum can be without a value");
    return nullptr;
  }
  if (node.kind != NodeKind::kScalar) {
    report_.error(node, fmt::format("the type of {} has to be a word, this is {}", what,
                                    describe(node.kind)));
    return nullptr;
  }
  if (const auto kind = scalar_kind(node.text)) return space_.table->scalar(*kind);
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
  for (auto kind = Kind::kBool; kind <= Kind::kJson;
       kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
    if (kind != Kind::kTimestamp) words.push_back(record::to_string(kind));
  }
  for (const Variant& variant : section.variants) words.push_back(variant.word);
  std::string hint = did_you_mean(node.text, words);
  if (const std::string_view ours = our_name_of(node.text); !ours.empty())
    hint = fmt::format("did you mean '{}'?", ours);
  if (find_variant(node.text) != nullptr) {
    report_.error(node, fmt::format("{} cannot be of type {}", what, node.text),
                  &section == &kColumn ? std::string(kColumnTypes) : hint);
  } else if (node.text == "arrow-row") {
    report_.error(node, fmt::format("{} cannot be an 'arrow-row'", what),
                  "that is the value of a state; here write 'type: object'");
  } else {
    report_.error(node, fmt::format("unknown type '{}'", node.text.substr(0, 60)), hint);
  }
  return nullptr;
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
  const auto [first, is_new] = space_.cpp_names.emplace(cpp_name, name);
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
  const auto found = space_.extents.find(type);
  return found == space_.extents.end() ? Extent{} : found->second;
}

void TypeReader::warn_unused(std::string_view code) const {
  for (const auto& [name, named] : by_name_) {
    if (named.used || code.find(to_pascal_case(name)) != std::string_view::npos) continue;
    report_.warning(*named.key, fmt::format("type '{}' is never used", name), "remove it");
  }
}

}  // namespace gameflow::spec
