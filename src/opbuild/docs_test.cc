// Every example of docs/reference/operators.md compiles.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "opbuild/opbuild.h"
#include "opbuild/test_flow.h"

namespace gameflow::opbuild {
namespace {

// The dataflow with `code` as its function of this kind.
spec::Dataflow with_block(spec::Dataflow dataflow, std::string_view role, spec::Code code) {
  spec::Service& service = dataflow.services[0];
  spec::Window& window = *service.window;
  spec::Partition& partition = *service.partition;
  for (spec::Function* function :
       {&window.assign_timestamp, &partition.assign_key, &*partition.update_state, &window.flush}) {
    if (spec::info_of(function->kind).key != role) continue;
    function->code = std::move(code);
    return dataflow;
  }
  for (const spec::FunctionInfo& info : spec::all_functions()) {
    if (info.key != role) continue;
    // In front of the window; what changes the type, in front of a topic that takes any.
    service.sources[0].transforms = {{.kind = info.kind, .code = std::move(code), .position = {}}};
    if (!plan::changes_type(info.kind)) return dataflow;
    service.states.clear();
    service.window.reset();
    service.partition.reset();
    dataflow.topics.push_back({.name = "anything"});
    service.sinks = {{.topic = "anything"}};
    return dataflow;
  }
  ADD_FAILURE() << role << " is no kind of block";
  return dataflow;
}

TEST(Docs, ExamplesCompile) {
  std::string name = (std::filesystem::temp_directory_path() / "opbuild-docs-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  std::istringstream page(read_testdata("../../../docs/reference/operators.md"));
  std::uint32_t line_number = 0;
  int examples = 0;
  for (std::string line; std::getline(page, line);) {
    ++line_number;
    constexpr std::string_view kFence = "```cpp ";
    if (!line.starts_with(kFence)) continue;
    const std::string role = line.substr(kFence.size());
    spec::Code code{.text = "", .position = {line_number + 1, 1}};
    for (; std::getline(page, line) && line != "```"; ++line_number) code.text += line + "\n";
    ++line_number;
    spec::ParseResult parsed = spec::parse(player_sessions(), "operators.md");
    ASSERT_TRUE(parsed.dataflow);
    const auto library =
        build(plan::lower(with_block(std::move(*parsed.dataflow), role, std::move(code))),
              {.cache_folder = folder, .syntax_only = true});
    EXPECT_TRUE(library) << library.error().message;
    ++examples;
  }
  EXPECT_GE(examples, 11);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gameflow::opbuild
