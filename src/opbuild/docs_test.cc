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

spec::Code& block_of(spec::Service& service, std::string_view role) {
  if (role == "assign-timestamp") return service.window.assign_timestamp;
  if (role == "assign-key") return service.assign_key;
  if (role == "update-state") return service.update_state;
  return service.flush;
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
    block_of(parsed.dataflow->services[0], role) = code;
    const auto library =
        build(plan::make_plan(std::make_shared<spec::Dataflow>(std::move(*parsed.dataflow))),
              {.cache_folder = folder, .syntax_only = true});
    EXPECT_TRUE(library) << library.error().message;
    ++examples;
  }
  EXPECT_GE(examples, 7);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace gameflow::opbuild
