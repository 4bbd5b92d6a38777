// A request as routes see it: decoded, with the few headers they use. No sockets, no Beast.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace gameflow::serve {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOptions, kOther };
std::string_view to_string(Method method);  // "GET"; of kOther empty

struct Request {
  Method method = Method::kGet;
  // Decoded segments: "/topics/a%20b" is {"topics", "a b"}, "/" is {""}.
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  // Headers; empty where absent.
  std::string host, origin, content_type, content_encoding, accept_encoding, if_none_match;
  std::function<std::string_view(std::string_view)> other_header;  // any, by its name
  std::string_view body;                                           // whoever reads it holds it
  bool is_tls = false;  // it came over TLS, to this server: no proxy took it off

  // The value of a query parameter, if it is there.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

// Fills `path` and `query` from a request target in origin form ("/a?b=c") or absolute form, of
// which `host` is taken, too: it says more than the header (RFC 9112, 3.2.2). kInvalidArgument: no
// leading '/', a bad percent-encoding, a control character or text that is not UTF-8 after
// decoding.
Status parse_target(std::string_view target, Request& request);

// A whole number in [low, high]; kInvalidArgument names `what` otherwise.
Result<std::uint64_t> parse_number(std::string_view text, std::string_view what, std::uint64_t low,
                                   std::uint64_t high);

// The parameter as a number, or `otherwise` where it is absent.
Result<std::uint64_t> number_parameter(const Request& request, std::string_view name,
                                       std::uint64_t otherwise, std::uint64_t low,
                                       std::uint64_t high);

// True where a list header such as Accept-Encoding names `token` without q=0. Case is ignored.
bool list_has(std::string_view header, std::string_view token);

std::string_view trimmed(std::string_view text);

}  // namespace gameflow::serve
