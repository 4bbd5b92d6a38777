#include "http/route_checks.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/ascii.h"

namespace gameflow::http {
namespace {

// "host" of "host:port" and "[::1]:port", in lower case.
std::string host_name(std::string_view authority) {
  if (authority.starts_with('[')) return lower_case(authority.substr(0, authority.find(']') + 1));
  return lower_case(authority.substr(0, authority.find(':')));
}

bool is_address_or_local(const std::string& name) {
  return name.starts_with('[') || name == "localhost" || name.ends_with(".localhost") ||
         name.find_first_not_of("0123456789.") == std::string::npos;
}

bool is_same_origin(const Request& request) {
  const std::string origin = lower_case(request.origin);
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) return origin.substr(scheme.size()) == lower_case(request.host);
  return false;
}

std::optional<Reply> refuse_origin(const RouteContext& context, const Request& request,
                                   const Route& route) {
  if (context.loopback && !is_address_or_local(host_name(request.host)))
    return error_reply(403, "forbidden",
                       fmt::format("this server listens on a loopback address and does not answer "
                                   "to the host name \"{}\"; use http://127.0.0.1 or localhost",
                                   host_name(request.host)));
  const bool careful = route.method != Method::kGet || route.work == Work::kWebSocket;
  if (careful && !request.origin.empty() && !is_same_origin(request))
    return error_reply(403, "forbidden",
                       fmt::format("pages of {} may not do this here; only pages of this server",
                                   request.origin.substr(0, 200)));
  return std::nullopt;
}

std::optional<Reply> refuse_parameters(const Request& request, const Route& route) {
  if (route.parameters == "*") return std::nullopt;
  for (std::size_t i = 0; i < request.query.size(); ++i) {
    const std::string& name = request.query[i].first;
    const std::string known = fmt::format(" {} ", route.parameters);
    if (name.empty() || known.find(fmt::format(" {} ", name)) == std::string::npos)
      return error_reply(
          400, "invalid_argument",
          fmt::format("unknown parameter \"{}\"; this route has {}", name.substr(0, 100),
                      route.parameters.empty() ? "none" : route.parameters));
    for (std::size_t j = 0; j < i; ++j)
      if (request.query[j].first == name)
        return error_reply(400, "invalid_argument",
                           fmt::format("parameter \"{}\" is given twice", name));
  }
  return std::nullopt;
}

std::optional<Reply> refuse_body_type(const Request& request, const Route& route) {
  if (route.method != Method::kPost && route.method != Method::kPut) return std::nullopt;
  const std::string encoding = lower_case(request.content_encoding);
  const bool records = route.work == Work::kCallback;
  if (!encoding.empty() && encoding != "identity" && !(records && encoding == "gzip")) {
    Reply reply = error_reply(415, "unsupported_media_type",
                              fmt::format("Content-Encoding \"{}\" is not supported here{}",
                                          encoding.substr(0, 100), records ? "; gzip is" : ""));
    reply.headers.emplace_back("Accept-Encoding", records ? "gzip, identity" : "identity");
    return reply;
  }
  // curl calls a body a form unless told otherwise: then, as without a type, its first byte
  // decides.
  static constexpr std::array<std::string_view, 6> kTypes{"",
                                                          "application/x-www-form-urlencoded",
                                                          "application/json",
                                                          "application/x-ndjson",
                                                          "text/plain",
                                                          "application/jsonl"};
  const std::string type = lower_case(
      trimmed(std::string_view(request.content_type).substr(0, request.content_type.find(';'))));
  if (std::ranges::find(kTypes, type) == kTypes.end())
    return error_reply(415, "unsupported_media_type",
                       fmt::format("Content-Type \"{}\" is not supported; use application/json, "
                                   "application/x-ndjson or text/plain",
                                   type.substr(0, 100)));
  return std::nullopt;
}

}  // namespace

std::optional<Reply> refuse(const RouteContext& context, const Request& request,
                            const Route& route) {
  if (auto refused = refuse_origin(context, request, route)) return refused;
  if (auto refused = refuse_parameters(request, route)) return refused;
  return refuse_body_type(request, route);
}

}  // namespace gameflow::http
