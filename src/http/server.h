// The HTTP and WebSocket server. Reference: docs/reference/http.md.
//
// Threads  serves on its own threads between start() and stop(); these methods belong to one
// thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "api/api.h"
#include "base/error.h"

namespace gameflow::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 3001;  // 0: any free one
  std::uint32_t threads = 1;
  std::size_t body_bytes_max = 8U << 20;  // of a request; after gunzip 4 times that
  std::uint32_t connections_max = 1024;
  // Of request bodies, and of replies that their clients have not read yet, in memory at a time.
  std::size_t bytes_held_max = 256U << 20;
  // Serve pages from this folder instead of those inside the program, for working on them.
  std::optional<std::filesystem::path> web_folder;
};

class Server {
 public:
  // kPortInUse (the message says how to pick another), kInvalidArgument (the address)
  static Result<std::unique_ptr<Server>> listen(api::Api& api, const ServerOptions& options);
  virtual ~Server() = default;  // stops
  virtual std::uint16_t port() const = 0;
  virtual void start() = 0;
  // Accepts nothing new, answers what is running, closes WebSockets with 1001, then returns. Takes
  // at most 5 s.
  virtual void stop() = 0;

 protected:
  Server() = default;
};

}  // namespace gameflow::http
