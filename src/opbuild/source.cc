// The translation unit of a dataflow. Its shape is shown by testdata/player_sessions.cc.golden.
#include <fmt/format.h>

#include "opbuild/block.h"
#include "opbuild/opbuild.h"
#include "opbuild/row_source.h"
#include "opbuild/service_source.h"
#include "opbuild/type_source.h"
#include "plan/graph.h"
#include "record/type.h"
#include "spec/names.h"

namespace gameflow::opbuild {
namespace {

void collect_types(const record::Type* type, SharedTypes& seen) {
  if (type == nullptr || !seen.insert(type).second) return;
  collect_types(type->item, seen);
  for (const record::Field& field : type->fields) collect_types(field.type, seen);
  for (const record::Variant& variant : type->variants) collect_types(variant.type, seen);
}

SharedTypes shared_types(const plan::Graph& graph) {
  SharedTypes types;
  for (const plan::NamedType& named : graph.named_types) collect_types(named.type, types);
  for (const plan::Topic& topic : graph.topics) collect_types(topic.type, types);
  for (const plan::TableSource& table : graph.tables) collect_types(table.row, types);
  // Not rows, which are declared where they may be used; but what is in them.
  for (const plan::Node& node : graph.nodes) {
    const auto* const keyed = std::get_if<plan::Keyed>(&node.kind);
    if (keyed == nullptr) continue;
    for (const plan::State& state : keyed->states) {
      for (const record::Field& field : state.row->fields) collect_types(field.type, types);
    }
  }
  return types;
}

// Whether a row has a column of this kind.
bool has_column(const plan::Graph& graph, record::Kind kind) {
  return std::ranges::any_of(graph.services, [&](const plan::Service& service) {
    const plan::Keyed* const keyed = graph.keyed_of(service);
    return keyed != nullptr && std::ranges::any_of(keyed->states, [&](const plan::State& state) {
             return std::ranges::any_of(state.row->fields, [&](const record::Field& field) {
               return field.type->kind == kind;
             });
           });
  });
}

void write_types(SourceWriter& out, const plan::Graph& graph, const SharedTypes& shared) {
  std::string ids, all;
  for (const record::Type* type : graph.types->declared()) {
    if (!shared.contains(type)) continue;
    const std::string name = spec::cpp_type(*type);
    write_type(out, *type, name);
    ids += fmt::format(
        "template <>\nstruct gameflow::detail::TypeId<dataflow::{}> {{\n"
        "  static constexpr u32 value = {};\n}};\n",
        name, type->id);
    all += name + ", ";
  }
  for (const plan::NamedType& named : graph.named_types) {
    const std::string name = spec::to_pascal_case(named.name);
    const std::string type = spec::cpp_type(*named.type);
    if (name != type) out.line("using {} = {};", name, type);
    const bool is_unnamed =
        named.type->kind == record::Kind::kList || named.type->kind == record::Kind::kMap;
    if (is_unnamed) all += type + ", ";
  }
  out.line("\n}}  // namespace dataflow\n");
  out.raw(ids);
  // For messages about a function that takes another type than what comes.
  out.line("namespace dataflow::types {{\nusing All = gameflow::detail::Types<{}Text>;\n}}", all);
}

// A header that all operators share stands behind the types; what it includes, in front of them.
Block block_of(const plan::Graph::Header& header) {
  return parse_block({header.text, {1, 1}}, header.file);
}

void write_headers(SourceWriter& out, const plan::Graph& graph) {
  if (graph.headers.empty()) return;
  out.line("\nnamespace dataflow {{\n");
  for (const plan::Graph::Header& header : graph.headers)
    out.of(header.file, block_of(header).text);
  out.line("}}  // namespace dataflow");
}

void write_includes(SourceWriter& out, const plan::Graph& graph) {
  for (const plan::Graph::Header& header : graph.headers) {
    for (const Block::Include& include : block_of(header).includes)
      out.of(header.file, include.text + "\n", include.position.line);
  }
  for (const plan::Service& service : graph.services) {
    for (const plan::Step* step : plan::steps_of(graph, service)) {
      for (const Block::Include& include : parse_block(step->code, step->name).includes)
        out.at(include.position, {include.text + "\n"});
    }
  }
}

void write_library(SourceWriter& out, const std::vector<std::string>& functions) {
  out.line("");
  if (!functions.empty()) {
    out.line("static const gameflow::abi::Function kFunctions[] = {{");
    for (const std::string& function : functions) out.line("    {},", function);
    out.line("}};");
  }
  out.line("static const gameflow::abi::Library kLibrary{{gameflow::abi::kVersion, {}, {}}};",
           functions.size(), functions.empty() ? "nullptr" : "kFunctions");
  out.line("extern \"C\" __attribute__((visibility(\"default\"))) const gameflow::abi::Library*");
  out.line("gameflow_library() {{");
  out.line("  return &kLibrary;");
  out.line("}}");
}

}  // namespace

std::string generate_source(const plan::Graph& graph) {
  const SharedTypes shared = shared_types(graph);
  SourceWriter out(graph.files);
  out.line("// Generated by gameflow from {}.", graph.files.front().label);
  out.line("#include <gameflow/batch.h>");
  if (has_column(graph, record::Kind::kDistinct)) out.line("#include <gameflow/distinct.h>");
  if (has_column(graph, record::Kind::kQuantiles)) out.line("#include <gameflow/quantiles.h>");
  write_includes(out, graph);
  out.line("\nnamespace dataflow {{\n\nusing namespace gameflow;\nusing sdk_types::Timestamp;\n");
  write_types(out, graph, shared);
  write_headers(out, graph);
  for (const plan::Service& service : graph.services) write_rows(out, graph, service, shared);
  LibraryTable table;
  for (const plan::Service& service : graph.services) write_service(out, graph, service, table);
  write_library(out, table.rows);
  return out.take();
}

}  // namespace gameflow::opbuild
