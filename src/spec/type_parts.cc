// What types are made of: fields, variants, items and columns.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.h"
#include "record/type.h"
#include "spec/default_value.h"
#include "spec/names.h"
#include "spec/sections.h"
#include "spec/type_reader.h"

namespace gameflow::spec {
namespace {

using record::Kind;
using record::Type;

// Whether a column of a row may be of this kind, or hold a list of it.
bool is_column_kind(Kind kind) {
  return kind <= Kind::kString || kind == Kind::kTimestamp || kind == Kind::kDecimal ||
         kind == Kind::kEnum || record::is_sketch(kind);
}

}  // namespace

const Type* TypeReader::read_object(const Node& node, const std::string& name) {
  if (node.kind != NodeKind::kMap || node.keys.empty()) {
    report_.error(node, "'properties' has to be a map with at least one field",
                  "for example 'properties: { name: { type: string } }'");
    return nullptr;
  }
  Members members(report_, naming_);
  std::vector<record::Field> fields;
  Extent extent = {0, 1};
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node& key = node.keys[i];
    const Node& body = node.items[i];
    record::Field field{.name = key.text};
    members.add(key, body, "field", false, field);
    const std::string inner_name = fmt::format("{}-{}", name, key.text);
    declare_in_place(key, body, inner_name);
    field.type = read(body, kFieldType, fmt::format("field '{}'", key.text), inner_name);
    field.optional = is_optional(body);
    if (field.type == nullptr) continue;
    if (const Node* const value = body.find("default"))
      field.fallback = read_default(*value, *field.type, key.text, field.optional);
    const Extent inner = extent_of(field.type);
    extent = {extent.values + inner.values, std::max(extent.depth, inner.depth + 1)};
    fields.push_back(std::move(field));
  }
  if (fields.size() != node.keys.size() || !fits(node, extent)) return nullptr;
  const Type* const type = space_.table->object(name, std::move(fields));
  space_.extents[type] = extent;
  return type;
}

bool TypeReader::is_optional(const Node& body) {
  const Node* const optional = body.find("optional");
  return optional != nullptr && read_bool(report_, *optional, "'optional'").value_or(false);
}

std::vector<char> TypeReader::read_default(const Node& node, const Type& type,
                                           const std::string& field, bool is_optional) {
  if (is_optional) {
    report_.error(node, fmt::format("field '{}' has a default, and is optional", field),
                  "remove one of the two: with a default it is never absent");
    return {};
  }
  DefaultValue value = read_default_value(node, type, *space_.table);
  if (!value.mistake.empty())
    report_.error(node, fmt::format("the default of field '{}': {}", field, value.mistake),
                  std::move(value.hint));
  return std::move(value.bytes);
}

const Type* TypeReader::read_enum(const Node& node, const std::string& name) {
  if (node.kind != NodeKind::kMap || node.keys.empty()) {
    report_.error(node, "'oneOf' has to be a map with at least one variant",
                  "for example 'oneOf: { apple: { type: null }, pear: { type: null } }'");
    return nullptr;
  }
  if (node.keys.size() > record::TypeTable::kVariantsMax) {
    report_.error(node,
                  fmt::format("an enum has at most {} variants", record::TypeTable::kVariantsMax));
    return nullptr;
  }
  Members members(report_, naming_);
  std::vector<record::Variant> variants;
  Extent extent = {0, 1};
  bool has_values = false;
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const Node& key = node.keys[i];
    const Node& body = node.items[i];
    record::Variant variant{.name = key.text};
    members.add(key, body, "variant", true, variant);
    const std::string what = fmt::format("variant '{}'", key.text);
    const Node* const kind = body.find("type");
    if (kind != nullptr && (kind->kind == NodeKind::kNull || kind->text == "null")) {
      const Fields fields(report_, body, kVariant, what);
    } else {
      const std::string inner_name = fmt::format("{}-{}", name, key.text);
      declare_in_place(key, body, inner_name);
      has_values = true;
      variant.type = read(body, kVariant, what, inner_name);
      if (variant.type == nullptr) continue;
      const Extent inner = extent_of(variant.type);
      extent = {std::max(extent.values, inner.values), std::max(extent.depth, inner.depth + 1)};
    }
    variants.push_back(std::move(variant));
  }
  if (has_values) members.check_union();
  if (variants.size() != node.keys.size() || !fits(node, extent)) return nullptr;
  const Type* const type = space_.table->enumeration(name, std::move(variants));
  if (has_values) space_.extents[type] = {extent.values + 1, extent.depth};
  return type;
}

