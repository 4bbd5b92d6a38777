// A small HTTP client for the commands that talk to a running gameflow.
//
// Units    sizes are bytes.
// Threads  a client belongs to one thread; it keeps its connection open between requests.
// Errors   kUnavailable: no complete answer arrived, so the outcome of the request is unknown.
//          kInvalidArgument: its certificate is not to be trusted; nothing was sent, and trying
//          again would not help. An answer with any status is a Reply.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gameflow::client {

struct HttpReply {
  int status = 0;
  std::string body;
  std::chrono::seconds retry_after{0};  // that the server asks to wait for, a day at most
};

// What the commands need of HTTP, so that tests can stand in for a server.
class Http {
 public:
  virtual ~Http() = default;
  // `target` is path and query: "/topics?x=1". `content_type` goes with a body only.
  virtual Result<HttpReply> request(std::string_view method, const std::string& target,
                                    std::string_view content_type, std::string_view body) = 0;
  Result<HttpReply> get(const std::string& target) { return request("GET", target, "", ""); }
};

struct ServerAddress {
  std::string url;      // "http://127.0.0.1:3001", with or without a slash at its end
  std::string ca_file;  // PEM: who may have signed its certificate; empty: whom the system trusts
  std::string token;    // by which it lets one in; empty: none
  // Not so for one who has started us: it is on this machine, where its certificate has no name.
  bool checks_certificate = true;
};

class HttpClient final : public Http {
 public:
  // kInvalidArgument if it is not an http or https URL, kFileUnreadable for the file. A request
  // that is under way when `stop` is requested has two more seconds.
  static Result<std::unique_ptr<HttpClient>> open(const ServerAddress& server,
                                                  std::stop_token stop = {});
  static Result<std::unique_ptr<HttpClient>> open(std::string_view url) {
    return open(ServerAddress{.url = std::string(url), .ca_file = "", .token = ""});
  }
  ~HttpClient() override;

  Result<HttpReply> request(std::string_view method, const std::string& target,
                            std::string_view content_type, std::string_view body) override;

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One request, on a connection of its own; `body` is JSON. As HttpClient.
Result<HttpReply> request_once(const ServerAddress& server, std::string_view method,
                               const std::string& target, std::string_view body = {});

// The Error in an answer that is not 2xx, as the server words it.
Error error_of(const HttpReply& reply);

// `reply` if it is 2xx, else its error.
Result<HttpReply> expect_success(Result<HttpReply> reply);

}  // namespace gameflow::client
