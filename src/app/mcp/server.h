// The Model Context Protocol as a server of tools: messages of JSON-RPC 2.0, each a line. Knows no
// sockets and no files, so that tests can talk to it.
//
// Protocol versions 2024-11-05 to 2025-11-25 (https://modelcontextprotocol.io/specification).
//
// Threads  one.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "base/error.h"
#include "client/http_client.h"

namespace gameflow::app::mcp {

struct Tool {
  std::string name, title, description;
  boost::json::object input_schema;  // JSON schema of the arguments
  // An object becomes structured content; everything is text as well. An error is one that the
  // caller can do something about.
  std::function<Result<boost::json::value>(const boost::json::object& arguments)> call;
};

class Server {
 public:
  explicit Server(std::vector<Tool> tools) : tools_(std::move(tools)) {}

  // The line that answers one line, or nothing where none is due.
  std::optional<std::string> answer(std::string_view line) const;

 private:
  std::optional<boost::json::object> handle(const boost::json::value& message) const;
  boost::json::object initialize(const boost::json::object& parameters) const;
  boost::json::object list_tools() const;
  // Null: there is no such tool.
  std::optional<boost::json::object> call_tool(const boost::json::object& parameters) const;

  std::vector<Tool> tools_;
};

// The tools of a gameflow that is asked over HTTP. None of them changes anything.
std::vector<Tool> tools_of(const client::ServerAddress& server,
                           const std::vector<std::string>& package_folders = {});

}  // namespace gameflow::app::mcp
