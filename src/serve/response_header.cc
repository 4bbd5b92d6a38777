#include "serve/response_header.h"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <string_view>

#include <boost/beast/http/status.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

namespace gameflow::serve {
namespace {

// Of every reply; the last one unless the reply has its own.
constexpr std::string_view kConstantFields =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; "
    "form-action 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n";
constexpr std::string_view kNoStore = "Cache-Control: no-store\r\n";

// Formatted once a second.
std::string_view date_of(Timestamp now) {
  thread_local std::time_t second = -1;
  thread_local std::string text;
  const auto wanted = static_cast<std::time_t>(now.ms / 1000);
  if (second != wanted) {
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(wanted));
    second = wanted;
  }
  return text;
}

}  // namespace

bool has_body(unsigned status) {
  return status != 204 && status != 304;
}

std::string response_header(const Reply& reply, unsigned version, bool keep_alive, Timestamp now,
                            BodyEnd end) {
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(reply.status));
  std::string header;
  header.reserve(900);  // from 1 KiB on, malloc first merges all small free blocks
  auto out = std::back_inserter(header);
  fmt::format_to(out, "HTTP/{}.{} {} {}\r\nServer: gameflow\r\nDate: {}\r\n", version / 10,
                 version % 10, reply.status, std::string_view(reason.data(), reason.size()),
                 date_of(now));
  header += kConstantFields;
  const bool may_be_stored = std::ranges::any_of(
      reply.headers, [](const auto& field) { return field.first == "Cache-Control"; });
  if (!may_be_stored) header += kNoStore;
  for (const auto& [name, value] : reply.headers) fmt::format_to(out, "{}: {}\r\n", name, value);
  if (has_body(reply.status)) {
    fmt::format_to(out, "Content-Type: {}\r\n", reply.content_type);
    if (end == BodyEnd::kLength) fmt::format_to(out, "Content-Length: {}\r\n", reply.body.size());
    if (end == BodyEnd::kLastChunk) header += "Transfer-Encoding: chunked\r\n";
  }
  // Each version's default goes without saying.
  if (version == 11 && !keep_alive) header += "Connection: close\r\n";
  if (version == 10 && keep_alive) header += "Connection: keep-alive\r\n";
  header += "\r\n";
  return header;
}

}  // namespace gameflow::serve
