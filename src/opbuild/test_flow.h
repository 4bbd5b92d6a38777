// Dataflows for tests, from YAML text.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "opbuild/opbuild.h"
#include "plan/graph.h"
#include "record/type.h"
#include "spec/model.h"

namespace gameflow::opbuild {

inline std::string read_testdata(const std::string& name) {
  std::ifstream file(std::string(GAMEFLOW_TESTDATA) + "/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline plan::Graph graph_of(std::string_view yaml, std::string file_name = "dataflow.yaml") {
  const spec::ParseResult parsed = spec::parse(yaml, file_name);
  EXPECT_TRUE(parsed.dataflow) << spec::render(parsed.diagnostics, file_name, yaml);
  if (parsed.dataflow) return plan::lower(*parsed.dataflow);
  plan::Graph none;
  none.types = std::make_shared<record::TypeTable>();
  return none;
}

inline const std::string& player_sessions() {
  static const std::string yaml = read_testdata("player_sessions.yaml");
  return yaml;
}

inline const std::string& transforms() {
  static const std::string yaml = read_testdata("transforms.yaml");
  return yaml;
}

// `text` with the one place that says `from` saying `to`.
inline std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

// build(), with the mistakes in the message; the lines that are shown are those of `yaml`.
inline Result<Library> build(const plan::Graph& graph, const Options& options,
                             std::string_view yaml = {}) {
  std::vector<spec::Diagnostic> mistakes;
  auto library = build(graph, options, mistakes);
  if (library || mistakes.empty()) return library;
  return fail(library.error().code, spec::render(mistakes, graph.file_name, yaml));
}

// That the operators are told these mistakes, without the lines that are shown; none: they compile.
inline void expect_told(const plan::Graph& graph, const std::string& cache_folder,
                        std::string_view expected) {
  std::vector<spec::Diagnostic> mistakes;
  const auto library = build(graph, {.cache_folder = cache_folder, .syntax_only = true}, mistakes);
  std::string told;
  for (const spec::Diagnostic& mistake : mistakes) {
    told += std::to_string(mistake.position.line) + ":" + std::to_string(mistake.position.column) +
            ": error: " + mistake.message + "\n";
    if (!mistake.hint.empty()) told += "      = " + mistake.hint + "\n";
  }
  EXPECT_EQ(told, expected);
  EXPECT_EQ(library.has_value(), told.empty());
}

}  // namespace gameflow::opbuild
