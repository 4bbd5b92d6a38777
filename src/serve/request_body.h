// The body of a request: read to where it stays, and counted as it arrives.
//
// Threads  those of the connection's strand.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "serve/byte_budget.h"
#include "serve/deadline.h"
#include "serve/net.h"
#include "serve/reply.h"
#include "serve/request.h"
#include "serve/server_state.h"
#include "serve/transport.h"

namespace gameflow::serve {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

class RequestBody {
 public:
  // All of them outlive it. `buffer` has what came with the header.
  RequestBody(ServerState& state, const SessionLimits& limits, Transport& transport,
              boost::beast::flat_buffer& buffer, Deadline& deadline)
      : state_(state),
        limits_(limits),
        transport_(transport),
        buffer_(buffer),
        deadline_(deadline),
        held_(state.body_budget) {}

  // Reads it into `request`, behind the header that `parser` has read; or the reply that refuses
  // it.
  asio::awaitable<std::optional<Reply>> read(RequestParser& parser, Request& request);
  // Its memory; what it counts for is given back at the end of the request.
  void drop(RequestParser& parser, Request& request);
  void give_back() { held_.give_back(); }

 private:
  std::optional<Reply> refuse(const RequestParser& parser) const;
  bool hold(std::size_t bytes, std::size_t size_max);
  bool grow(std::size_t size_max);
  void expect_more_after(std::size_t bytes);
  asio::awaitable<ErrorOf> receive(std::size_t size);
  asio::awaitable<ErrorOf> receive_chunks(RequestParser& parser);

  ServerState& state_;
  const SessionLimits& limits_;
  Transport& transport_;
  boost::beast::flat_buffer& buffer_;
  Deadline& deadline_;
  HeldBytes held_;
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;  // where its length is given; grows with what has come
  std::size_t capacity_ = 0;
  Deadline::Instant started_;
};

// What has come, behind what `buffer` holds; partial_message at its end. The loops of Beast
// come back at the end of a header or body only.
asio::awaitable<ErrorOf> receive_some(Transport& transport, boost::beast::flat_buffer& buffer);

}  // namespace gameflow::serve
