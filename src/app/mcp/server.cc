#include "app/mcp/server.h"

#include <algorithm>
#include <utility>

#include "client/json_text.h"

namespace gameflow::app::mcp {
namespace {

namespace json = boost::json;

// The newest one first: it is what a client is told that asks for one that is not among them.
constexpr std::string_view kVersions[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601,
              kInvalidParams = -32602;

constexpr const char* kInstructions =
    "A running gameflow: topics with records, services that turn them into rows by key and window, "
    "and SQL over these rows. Begin with 'list'. Everything here only reads.";

json::object result_of(const json::value& id, json::object result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

json::object error_of(const json::value& id, int code, std::string_view message) {
  return {{"jsonrpc", "2.0"},
          {"id", id},
          {"error", json::object{{"code", code}, {"message", message}}}};
}

json::object object_at(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

}  // namespace

std::optional<std::string> Server::answer(std::string_view line) const {
  boost::system::error_code error;
  const json::value message = json::parse(std::string(line), error);
  if (error) return json::serialize(error_of(nullptr, kParseError, "this line is not JSON"));
  if (!message.is_array()) {
    const auto reply = handle(message);
    return reply ? std::optional(json::serialize(*reply)) : std::nullopt;
  }
  // Several at once, as protocol version 2025-03-26 has it.
  if (message.get_array().empty())
    return json::serialize(error_of(nullptr, kInvalidRequest, "an empty batch"));
  json::array replies;
  for (const json::value& one : message.get_array()) {
    if (auto reply = handle(one)) replies.emplace_back(std::move(*reply));
  }
  return replies.empty() ? std::nullopt : std::optional(json::serialize(replies));
}

std::optional<json::object> Server::handle(const json::value& message) const {
  if (!message.is_object()) return error_of(nullptr, kInvalidRequest, "a message is an object");
  const json::object& object = message.get_object();
  const json::value* const id = object.if_contains("id");
  const json::value* const method = object.if_contains("method");
  if (method == nullptr && id != nullptr && (object.contains("result") || object.contains("error")))
    return std::nullopt;  // an answer, though nothing was asked
  const bool has_id = id != nullptr && (id->is_string() || id->is_number());
  if (method == nullptr || !method->is_string() || client::text_at(object, "jsonrpc") != "2.0" ||
      (id != nullptr && !has_id)) {
    return error_of(has_id ? *id : json::value(), kInvalidRequest, "not a request of JSON-RPC 2.0");
  }
  if (id == nullptr) return std::nullopt;  // a notification: there is nothing to do for any
  const std::string_view name = method->get_string();
  const json::object parameters = object_at(object, "params");
  if (name == "initialize") return result_of(*id, initialize(parameters));
  if (name == "ping") return result_of(*id, {});
  if (name == "tools/list") return result_of(*id, list_tools());
  if (name == "tools/call") {
    auto result = call_tool(parameters);
    if (result) return result_of(*id, std::move(*result));
    return error_of(*id, kInvalidParams, "Unknown tool: " + client::text_at(parameters, "name"));
  }
  return error_of(*id, kMethodNotFound, "Method not found: " + std::string(name));
}

json::object Server::initialize(const json::object& parameters) const {
  const std::string asked = client::text_at(parameters, "protocolVersion");
  const auto* const found = std::ranges::find(kVersions, asked);
  return {
      {"protocolVersion", found != std::end(kVersions) ? *found : kVersions[0]},
      {"capabilities", json::object{{"tools", json::object{{"listChanged", false}}}}},
      {"serverInfo",
       json::object{{"name", "gameflow"}, {"title", "gameflow"}, {"version", GAMEFLOW_VERSION}}},
      {"instructions", kInstructions}};
}

json::object Server::list_tools() const {
  json::array tools;
  for (const Tool& tool : tools_) {
    tools.emplace_back(json::object{{"name", tool.name},
                                    {"title", tool.title},
                                    {"description", tool.description},
                                    {"inputSchema", tool.input_schema},
                                    {"annotations", json::object{{"title", tool.title},
                                                                 {"readOnlyHint", true},
                                                                 {"destructiveHint", false},
                                                                 {"idempotentHint", true},
                                                                 {"openWorldHint", false}}}});
  }
  return {{"tools", std::move(tools)}};
}

std::optional<json::object> Server::call_tool(const json::object& parameters) const {
  const auto tool = std::ranges::find(tools_, client::text_at(parameters, "name"), &Tool::name);
  if (tool == tools_.end()) return std::nullopt;
  const auto result = tool->call(object_at(parameters, "arguments"));
  const std::string text = !result               ? result.error().message
                           : result->is_string() ? std::string(result->get_string())
                                                 : json::serialize(*result);
  json::object answer{{"content", json::array{json::object{{"type", "text"}, {"text", text}}}},
                      {"isError", !result}};
  if (result && result->is_object()) answer["structuredContent"] = *result;
  return answer;
}

}  // namespace gameflow::app::mcp
