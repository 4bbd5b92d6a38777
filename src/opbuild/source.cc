// The translation unit of a dataflow. Its shape is shown by testdata/player_sessions.cc.golden.
#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "opbuild/block.h"
#include "opbuild/opbuild.h"
#include "spec/names.h"

namespace gameflow::opbuild {
namespace {

using fmt::format;

// What messages call the generated file.
constexpr std::string_view kGeneratedName = "operators.cc";

std::string cpp_literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

// Collects lines and knows where it is, for going back from a #line to the generated file.
class Writer {
 public:
  explicit Writer(std::string_view yaml_name) : yaml_name_(cpp_literal(yaml_name)) {}

  template <class... Arguments>
  void line(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    raw(format(text, std::forward<Arguments>(arguments)...) + "\n");
  }

  void raw(std::string_view text) {
    text_ += text;
    lines_ += static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  // Text of dataflow.yaml, ending with a line break, that starts at `position`.
  void user_text(spec::Position position, std::string_view text) {
    line("#line {} {}", position.line, yaml_name_);
    raw(std::string(position.column - 1, ' '));
    raw(text);
    line("#line {} {}", lines_ + 2, cpp_literal(kGeneratedName));
  }

  std::string take() { return std::move(text_); }

 private:
  std::string yaml_name_;
  std::string text_;
  std::size_t lines_ = 0;  // complete ones
};

void collect_objects(const record::Type* type, std::unordered_set<const record::Type*>& seen) {
  if (type == nullptr || !seen.insert(type).second) return;
  collect_objects(type->item, seen);
  for (const record::Field& field : type->fields) collect_objects(field.type, seen);
}

// Every type an operator can name: all but the rows of states, which belong to their service.
std::unordered_set<const record::Type*> shared_types(const spec::Dataflow& dataflow) {
  std::unordered_set<const record::Type*> types;
  for (const record::Type* type : dataflow.named_types) collect_objects(type, types);
  for (const spec::Topic& topic : dataflow.topics) collect_objects(topic.type, types);
  for (const spec::Service& service : dataflow.services) {
    collect_objects(service.event, types);
    collect_objects(service.output, types);
  }
  return types;
}

void write_struct(Writer& out, const record::Type& type, const std::string& name) {
  out.line("struct {} {{", name);
  for (const record::Field& field : type.fields) {
    const std::string value = plan::cpp_type(*field.type);
    out.line("  {} {}{{}};", field.optional ? "Optional<" + value + ">" : value, field.name);
  }
  out.line("}};");
  out.line("static_assert(sizeof({}) == {});", name, type.size);
  for (const record::Field& field : type.fields) {
    out.line("static_assert(offsetof({}, {}) == {});", name, field.name, field.offset);
  }
  out.line("");
}

void write_types(Writer& out, const spec::Dataflow& dataflow,
                 const std::unordered_set<const record::Type*>& shared) {
  std::string ids;
  for (const record::Type* type : dataflow.types->objects()) {
    if (!shared.contains(type)) continue;
    write_struct(out, *type, plan::cpp_type(*type));
    ids += format(
        "template <>\nstruct gameflow::detail::TypeId<dataflow::{}> {{\n"
        "  static constexpr u32 value = {};\n}};\n",
        plan::cpp_type(*type), type->id);
  }
  for (std::size_t i = 0; i < dataflow.named_types.size(); ++i) {
    const std::string name = spec::to_pascal_case(dataflow.type_names[i]);
    const std::string type = plan::cpp_type(*dataflow.named_types[i]);
    if (name != type) out.line("using {} = {};", name, type);
  }
  out.line("\n}}  // namespace dataflow\n");
  out.raw(ids);
}

// The name of `type` that its author knows.
std::string friendly_type(const spec::Dataflow& dataflow, const record::Type* type) {
  const auto named = std::ranges::find(dataflow.named_types, type);
  if (named == dataflow.named_types.end()) return plan::cpp_type(*type);
  return spec::to_pascal_case(
      dataflow.type_names[static_cast<std::size_t>(named - dataflow.named_types.begin())]);
}

struct Operator {
  std::string name;  // assign_key
  std::string role;  // the YAML key: assign-key
  const spec::Code* code;
  std::string check;     // what has to be true of it, for static_assert
  std::string expected;  // the same in words
};

void write_operator(Writer& out, const Operator& op) {
  Block block = parse_block(*op.code, op.role);
  const bool lambda = block.form == Block::Form::kLambda;
  if (lambda) block.function = "lambda";
  const std::string call = format("{}_block::{}(in...)", op.name, block.function);
  out.line("namespace {}_block {{", op.name);
  if (lambda) out.line("inline constexpr auto lambda =");
  out.user_text(op.code->position, block.text);
  out.line("{}}}  // namespace {}_block", lambda ? ";" : "", op.name);
  for (const std::string& macro : block.macros) out.line("#undef {}", macro);
  out.line("constexpr auto {}_operator = [](auto&&... in) -> decltype({}) {{", op.name, call);
  out.line("  return {};", call);
  out.line("}};");
  out.line("static_assert(gameflow::detail::");
  out.user_text(block.operator_position, op.check + ",\n");
  out.line("    {});\n", cpp_literal(op.expected));
}

std::string key_type(const plan::ServicePlan& service) {
  if (service.states.empty() || service.states[0].key == record::Kind::kString) return "Text";
  return std::string(record::to_string(service.states[0].key));
}

std::vector<Operator> operators_of(const plan::ServicePlan& service,
                                   const spec::Dataflow& dataflow) {
  const spec::Service& spec = *service.spec;
  const std::string event = friendly_type(dataflow, spec.event);
  const std::string output = friendly_type(dataflow, spec.output);
  const std::string key = key_type(service);
  const auto check = [](std::string_view concept_name, std::string_view op, std::string_view rest) {
    return format("{}<decltype({}_operator){}>", concept_name, op, rest);
  };
  return {
      {"assign_timestamp", "assign-timestamp", &spec.window.assign_timestamp,
       check("AssignsTimestamp", "assign_timestamp", ", " + event),
       format("assign-timestamp must be callable as i64(const {0}&, i64 record_time) or i64(const "
              "{0}&)",
              event)},
      {"assign_key", "assign-key", &spec.assign_key,
       check("AssignsKey", "assign_key", ", " + event + ", " + key),
       format("assign-key must be callable as {}(const {}&), the key type of the states", key,
              event)},
      {"update_state", "update-state", &spec.update_state,
       check("UpdatesState", "update_state", ", " + event),
       format("update-state must be callable as void(const {}&)", event)},
      {"flush", "flush", &spec.flush, check("Flushes", "flush", ", " + output),
       format("flush must be callable as {}(), the type of the sinks", output)},
  };
}

void write_service(Writer& out, const plan::ServicePlan& service, const spec::Dataflow& dataflow,
                   const std::unordered_set<const record::Type*>& shared) {
  out.line("\nnamespace dataflow::{} {{\n", service.scope);
  for (std::size_t i = 0; i < service.states.size(); ++i) {
    const plan::StatePlan& state = service.states[i];
    if (shared.contains(state.row)) {
      out.line("using {} = {};", state.row_struct, plan::cpp_type(*state.row));
    } else {
      write_struct(out, *state.row, state.row_struct);
    }
    out.line("inline {}& {}() {{", state.row_struct, state.table);
    out.line("  return gameflow::detail::current_row<{}>({});", state.row_struct, i);
    out.line("}}\n");
  }
  for (const Operator& op : operators_of(service, dataflow)) write_operator(out, op);

  std::string rows;
  for (const plan::StatePlan& state : service.states) rows += ", " + state.row_struct;
  const std::string event = plan::cpp_type(*service.spec->event);
  out.line("constexpr gameflow::abi::Service kService{{");
  out.line("    .name = {},", cpp_literal(service.spec->name));
  out.line(
      "    .assign_timestamp = gameflow::detail::assign_timestamps<{}, assign_timestamp_operator>,",
      event);
  out.line("    .assign_key = gameflow::detail::assign_keys<{}, {}, assign_key_operator>,", event,
           key_type(service));
  out.line("    .update_state = gameflow::detail::update_states<{}, update_state_operator{}>,",
           event, rows);
  out.line("    .flush = gameflow::detail::flush<{}, flush_operator>,",
           plan::cpp_type(*service.spec->output));
  out.line("}};");
  out.line("\n}}  // namespace dataflow::{}", service.scope);
}

void write_library(Writer& out, const plan::Plan& plan) {
  std::string services;
  for (const plan::ServicePlan& service : plan.services) {
    services += format("{}dataflow::{}::kService", services.empty() ? "" : ", ", service.scope);
  }
  out.line("");
  if (!services.empty()) {
    out.line("static constexpr gameflow::abi::Service kServices[] = {{{}}};", services);
  }
  out.line("static constexpr gameflow::abi::Library kLibrary{{gameflow::abi::kVersion, {}, {}}};",
           plan.services.size(), services.empty() ? "nullptr" : "kServices");
  out.line("extern \"C\" __attribute__((visibility(\"default\"))) const gameflow::abi::Library*");
  out.line("gameflow_library() {{");
  out.line("  return &kLibrary;");
  out.line("}}");
}

// The last part of a path: what #line says must not depend on where the file was named from, as it
// is part of the cache's key.
std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

}  // namespace

std::string generate_source(const plan::Plan& plan) {
  const spec::Dataflow& dataflow = *plan.dataflow;
  const auto shared = shared_types(dataflow);
  Writer out(base_name(dataflow.file_name));
  out.line("// Generated by gameflow from {}.", base_name(dataflow.file_name));
  out.line("#include <gameflow/batch.h>");
  for (const plan::ServicePlan& service : plan.services) {
    for (const Operator& op : operators_of(service, dataflow)) {
      for (const Block::Include& include : parse_block(*op.code, op.role).includes) {
        out.user_text(include.position, include.text + "\n");
      }
    }
  }
  out.line("\nnamespace dataflow {{\n\nusing namespace gameflow;\n");
  write_types(out, dataflow, shared);
  for (const plan::ServicePlan& service : plan.services) {
    write_service(out, service, dataflow, shared);
  }
  write_library(out, plan);
  return out.take();
}

}  // namespace gameflow::opbuild
