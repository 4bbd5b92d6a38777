// An HTTP request's header, in pieces, as it comes from a socket.
#include <cstdint>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "fuzz.h"
#include "serve/request.h"
#include "serve/request_body.h"
#include "serve/request_header.h"

namespace gameflow::serve {
namespace {

using fuzz::must;
namespace wire = boost::beast::http;

constexpr std::size_t kHeaderBytesMax = 16U << 10, kPieceBytes = 61;

void run(std::string_view input) {
  boost::beast::flat_buffer buffer(128U << 10);
  RequestParser parser;
  parser.header_limit(kHeaderBytesMax);
  parser.body_limit(1U << 20);
  while (!parser.is_header_done()) {
    const std::string_view piece = input.substr(0, kPieceBytes);
    if (piece.empty()) return;
    input.remove_prefix(piece.size());
    buffer.commit(
        asio::buffer_copy(buffer.prepare(piece.size()), asio::buffer(piece.data(), piece.size())));
    if (!has_request(buffer)) continue;
    if (has_folded_line(buffer.cdata())) return;
    ErrorOf error;
    buffer.consume(parser.put(buffer.data(), error));
    if (error && error != wire::error::need_more) {
      static_cast<void>(header_failure(error, false, {}));
      return;
    }
  }
  if (check_header(parser.get())) return;
  must(parser.get().version() != 11 || parser.get().count(wire::field::host) == 1, "one host");
  must(parser.get().count(wire::field::content_length) <= 1, "one length");
  Request request;
  if (read_header(parser.get(), request)) return;
  for (const std::string& segment : request.path)
    must(segment.size() <= kHeaderBytesMax, "a path lies in the header");
  static_cast<void>(request.parameter("key"));
}

}  // namespace
}  // namespace gameflow::serve

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::serve::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