const Type* TypeReader::read_list(const Node& node, const std::string& name) {
  const Type* const item = read_inner(node, kItemType.name, name, "item");
  if (item == nullptr) return nullptr;
  const Extent extent = {extent_of(item).values + 1, extent_of(item).depth + 1};
  if (!fits(node, extent)) return nullptr;
  const Type* const type = space_.table->list_of(item);
  space_.extents[type] = extent;
  return type;
}

const Type* TypeReader::read_map(const Node& node, const std::string& name) {
  const Type* const value = read_inner(node, "the value of a map", name, "value");
  if (value == nullptr) return nullptr;
  const Extent extent = {extent_of(value).values + 2, extent_of(value).depth + 1};
  if (!fits(node, extent)) return nullptr;
  const Type* const type = space_.table->map_of(value);
  space_.extents[type] = extent;
  return type;
}

const Type* TypeReader::read_inner(const Node& node, std::string_view what, const std::string& name,
                                   std::string_view part) {
  const std::string inner_name = name.empty() ? name : fmt::format("{}-{}", name, part);
  const Node* const kind = node.find("type");
  if (kind != nullptr) declare_in_place(*kind, node, inner_name);
  return read(node, kItemType, what, inner_name);
}

const Type* TypeReader::read_row(const Node& properties) {
  if (properties.kind != NodeKind::kMap || properties.keys.empty()) {
    report_.error(properties, "'properties' of a row has to be a map with at least one column",
                  "for example 'properties: { count: { type: u32 } }'");
    return nullptr;
  }
  Members members(report_, naming_);
  std::vector<record::Field> fields;
  std::set<std::string> in_cpp, in_sql;
  for (std::size_t i = 0; i < properties.keys.size(); ++i) {
    const Node& key = properties.keys[i];
    const Node& body = properties.items[i];
    record::Field field{.name = key.text};
    members.add(key, body, "column", false, field);
    if (key.text.starts_with('_'))
      report_.error(key, "columns that start with '_' are gameflow's own", "rename the column");
    // SQL does not tell small letters from capitals, and knows both names.
    const std::set<std::string> names{lower_case(key.text), field.cpp_name};
    const bool is_told = !in_cpp.insert(field.cpp_name).second;
    const bool is_new =
        std::ranges::none_of(names, [&](const std::string& name) { return in_sql.contains(name); });
    if (!is_new && !is_told)
      report_.error(key, fmt::format("column '{}' differs from another only in case", key.text));
    in_sql.insert(names.begin(), names.end());
    declare_in_place(key, body, "");
    field.type = read(body, kColumn, fmt::format("column '{}'", key.text), "");
    field.optional = is_optional(body);
    if (field.type == nullptr) continue;
    if (field.optional && record::is_sketch(field.type->kind)) {
      report_.error(*body.find("optional"),
                    fmt::format("column '{}' is {}, which is never absent: a new one is empty",
                                key.text, record::to_string(field.type->kind)),
                    "remove 'optional'");
      continue;
    }
    const bool is_list = field.type->kind == Kind::kList;
    if (!is_column_kind(is_list ? field.type->item->kind : field.type->kind)) {
      report_.error(body.find("type") != nullptr ? *body.find("type") : body,
                    fmt::format("column '{}' cannot be of this type", key.text),
                    std::string(kColumnTypes));
      continue;
    }
    fields.push_back(std::move(field));
  }
  if (fields.size() != properties.keys.size() || !fits(properties, {fields.size(), 1}))
    return nullptr;
  return space_.table->object("", std::move(fields));
}

void TypeReader::declare_in_place(const Node& at, const Node& body, const std::string& name) {
  const Node* const kind = body.find("type");
  const Node* const own_name = body.find("type-name");
  if (kind == nullptr) return;
  const bool is_struct = kind->text == "object" || kind->text == "enum";
  if (own_name != nullptr) {
    if (is_type_name(own_name->text)) declare(*own_name, own_name->text);
  } else if (is_struct && is_type_name(name)) {
    declare(at, name);
  }
}

}  // namespace gameflow::spec
