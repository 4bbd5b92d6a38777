#include "spec/json_schema.h"

#include <algorithm>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "record/type.h"
#include "spec/connector_sections.h"
#include "spec/dashboard_sections.h"
#include "spec/function.h"
#include "spec/game.h"
#include "spec/json_layout.h"
#include "spec/kind_section.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

namespace json = boost::json;

json::array words_of(std::span<const std::string_view> words) {
  json::array array;
  for (const std::string_view word : words) array.push_back(json::string(word));
  return array;
}

json::object one_of_two(json::object first, json::object second) {
  return {{"anyOf", json::array{std::move(first), std::move(second)}}};
}

// A text in our YAML; `1.0` is a number and `true` a bool in the eyes of others.
json::object text() {
  return {{"type", json::array{"string", "number", "boolean"}}};
}

// Any setting of a connector may be said elsewhere: `${env:PORT}`.
void allow_references(json::object& section) {
  for (auto& [key, value] : section["properties"].as_object()) {
    json::object& setting = value.as_object();
    json::object own;
    for (const char* kept : {"type", "enum", "pattern", "minimum", "maximum", "anyOf"}) {
      if (!setting.contains(kept)) continue;
      own[kept] = setting[kept];
      setting.erase(kept);
    }
    if (own.empty()) continue;
    setting["anyOf"] = json::array{std::move(own), {{"type", "string"}, {"pattern", "\\$\\{"}}};
  }
}

json::object word_or_own_type(json::array words) {
  return one_of_two(
      {{"enum", std::move(words)}},
      {{"type", "string"},
       {"pattern", "^(?!(object|list|map|enum|decimal|distinct|quantiles)$)[A-Za-z]"}});
}

// A name of a type, or one of those that are built in, or a word of `variants`: nothing else that
// these words need is said here.
json::object type_word(std::span<const Variant> variants) {
  json::array words;
  for (const Variant& variant : variants) words.push_back(json::string(variant.word));
  for (auto kind = record::Kind::kBool; kind <= record::Kind::kJson;
       kind = static_cast<record::Kind>(static_cast<int>(kind) + 1)) {
    const json::string word(record::to_string(kind));
    if (std::ranges::count(words, word) == 0) words.push_back(word);
  }
  return word_or_own_type(std::move(words));
}

