// gameflow mcp: the Model Context Protocol on stdin and stdout.

#include <cstdio>
#include <iostream>
#include <string>

#include "app/commands.h"
#include "app/mcp/server.h"

namespace gameflow::app {

int mcp_command(const McpOptions& options) {
  const mcp::Server server(mcp::tools_of(options.server, options.package_folders));
  // Ends with the input: that is how a client says good-bye.
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto answer = server.answer(line);
    if (!answer) continue;
    std::fwrite(answer->data(), 1, answer->size(), stdout);
    std::fputc('\n', stdout);
    if (std::fflush(stdout) != 0) break;
  }
  return kExitFine;
}

}  // namespace gameflow::app
