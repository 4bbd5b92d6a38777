#include "serve/request_header.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <fmt/format.h>

namespace gameflow::serve {

namespace wire = boost::beast::http;

namespace {

Method method_of(wire::verb verb) {
  switch (verb) {
    case wire::verb::get:
      return Method::kGet;
    case wire::verb::head:
      return Method::kHead;
    case wire::verb::post:
      return Method::kPost;
    case wire::verb::put:
      return Method::kPut;
    case wire::verb::delete_:
      return Method::kDelete;
    case wire::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

std::string_view text_of(asio::const_buffer bytes) {
  return {static_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool has_request(boost::beast::flat_buffer& buffer) {
  while (text_of(buffer.cdata()).starts_with("\r\n")) buffer.consume(2);
  const std::string_view text = text_of(buffer.cdata());
  return !text.empty() && text != "\r";
}

bool has_folded_line(asio::const_buffer bytes) {
  std::string_view text = text_of(bytes);
  if (text.starts_with("\r\n")) return false;  // the end of the header, and the body behind it
  text = text.substr(0, text.find("\r\n\r\n"));
  return text.find("\r\n ") != std::string_view::npos ||
         text.find("\r\n\t") != std::string_view::npos;
}

std::optional<Reply> header_failure(const ErrorOf& error, bool expired,
                                    const SessionLimits& limits) {
  if (expired)
    return error_reply(408, "timeout",
                       fmt::format("the request header did not arrive within {} ms",
                                   limits.header_time_max.count()));
  if (error == wire::error::header_limit || error == wire::error::buffer_overflow)
    return error_reply(431, to_string(ErrorCode::kPayloadTooLarge),
                       fmt::format("the request header is over {} bytes", limits.header_bytes_max));
  if (error == wire::error::end_of_stream || error == wire::error::partial_message)
    return std::nullopt;
  if (error.category() != make_error_code(wire::error::end_of_stream).category())
    return std::nullopt;
  return error_reply(400, to_string(ErrorCode::kInvalidArgument),
                     fmt::format("this is not an HTTP/1.1 request: {}", error.message()));
}

Reply body_failure(const ErrorOf& error, bool expired, const SessionLimits& limits,
                   std::size_t body_bytes_max) {
  if (expired)
    return error_reply(
        408, "timeout",
        fmt::format("the request body arrives too slowly: it has {} s, and one more for each {} "
                    "bytes that have come",
                    static_cast<double>(limits.body_time.count()) / 1'000, limits.body_rate_min));
  if (error == asio::error::no_memory)
    return error_reply(503, to_string(ErrorCode::kUnavailable),
                       "too many requests with large bodies at once; try again");
  if (error == wire::error::body_limit)
    return error_reply(
        413, to_string(ErrorCode::kPayloadTooLarge),
        fmt::format("the body is over the limit of {} bytes; send it in parts", body_bytes_max));
  return error_reply(400, to_string(ErrorCode::kInvalidArgument),
                     fmt::format("the request body does not parse: {}", error.message()));
}

std::optional<Reply> check_header(const RequestHeader& header) {
  const auto bad = [](unsigned status, std::string_view message) {
    return error_reply(status, to_string(ErrorCode::kInvalidArgument), message);
  };
  const std::size_t lengths = header.count(wire::field::content_length);
  const std::size_t codings = header.count(wire::field::transfer_encoding);
  if (lengths > 1) return bad(400, "Content-Length is given twice");
  if (lengths > 0 && codings > 0)
    return bad(400, "Content-Length and Transfer-Encoding exclude each other");
  if (codings > 0 && header.version() == 10) return bad(400, "HTTP/1.0 has no Transfer-Encoding");
  if (codings > 1 ||
      (codings == 1 && !boost::beast::iequals(header[wire::field::transfer_encoding], "chunked")))
    return bad(501, "the only Transfer-Encoding understood here is chunked");
  const std::size_t hosts = header.count(wire::field::host);
  if (hosts > 1 || (hosts == 0 && header.version() == 11))
    return bad(400, "an HTTP/1.1 request needs exactly one Host header");
  return std::nullopt;
}

std::optional<Reply> read_header(const RequestHeader& header, Request& request) {
  const auto field = [&](auto name) {
    const auto value = header[name];
    return std::string(value.data(), value.size());
  };
  request.method = method_of(header.method());
  request.host = field(wire::field::host);
  request.origin = field(wire::field::origin);
  request.content_type = field(wire::field::content_type);
  request.content_encoding = field(wire::field::content_encoding);
  request.accept_encoding = field(wire::field::accept_encoding);
  request.if_none_match = field(wire::field::if_none_match);
  request.other_header = [&header](std::string_view name) -> std::string_view {
    const auto value = header[boost::beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
  };
  const auto parsed = parse_target({header.target().data(), header.target().size()}, request);
  if (!parsed) return error_reply(parsed.error());
  return std::nullopt;
}

}  // namespace gameflow::serve
