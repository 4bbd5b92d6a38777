#include "spec/function.h"

#include <array>
#include <initializer_list>

#include <fmt/format.h>

#include "spec/model.h"
#include "spec/names.h"

namespace gameflow::spec {
namespace {

using record::Kind;
using record::Type;

std::string cpp_name(const Type* type, const std::string& yaml_name, std::string_view otherwise) {
  if (!yaml_name.empty() && is_type_name(yaml_name) && !reserved_as(yaml_name) &&
      yaml_name != "string" && yaml_name != "bytes")
    return to_pascal_case(yaml_name);
  return type == nullptr ? std::string(otherwise) : cpp_type(*type);
}

// The path of a field of this kind whose name contains `part`, in the event or one level below.
std::string find_field(const Type* type, Kind kind, std::string_view part) {
  if (type == nullptr || type->kind != Kind::kObject) return {};
  for (const record::Field& field : type->fields) {
    if (field.type->kind == kind && !field.optional && field.name.find(part) != std::string::npos)
      return field.cpp_name;
  }
  for (const record::Field& field : type->fields) {
    if (field.type->kind != Kind::kObject || field.optional) continue;
    for (const record::Field& inner : field.type->fields) {
      if (inner.type->kind == kind && !inner.optional && inner.name.find(part) != std::string::npos)
        return fmt::format("{}.{}", field.cpp_name, inner.cpp_name);
    }
  }
  return {};
}

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (!candidate.empty()) return candidate;
  }
  return {};
}

std::string update_of(const State* state) {
  if (state == nullptr) return "count_per_key().count += 1;";
  const std::string row = to_snake_case(state->name);
  if (state->type != nullptr) {
    for (const record::Field& field : state->type->fields) {
      const bool is_number = field.type->kind <= Kind::kF64 && field.type->kind != Kind::kBool;
      if (is_number && !field.optional) return fmt::format("{}().{} += 1;", row, field.cpp_name);
    }
  }
  return fmt::format("auto& row = {}(); /* change row */", row);
}

std::string event_of(const ExampleNames& names) {
  return cpp_name(names.event, names.event_name, "Event");
}

// A condition on the event.
std::string test_of(const ExampleNames& names) {
  const std::string field = find_field(names.event, Kind::kString, "");
  return field.empty() ? "true" : fmt::format("event.{} != \"\"", field);
}

std::string map_example(const ExampleNames& names, std::string_view function) {
  return fmt::format("{0} {1}(const {0}& event) {{ {0} changed = event; return changed; }}",
                     event_of(names), function);
}

std::string filter_example(const ExampleNames& names, std::string_view function) {
  return fmt::format("bool {}(const {}& event) {{ return {}; }}", function, event_of(names),
                     test_of(names));
}

std::string filter_map_example(const ExampleNames& names, std::string_view function) {
  return fmt::format(
      "Optional<{0}> {1}(const {0}& event) {{ if ({2}) return event; return {{}}; }}",
      event_of(names), function, test_of(names));
}

std::string flat_map_example(const ExampleNames& names, std::string_view function) {
  return fmt::format("List<{0}> {1}(const {0}& event) {{ return {{event, event}}; }}",
                     event_of(names), function);
}

std::string timestamp_example(const ExampleNames& names, std::string_view function) {
  const std::string field = find_field(names.event, Kind::kString, "time");
  return fmt::format(
      "i64 {}(const {}& event, i64 record_time) {{ return {}; }}", function, event_of(names),
      field.empty() ? "record_time" : fmt::format("parse_time(event.{}, record_time)", field));
}

std::string key_example(const ExampleNames& names, std::string_view function) {
  const Kind kind = names.state == nullptr ? Kind::kString : names.state->key;
  const std::string field =
      first_of({find_field(names.event, kind, "id"), find_field(names.event, kind, ""), "id"});
  return fmt::format("{} {}(const {}& event) {{ return event.{}; }}",
                     kind == Kind::kString ? "Text" : record::to_string(kind), function,
                     event_of(names), field);
}

std::string update_example(const ExampleNames& names, std::string_view function) {
  return fmt::format("void {}(const {}& event) {{ {} }}", function, event_of(names),
                     update_of(names.state));
}

std::string flush_example(const ExampleNames& names, std::string_view function) {
  return fmt::format("{0} {1}() {{ return sql<{0}>(\"select … from {2}\"); }}",
                     cpp_name(names.output, names.output_name, "Output"), function,
                     names.state == nullptr ? "count_per_key" : to_snake_case(names.state->name));
}

std::string expire_example(const ExampleNames& names, std::string_view function) {
  const std::string out = cpp_name(names.output, names.output_name, "Output");
  const std::string row = to_pascal_case(names.state == nullptr ? "seen" : names.state->name);
  return fmt::format("Optional<{0}> {1}(const {2}Row& row) {{ return {0}{{}}; }}", out, function,
                     row);
}

std::string each_example(const ExampleNames& names, std::string_view function) {
  const std::string out = cpp_name(names.output, names.output_name, "Output");
  const std::string row = to_pascal_case(names.state == nullptr ? "seen" : names.state->name);
  return fmt::format("{0} {1}(const {2}Row& row) {{ return {0}{{}}; }}", out, function, row);
}

std::string join_example(const ExampleNames& names, std::string_view function) {
  const std::string left = cpp_name(names.event, names.event_name, "Left");
  const std::string right = cpp_name(names.output, names.output_name, "Right");
  return fmt::format("{0} {1}(const {0}& left, const {2}* right) {{ return left; }}", left,
                     function, right);
}

