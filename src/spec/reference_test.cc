// The examples in docs/reference/dataflow-yaml.md are correct, and it names every key.
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spec/model.h"

namespace gameflow::spec {
namespace {

std::string read_reference() {
  std::ifstream file(GAMEFLOW_SOURCE_FOLDER "/docs/reference/dataflow-yaml.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << "the reference cannot be read";
  return text.str();
}

// Blocks of ```yaml that start with `apiVersion` are whole dataflows.
TEST(Reference, ExamplesAreCorrect) {
  const std::string text = read_reference();
  const std::string fence = "```yaml\napiVersion";
  int examples = 0;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t start = at + std::string("```yaml\n").size();
    const std::string example = text.substr(start, text.find("```", start) - start);
    const ParseResult result = parse(example, "example");
    EXPECT_EQ(render(result.diagnostics, "example", example), "");
    ++examples;
  }
  EXPECT_GE(examples, 2);
}

TEST(Reference, NamesEveryKey) {
  const std::string text = read_reference();
  for (const char* key : {"apiVersion",
                          "meta",
                          "name",
                          "version",
                          "namespace",
                          "config",
                          "converter",
                          "consumer",
                          "default_starting_offset",
                          "dead-letter-topic",
                          "watermark",
                          "future-max",
                          "types",
                          "type",
                          "properties",
                          "items",
                          "optional",
                          "topics",
                          "schema",
                          "key",
                          "value",
                          "partitions",
                          "retention",
                          "age",
                          "bytes",
                          "services",
                          "sources",
                          "id",
                          "starting-offset",
                          "states",

                          "window",
                          "tumbling",
                          "duration",
                          "assign-timestamp",
                          "run",
                          "grace-period",
                          "idleness",
                          "late",
                          "topic",
                          "partition",
                          "assign-key",
                          "update-state",
                          "flush",
                          "sinks"})
    EXPECT_NE(text.find(fmt::format("`{}`", key)), std::string::npos) << key;
}

}  // namespace
}  // namespace gameflow::spec
