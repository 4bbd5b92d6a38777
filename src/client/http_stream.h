// A request to somebody else's server, whose answer is read piece by piece: as long as it goes on,
// and never more of it than its reader has asked for.
//
// Units    sizes are bytes, of the body after decompression (gzip, deflate).
// Threads  belongs to one thread.
// Errors   HttpFailure. An answer with any status is an answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gameflow::client {

struct StreamRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent with POST and PUT
  std::string user_agent;
  std::string ca_file;             // instead of the system's; empty: that
  bool checks_certificate = true;  // as of ServerAddress
  bool allows_redirects = false;
  // Of this machine and of networks that are not the internet's. Looked at when it connects, behind
  // DNS, for each address.
  bool allows_private_addresses = false;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds idle_timeout{60'000};          // without a byte
  std::optional<std::chrono::milliseconds> total_timeout;  // to the end of the answer
};

struct HttpFailure {
  bool is_final = false;  // trying again would not help
  std::string message;    // without the URL's user, password and query
};

// Connections that are kept for the next request to the same server.
class HttpConnections {
 public:
  HttpConnections();

 private:
  friend class HttpStream;
  std::shared_ptr<void> multi_;
};

class HttpStream {
 public:
  explicit HttpStream(StreamRequest request);
  // One stream at a time may use `connections`, of one thread. What allows_private_addresses says
  // has to be the same for all.
  HttpStream(StreamRequest request, const HttpConnections& connections);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  enum class Next : std::uint8_t {
    kMore,    // there may be more; perhaps nothing has come
    kEnd,     // the answer is complete
    kClosed,  // the connection has ended, which of such an answer may be its end, or not
    kFailed,  // failure() says why
  };
  // Appends to `body` what has come, about `size_max` at most, after at most about `wait`. Behind
  // an end or a failure nothing more comes, and the same is said again.
  Next read(std::string& body, std::chrono::milliseconds wait, std::size_t size_max);
  const HttpFailure& failure() const;

  // Of the answer; 0 before it began.
  int status() const;
  // "HTTP/1.1"
  std::string version() const;
  const std::vector<std::pair<std::string, std::string>>& headers() const;
  // Of any case; empty if there is none.
  std::string_view header(std::string_view name) const;
  // How long the server asks to wait (Retry-After, seconds or a date).
  std::chrono::milliseconds retry_after() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// `url` without user, password, query and fragment: fit to be shown.
std::string shown_url(std::string_view url);

}  // namespace gameflow::client
