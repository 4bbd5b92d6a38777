#include "opbuild/row_source.h"

#include "record/type.h"
#include "spec/names.h"

namespace gameflow::opbuild {
namespace {

// As gameflow::detail::Merge.
constexpr std::string_view kMerges[] = {"kSum", "kMin", "kMax", "kFirst", "kLast", "kAny"};

// For rows with lists: an operator gets its own copy of them.
void write_detach(SourceWriter& out, const record::Type& row, const std::string& name) {
  std::string lists;
  for (const record::Field& field : row.fields) {
    if (field.type->kind == record::Kind::kList)
      lists += fmt::format("  gameflow::detail::detach(row.{});\n", field.cpp_name);
  }
  if (lists.empty()) return;
  out.line("inline void detach_lists({}& row) {{", name);
  out.raw(lists);
  out.line("}}\n");
}

}  // namespace

std::string row_struct(const plan::State& state) {
  return spec::to_pascal_case(state.name) + "Row";
}

void write_rows(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                const SharedTypes& shared) {
  const plan::Keyed* const keyed = graph.keyed_of(service);
  if (keyed == nullptr) return;
  out.line("\nnamespace dataflow::{} {{\n", service.scope);
  for (const plan::State& state : keyed->states) {
    if (shared.contains(state.row)) {
      out.line("using {} = {};\n", row_struct(state), spec::cpp_type(*state.row));
    } else {
      write_type(out, *state.row, row_struct(state));
      write_detach(out, *state.row, row_struct(state));
    }
  }
  out.line("}}  // namespace dataflow::{}", service.scope);
}

SeenRows write_seen_rows(SourceWriter& out, const plan::Keyed& keyed) {
  SeenRows seen;
  for (const plan::State& state : keyed.states) {
    const std::string row = row_struct(state);
    out.line("constexpr auto value_of_{}_ = [](const {}& row) -> const auto& {{ return row{}; }};",
             state.table, row, state.is_primitive ? ".value" : "");
    seen.types += fmt::format(", gameflow::detail::RowOf<{}, value_of_{}_>", row, state.table);
    seen.words +=
        fmt::format("{}{}", seen.words.empty() ? "" : ", ",
                    state.is_primitive ? spec::cpp_type(*state.row->fields.front().type) : row);
  }
  return seen;
}

std::vector<MergeSource> write_merges(SourceWriter& out, const plan::Keyed& keyed) {
  std::vector<MergeSource> merges;
  for (const plan::State& state : keyed.states) {
    if (state.merge_function.empty()) continue;
    const std::string row = row_struct(state);
    std::string columns;
    for (std::size_t i = 0; i < state.merges.size(); ++i) {
      columns += fmt::format(
          ",\n    gameflow::detail::MergedColumn<&{}::{}, gameflow::detail::Merge::{}>", row,
          state.row->fields[i].cpp_name, kMerges[static_cast<std::size_t>(*state.merges[i])]);
    }
    merges.push_back({state.merge_function, fmt::format("merge_{}_", state.table)});
    out.line("constexpr auto {} =\n    gameflow::detail::merge<{}{}>;\n", merges.back().pointer,
             row, columns);
  }
  return merges;
}

}  // namespace gameflow::opbuild
