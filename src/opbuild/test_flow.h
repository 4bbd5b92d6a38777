// Dataflows for tests, from YAML text.
#pragma once

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "opbuild/opbuild.h"
#include "plan/plan.h"
#include "spec/model.h"

namespace gameflow::opbuild {

inline std::string read_testdata(const std::string& name) {
  std::ifstream file(std::string(GAMEFLOW_TESTDATA) + "/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline plan::Plan plan_of(std::string_view yaml, std::string file_name = "dataflow.yaml") {
  spec::ParseResult parsed = spec::parse(yaml, file_name);
  EXPECT_TRUE(parsed.dataflow) << spec::render(parsed.diagnostics, file_name, yaml);
  if (!parsed.dataflow) return {.dataflow = std::make_shared<spec::Dataflow>(), .services = {}};
  return plan::make_plan(std::make_shared<spec::Dataflow>(std::move(*parsed.dataflow)));
}

inline const std::string& player_sessions() {
  static const std::string yaml = read_testdata("player_sessions.yaml");
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
inline Result<Library> build(const plan::Plan& plan, const Options& options,
                             std::string_view yaml = {}) {
  std::vector<spec::Diagnostic> mistakes;
  auto library = build(plan, options, mistakes);
  if (library || mistakes.empty()) return library;
  return fail(library.error().code, spec::render(mistakes, plan.dataflow->file_name, yaml));
}

}  // namespace gameflow::opbuild