constexpr auto kFunctions = std::to_array<FunctionInfo>({
    {.kind = FunctionKind::kMap,
     .key = "map",
     .is_transform = true,
     .doc = "one record in, one out",
     .signature = "U(const {in}&)",
     .remark = "U a type of the dataflow",
     .concept_name = "Maps",
     .example_name = "change",
     .example = map_example},
    {.kind = FunctionKind::kFilter,
     .key = "filter",
     .is_transform = true,
     .doc = "whether the record stays",
     .signature = "bool(const {in}&)",
     .concept_name = "Filters",
     .example_name = "keep",
     .example = filter_example},
    {.kind = FunctionKind::kFilterMap,
     .key = "filter-map",
     .is_transform = true,
     .doc = "one record out, or none",
     .signature = "Optional<U>(const {in}&)",
     .remark = "U a type of the dataflow",
     .concept_name = "FilterMaps",
     .example_name = "keep",
     .example = filter_map_example},
    {.kind = FunctionKind::kFlatMap,
     .key = "flat-map",
     .is_transform = true,
     .doc = "any number of records out, in this order",
     .signature = "List<U>(const {in}&)",
     .remark = "U a type of the dataflow",
     .concept_name = "FlatMaps",
     .example_name = "split",
     .example = flat_map_example},
    {.kind = FunctionKind::kAssignTimestamp,
     .key = "assign-timestamp",
     .doc = "when an event happened, ms UTC; `record_time` is when its record was stored",
     .signature = "i64(const {in}&, i64 record_time) or i64(const {in}&)",
     .concept_name = "AssignsTimestamp",
     .example_name = "assign_timestamp",
     .example = timestamp_example},
    {.kind = FunctionKind::kAssignKey,
     .key = "assign-key",
     .doc = "the key of the rows: `Text`, an integer that fits, or `bool`",
     .signature = "{key}(const {in}&)",
     .remark = "the key type of the states",
     .concept_name = "AssignsKey",
     .example_name = "assign_key",
     .example = key_example},
    {.kind = FunctionKind::kUpdateState,
     .key = "update-state",
     .doc =
         "changes rows: `per_user().clicks += 1;`. One that does not read the record gives it no "
         "name, `void count(const Click&)`: it is not kept until then",
     .signature = "void(const {in}&)",
     .concept_name = "UpdatesState",
     .example_name = "update_state",
     .example = update_example},
    {.kind = FunctionKind::kFlush,
     .key = "flush",
     .doc = "the result of a window: `sql<U>(\"select …\")` reads its rows; `Optional<U>` where "
            "there "
            "may be none",
     .signature = "{out}()",
     .remark = "the type of the sinks",
     .concept_name = "Flushes",
     .example_name = "compute",
     .example = flush_example},
    {.kind = FunctionKind::kFlushEach,
     .key = "each",
     .doc =
         "below `flush`: a record for a row of the window; `Optional<U>` where there may be none",
     .signature = "{out}(const ROW&)",
     .remark = "the type of the sinks",
     .concept_name = "FlushesEach",
     .example_name = "result_of",
     .example = each_example},
    {.kind = FunctionKind::kOnExpire,
     .key = "on-expire",
     .doc = "a row whose `ttl` ran out, on its way to the sinks",
     .signature = "Optional<U>(const ROW&)",
     .remark = "U a type of the dataflow",
     .concept_name = "Expires",
     .example_name = "ended",
     .example = expire_example},
    {.kind = FunctionKind::kJoin,
     .key = "join",
     .doc = "a left event with a right one of its key; `R` is null where there is none; "
            "`Optional<U>` where there may be no result",
     .signature = "U(const L&, const R*)",
     .remark = "U a type of the dataflow",
     .concept_name = "Joins",
     .example_name = "join",
     .example = join_example},
});

}  // namespace

std::string cpp_type(const record::Type& type) {
  switch (type.kind) {
    case Kind::kString:
      return "Text";
    case Kind::kBytes:
      return "Bytes";
    case Kind::kTimestamp:
      return "Timestamp";
    case Kind::kJson:
      return "Json";
    case Kind::kDecimal:
      return fmt::format("Decimal<{}>", type.scale);
    case Kind::kDistinct:
      return "Distinct";
    case Kind::kQuantiles:
      return "Quantiles";
    case Kind::kMap:
      return fmt::format("Map<{}>", cpp_type(*type.map_value()));
    case Kind::kEnum:
    case Kind::kUnion:
    case Kind::kObject:
      return to_pascal_case(type.name);
    case Kind::kList:
      return fmt::format("List<{}>", cpp_type(*type.item));
    default:
      return std::string(record::to_string(type.kind));
  }
}

std::span<const FunctionInfo> all_functions() {
  return kFunctions;
}

const FunctionInfo& info_of(FunctionKind kind) {
  return kFunctions[static_cast<std::size_t>(kind)];
}

std::string signature_of(FunctionKind kind, std::string_view in, std::string_view out,
                         std::string_view key) {
  const FunctionInfo& info = info_of(kind);
  const std::string signature = fmt::format(fmt::runtime(info.signature), fmt::arg("in", in),
                                            fmt::arg("out", out), fmt::arg("key", key));
  return info.remark.empty() ? signature : fmt::format("{}, {}", signature, info.remark);
}

std::string example_of(FunctionKind kind, const ExampleNames& names, std::string_view function) {
  const FunctionInfo& info = info_of(kind);
  return info.example(names, function.empty() ? info.example_name : function);
}

}  // namespace gameflow::spec