class SchemaMaker {
 public:
  json::object make(const Section& section, std::string_view title) {
    json::object schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                           {"title", json::string(title)}};
    return finish(std::move(schema), definition(section));
  }

  // By `type` in `meta`: if it is this kind then … else what there is so far, at last nothing that
  // it may be.
  json::object make(std::span<const connect::Kind> kinds, std::string_view title) {
    json::array types;
    for (const connect::Kind& kind : kinds) types.push_back(json::string(kind.type));
    // Of a kind that nobody knows, nothing else is said.
    json::object schema = {{"properties", {{"meta", meta_of({{"enum", std::move(types)}})}}},
                           {"required", json::array{"meta"}}};
    for (const connect::Kind& kind : kinds) {
      const KindSection settings(kind);
      json::object then = map_of(kConnector), section = map_of(settings.section());
      allow_references(section);
      section["description"] = json::string(kind.doc);
      then["properties"].as_object()[kind.section] = std::move(section);
      if (settings.key().is_required)
        then["required"].as_array().push_back(json::string(kind.section));
      json::object test = {
          {"properties", {{"meta", meta_of({{"const", json::string(kind.type)}})}}},
          {"required", json::array{"meta"}}};
      schema = {{"if", std::move(test)}, {"then", std::move(then)}, {"else", std::move(schema)}};
    }
    return finish({{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"title", json::string(title)}},
                  schema);
  }

 private:
  static json::object meta_of(json::object type) {
    return {{"type", "object"},
            {"properties", {{"type", std::move(type)}}},
            {"required", json::array{"type"}}};
  }
  json::object finish(json::object schema, const json::object& root) {
    schema.insert(root.begin(), root.end());
    schema["$defs"] = std::move(definitions_);
    return schema;
  }

  json::object refer(const Section& section) {
    if (!definitions_.contains(section.id)) {
      definitions_[section.id] = nullptr;  // it may refer to itself
      definitions_[section.id] = definition(section);
    }
    json::object reference = {{"$ref", fmt::format("#/$defs/{}", section.id)}};
    return section.may_be_empty ? one_of_two(std::move(reference), {{"type", "null"}}) : reference;
  }

  json::object definition(const Section& section) {
    if (&section == &kTransform) return one_of_two(map_of(section), short_transform());
    json::object map = map_of(section);
    const bool may_be_word = &section == &kColumn;  // of a primitive state: `value: u64`
    // From the last to the first: if it is this word then … else what there is so far.
    for (auto at = section.variants.rbegin(); at != section.variants.rend(); ++at) {
      const json::object is_word = {{"const", json::string(at->word)}};
      const json::object test = {{"properties", {{"type", is_word}}},
                                 {"required", json::array{"type"}}};
      json::object then = map_of(section, at->fields);
      then["properties"].as_object()["type"] = is_word;
      map = {{"if", test}, {"then", std::move(then)}, {"else", std::move(map)}};
    }
    return may_be_word ? one_of_two(type_word(section.variants), std::move(map)) : map;
  }

  json::object map_of(const Section& section, std::span<const Field> more = {}) {
    json::object properties;
    json::array required;
    for (const std::span<const Field> rows : {section.fields, more}) {
      for (const Field& field : rows) {
        properties[field.key] = property(field, section);
        if (field.is_required) required.push_back(json::string(field.key));
      }
    }
    return {{"type", "object"},
            {"properties", std::move(properties)},
            {"required", std::move(required)},
            {"additionalProperties", false}};
  }

  // `- filter: { run: … }`.
  json::object short_transform() {
    json::object properties;
    for (const FunctionInfo& info : all_functions()) {
      if (info.is_transform) properties[info.key] = refer(kFunction);
    }
    return {{"type", "object"},
            {"properties", std::move(properties)},
            {"minProperties", 1},
            {"maxProperties", 1},
            {"additionalProperties", false}};
  }

  json::object property(const Field& field, const Section& section) {
    json::object schema = value_of(field, section);
    std::string description(field.doc);
    const auto function = std::ranges::find(all_functions(), field.key, &FunctionInfo::key);
    if (field.section == &kFunction && function != all_functions().end())
      description += fmt::format(": {}", signature_of(function->kind, "T", "U", "KEY"));
    schema["description"] = description;
    if (!field.fallback.empty()) {
      schema["default"] = field.kind == ValueKind::kCount || field.kind == ValueKind::kFraction ||
                                  field.kind == ValueKind::kBool
                              ? json::parse(json::string(field.fallback))
                              : json::value(json::string(field.fallback));
    }
    return schema;
  }

  json::object value_of(const Field& field, const Section& section) {
    switch (field.kind) {
      case ValueKind::kText:
        return text();
      case ValueKind::kName: {
        json::object name = text();
        name["pattern"] = json::string(field.names->pattern);
        return name;
      }
      case ValueKind::kType:
        if (!field.words.empty()) return word_or_own_type(words_of(field.words));
        return &section == &kVariant ? one_of_two(type_word(section.variants), {{"type", "null"}})
                                     : type_word(section.variants);
      case ValueKind::kValue:
        return {};
      case ValueKind::kWord:
        return {{"enum", words_of(field.words)}};
      case ValueKind::kBool:
        return {{"type", "boolean"}};
      case ValueKind::kCount:
        return {{"type", "integer"}, {"minimum", field.min}, {"maximum", field.max}};
      case ValueKind::kFraction:
        return {{"type", "number"},
                {"minimum", static_cast<double>(field.min) / 1e6},
                {"maximum", static_cast<double>(field.max) / 1e6}};
      case ValueKind::kNumber:
        return {{"type", "number"}};
      case ValueKind::kDuration:
        return {{"type", "string"},
                {"pattern",
                 field.min == 0 ? "^[0-9]+(ms|s|m|h|d)$" : "^[0-9]*[1-9][0-9]*(ms|s|m|h|d)$"}};
      case ValueKind::kBytes:
        return one_of_two(
            {{"type", "integer"}, {"minimum", 1}},
            {{"type", "string"}, {"pattern", "^[0-9]*[1-9][0-9]* *([kKMGT]?B|[KMGT]iB)?$"}});
      case ValueKind::kCode:
        return {{"type", "string"}, {"minLength", 1}};
      case ValueKind::kTexts:
        return {{"type", "array"}, {"minItems", field.min}, {"items", {{"type", "string"}}}};
      case ValueKind::kMap:
        if (field.section == nullptr) return {{"type", "object"}};
        return refer(*field.section);
      case ValueKind::kWordOrMap:
        return one_of_two({{"enum", words_of(field.words)}}, refer(*field.section));
      case ValueKind::kList:
        return {{"type", "array"}, {"minItems", field.min}, {"items", refer(*field.section)}};
      case ValueKind::kNamed: {
        json::object map = {{"type", "object"},
                            {"minProperties", field.min},
                            {"additionalProperties", refer(*field.section)}};
        if (field.names != nullptr)
          map["propertyNames"] = {{"pattern", json::string(field.names->pattern)}};
        return map;
      }
      case ValueKind::kSql:
      case ValueKind::kAnswerColumn:
        return {{"type", "string"}, {"minLength", 1}};
      case ValueKind::kAnswerColumns:
        return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", "string"}}}};
      case ValueKind::kColumnsByName:
        return {{"type", "object"},
                {"additionalProperties", {{"type", "string"}}},
                {"propertyNames", {{"pattern", json::string(field.names->pattern)}}}};
    }
    return {};
  }

  json::object definitions_;
};

// As people write it: what fits on a line stays on one.
bool fits_on_a_line(const json::value& value, std::size_t indent) {
  constexpr std::size_t kColumnsMax = 100;
  return !value.is_structured() || indent + json::serialize(value).size() <= kColumnsMax;
}

std::string schema_of(const Section& section, std::string_view title) {
  return json_lines(SchemaMaker().make(section, title), fits_on_a_line);
}

}  // namespace

std::string json_schema() {
  return schema_of(kDataflow, "gameflow dataflow");
}

std::string package_json_schema() {
  return schema_of(kPackage, "gameflow package");
}

std::string game_json_schema() {
  return schema_of(kGame, "settings of gameflow's simulated game");
}

std::string dashboard_json_schema() {
  return schema_of(kDashboard, "gameflow dashboard");
}

std::string connector_json_schema(std::span<const connect::Kind> kinds) {
  return json_lines(SchemaMaker().make(kinds, "gameflow connector"), fits_on_a_line);
}

}  // namespace gameflow::spec
