// For tests: a dataflow that is right but for one edit, and what is told of it.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "spec/diagnostic.h"
#include "spec/model.h"

namespace gameflow::spec {

struct Edit {
  const char* name;
  const char* from;  // its first place in the dataflow
  const char* to;
  const char* expected;  // rendered; "": it is no mistake
};

inline void PrintTo(const Edit& edit, std::ostream* out) {
  *out << edit.name;
}

inline std::string name_of(const testing::TestParamInfo<Edit>& info) {
  return info.param.name;
}

inline std::string edited(std::string_view good, const Edit& edit) {
  std::string source(good);
  const std::size_t at = source.find(edit.from);
  EXPECT_NE(at, std::string::npos) << edit.from;
  return source.replace(at, std::string_view(edit.from).size(), edit.to);
}

inline void expect_told(std::string_view good, const Edit& edit) {
  const std::string source = edited(good, edit);
  const ParseResult result = parse(source, "f");
  EXPECT_EQ(result.dataflow.has_value(), !has_errors(result.diagnostics));
  EXPECT_EQ(render(result.diagnostics, "f", source), edit.expected);
}

}  // namespace gameflow::spec
