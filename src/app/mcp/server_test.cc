#include "app/mcp/server.h"

#include <gtest/gtest.h>

namespace gameflow::app::mcp {
namespace {

namespace json = boost::json;

Server server() {
  std::vector<Tool> tools;
  tools.push_back({"echo",
                   "Echo",
                   "Gives back its arguments.",
                   {{"type", "object"}},
                   [](const json::object& arguments) -> Result<json::value> { return arguments; }});
  tools.push_back({"text",
                   "Text",
                   "Gives a text.",
                   {{"type", "object"}},
                   [](const json::object&) -> Result<json::value> { return "a text"; }});
  tools.push_back({"broken",
                   "Broken",
                   "Fails.",
                   {{"type", "object"}},
                   [](const json::object&) -> Result<json::value> {
                     return fail(ErrorCode::kUnavailable, "nobody is there");
                   }});
  return Server(std::move(tools));
}

TEST(McpServer, AnswersWhatIsDue) {
  struct Row {
    const char* name;
    const char* line;
    const char* answer;  // null: none
  };
  const Row rows[] = {
      {"ping", R"({"jsonrpc":"2.0","id":1,"method":"ping"})",
       R"({"jsonrpc":"2.0","id":1,"result":{}})"},
      {"an id may be text", R"({"jsonrpc":"2.0","id":"a","method":"ping","params":{}})",
       R"({"jsonrpc":"2.0","id":"a","result":{}})"},
      {"a notification", R"({"jsonrpc":"2.0","method":"notifications/initialized"})", nullptr},
      {"an answer", R"({"jsonrpc":"2.0","id":7,"result":{}})", nullptr},
      {"no JSON", "{",
       R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"this line is not JSON"}})"},
      {"no request", R"({"id":1,"method":"ping"})",
       R"({"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"not a request of JSON-RPC 2.0"}})"},
      {"no object", "7",
       R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a message is an object"}})"},
      {"an unknown method", R"({"jsonrpc":"2.0","id":1,"method":"resources/list"})",
       R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found: resources/list"}})"},
      {"an unknown tool",
       R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm","arguments":{}}})",
       R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: rm"}})"},
      {"a call",
       R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}})",
       R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"a\":1}"}],"isError":false,"structuredContent":{"a":1}}})"},
      {"a call without arguments",
       R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"text"}})",
       R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a text"}],"isError":false}})"},
      {"a call that fails",
       R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"broken"}})",
       R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"nobody is there"}],"isError":true}})"},
      {"a batch",
       R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"}])",
       R"([{"jsonrpc":"2.0","id":1,"result":{}}])"},
      {"a batch of notifications", R"([{"jsonrpc":"2.0","method":"notifications/x"}])", nullptr},
      {"an empty batch", "[]",
       R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"an empty batch"}})"},
  };
  for (const Row& row : rows) {
    const auto answer = server().answer(row.line);
    EXPECT_EQ(answer.value_or("(none)"), row.answer == nullptr ? "(none)" : row.answer) << row.name;
  }
}

TEST(McpServer, AgreesOnAVersion) {
  const std::pair<const char*, const char*> rows[] = {{"2024-11-05", "2024-11-05"},
                                                      {"2025-06-18", "2025-06-18"},
                                                      {"2025-11-25", "2025-11-25"},
                                                      {"2099-01-01", "2025-11-25"},
                                                      {"1.0", "2025-11-25"}};
  for (const auto& [asked, given] : rows) {
    const auto answer = server().answer(
        std::string(
            R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")") +
        asked + R"(","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
    ASSERT_TRUE(answer);
    const json::value result = json::parse(*answer).at("result");
    EXPECT_EQ(result.at("protocolVersion").as_string(), given);
    EXPECT_EQ(result.at("serverInfo").at("name").as_string(), "gameflow");
    EXPECT_TRUE(result.at("capabilities").as_object().contains("tools"));
  }
}

TEST(McpServer, EveryToolOnlyReadsAndSaysWhatItTakes) {
  const std::vector<Tool> tools = tools_of({.url = "http://127.0.0.1:1", .ca_file = ""});
  std::vector<std::string> names;
  for (const Tool& tool : tools) {
    names.push_back(tool.name);
    EXPECT_FALSE(tool.description.empty());
    EXPECT_EQ(tool.input_schema.at("type").as_string(), "object");
  }
  EXPECT_EQ(names, (std::vector<std::string>{"list", "describe", "sql", "tail", "explain"}));
  const auto listed = Server(tools).answer(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  ASSERT_TRUE(listed);
  const json::value answer = json::parse(*listed);
  for (const json::value& tool : answer.at("result").at("tools").as_array())
    EXPECT_EQ(tool.at("annotations").at("readOnlyHint"), true);
}

}  // namespace
}  // namespace gameflow::app::mcp
