#include "serve/route.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/memory_reserve.h"
#include "base/url_encode.h"

namespace gameflow::serve {
namespace {

// What the pattern's stars stand for, or nothing where the path is another one.
std::optional<std::vector<std::string>> match_path(std::string_view pattern,
                                                   const std::vector<std::string>& path) {
  std::vector<std::string> arguments;
  std::size_t i = 0;
  pattern.remove_prefix(1);
  for (;; ++i) {
    const std::string_view part = pattern.substr(0, pattern.find('/'));
    if (i == path.size()) return std::nullopt;
    if (part == "**") {
      std::string rest = path[i];
      while (++i < path.size()) rest += '/' + path[i];
      arguments.push_back(std::move(rest));
      return arguments;
    }
    if (part == "*" ? path[i].empty() : part != path[i]) return std::nullopt;
    if (part == "*") arguments.push_back(path[i]);
    if (part.size() == pattern.size()) break;
    pattern.remove_prefix(part.size() + 1);
  }
  if (i + 1 != path.size()) return std::nullopt;
  return arguments;
}

// --- checks before the body ----------------------------------------------------------------------

// "host" of "host:port", "host." and "[::1]:port", in lower case.
std::string host_name(std::string_view authority) {
  if (authority.starts_with('[')) return lower_case(authority.substr(0, authority.find(']') + 1));
  authority = authority.substr(0, authority.find(':'));
  if (authority.ends_with('.')) authority.remove_suffix(1);
  return lower_case(authority);
}

bool is_address_or_local(const std::string& name) {
  return name.starts_with('[') || name == "localhost" || name.ends_with(".localhost") ||
         name.find_first_not_of("0123456789.") == std::string::npos;
}

const std::string& name_of_machine() {
  static const std::string name = [] {
    std::array<char, 256> text{};
    return ::gethostname(text.data(), text.size() - 1) == 0 ? lower_case(text.data())
                                                            : std::string();
  }();
  return name;
}

bool is_known_host(const MatchOptions& options, const std::string& host) {
  const std::string name = host_name(host);
  return is_address_or_local(name) || name == name_of_machine() ||
         std::ranges::any_of(options.public_urls,
                             [&](const PublicUrl& url) { return host_name(url.host) == name; });
}

bool is_same_origin(const MatchOptions& options, const Request& request) {
  const std::string origin = lower_case(request.origin);
  for (const PublicUrl& url : options.public_urls)
    if (origin == url.origin) return true;
  const auto is_at_host = [&](std::string_view scheme) {
    return origin.starts_with(scheme) && origin.substr(scheme.size()) == lower_case(request.host);
  };
  // Where it did not come over TLS, a proxy in front may have taken that off.
  return is_at_host("https://") || (!request.is_tls && is_at_host("http://"));
}

std::string_view allow_text(Method method) {
  return method == Method::kGet ? "GET, HEAD" : to_string(method);
}

// Whether a page of another site may ask for the route.
bool is_open(const MatchOptions& options, const Route& route, const Request& request) {
  return route.is_open_to_pages && !request.origin.empty() &&
         std::ranges::any_of(options.allowed_origins, [&](const std::string& allowed) {
           return allowed == "*" || allowed == lower_case(request.origin);
         });
}

// What a browser asks before it lets a page ask: OPTIONS.
Reply before_a_page(const MatchOptions& options, const Route& route, const Request& request) {
  Reply reply;
  reply.status = 204;
  reply.headers = {
      {"Access-Control-Allow-Methods", std::string(allow_text(route.method))},
      {"Access-Control-Allow-Headers", "Authorization, Content-Encoding, Content-Type"},
      {"Access-Control-Max-Age", "600"}};
  open_to_page(options, route, request, reply);
  return reply;
}

std::optional<Reply> refuse_origin(const MatchOptions& options, const Request& request,
                                   const Route& route) {
  if (options.checks_host && !is_known_host(options, request.host))
    return error_reply(
        403, "forbidden",
        fmt::format("this server does not know itself by the host name \"{}\"; if it is reached "
                    "under that, start it with --public-url {}://{}, or use its address",
                    host_name(request.host).substr(0, 200), request.is_tls ? "https" : "http",
                    request.host.substr(0, 200)));
  const bool careful =
      route.method != Method::kGet || std::holds_alternative<WebSocket>(route.handler);
  if (careful && !is_own_page(options, request) && !is_open(options, route, request))
    return error_reply(403, "forbidden",
                       fmt::format("pages of {} may not do this here; only pages of this server{}. "
                                   "Behind a proxy say where it is, with --public-url {}",
                                   request.origin.substr(0, 200),
                                   route.is_open_to_pages ? ", and those of --allow-origin" : "",
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
  const bool has_body = route.method == Method::kPost || route.method == Method::kPut;
  if (!has_body || route.body == Body::kAny) return std::nullopt;
  const std::string encoding = lower_case(request.content_encoding);
  const bool records = route.body == Body::kRecords;
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
  static constexpr std::string_view kKafkaType = "application/vnd.kafka.json.v2+json";
  const std::string type = lower_case(
      trimmed(std::string_view(request.content_type).substr(0, request.content_type.find(';'))));
  if (std::ranges::find(kTypes, type) == kTypes.end() && !(records && type == kKafkaType))
    return error_reply(415, "unsupported_media_type",
                       fmt::format("Content-Type \"{}\" is not supported; use application/json, "
                                   "application/x-ndjson{} or text/plain",
                                   type.substr(0, 100),
                                   records ? fmt::format(", {}", kKafkaType) : std::string()));
  return std::nullopt;
}

Reply no_such_route(const MatchOptions& options, const Request& request,
                    const std::string& allowed) {
  std::string path;
  for (const auto& part : request.path) path += '/' + part;
  if (allowed.empty())
    return error_reply(
        404, "not_found",
        fmt::format("there is nothing at {}; {}", path.substr(0, 200), options.description));
  Reply reply = error_reply(405, "method_not_allowed",
                            fmt::format("{} allows {}", path.substr(0, 200), allowed));
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

}  // namespace

Reply behind_slash(const Request& request, std::string_view part) {
  Reply reply = elsewhere(request, "./" + url_encode(part) + "/");
  reply.status = 308;
  return reply;
}

Reply elsewhere(const Request& request, std::string address) {
  for (std::size_t i = 0; i < request.query.size(); ++i) {
    address += i == 0 ? '?' : '&';
    address += url_encode(request.query[i].first);
    address += '=' + url_encode(request.query[i].second);
  }
  Reply reply;
  reply.status = 307;
  reply.headers.emplace_back("Location", std::move(address));
  return reply;
}

std::optional<Reply> leave_prefix(const MatchOptions& options, Request& request) {
  for (const PublicUrl& url : options.public_urls) {
    const auto& prefix = url.prefix;
    if (prefix.empty() || request.path.size() < prefix.size() ||
        !std::equal(prefix.begin(), prefix.end(), request.path.begin()))
      continue;
    if (request.path.size() > prefix.size()) {
      request.path.erase(request.path.begin(),
                         request.path.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
      return std::nullopt;
    }
    return behind_slash(request, prefix.back());
  }
  return std::nullopt;
}

std::variant<Match, Reply> match_route(const std::vector<Route>& routes,
                                       const MatchOptions& options, const Request& request) {
  const Method wanted = request.method == Method::kHead ? Method::kGet : request.method;
  std::string allowed;
  for (const Route& route : routes) {
    auto arguments = match_path(route.pattern, request.path);
    if (!arguments) continue;
    if (request.method == Method::kOptions && is_open(options, route, request))
      return before_a_page(options, route, request);
    if (route.method != wanted) {
      allowed += allowed.empty() ? "" : ", ";
      allowed += allow_text(route.method);
      continue;
    }
    if (auto refused = refuse_origin(options, request, route)) return std::move(*refused);
    if (auto refused = refuse_parameters(request, route)) return std::move(*refused);
    if (auto refused = refuse_body_type(request, route)) return std::move(*refused);
    return Match{&route, std::move(*arguments)};
  }
  return no_such_route(options, request, allowed);
}

bool is_own_page(const MatchOptions& options, const Request& request) {
  return request.origin.empty() || is_same_origin(options, request);
}

void open_to_page(const MatchOptions& options, const Route& route, const Request& request,
                  Reply& reply) {
  if (!is_open(options, route, request)) return;
  reply.headers.emplace_back("Access-Control-Allow-Origin", request.origin);
  reply.headers.emplace_back("Access-Control-Expose-Headers", "*");
  reply.headers.emplace_back("Vary", "Origin");
}

void run_route(const Route& route, const Call& call, const ReplyCallback& done) {
  const auto answer = [&]() -> std::optional<Reply> {
    try {
      const CanRunOut scope;
      if (const auto* quick = std::get_if<Quick>(&route.handler)) return quick->reply(call);
      if (const auto* blocking = std::get_if<Blocking>(&route.handler))
        return blocking->reply(call);
      std::get<Later>(route.handler).start(call, done);
      return std::nullopt;
    } catch (const std::bad_alloc&) {
      return error_reply({ErrorCode::kMemoryFull, "there is not enough memory; try again later"});
    } catch (const std::exception& error) {
      spdlog::error("http: {} failed: {}", route.pattern, error.what());
      return error_reply(500, to_string(ErrorCode::kInternal),
                         "an internal error; the log has the reason");
    }
  };
  if (auto reply = answer()) done(std::move(*reply));
}

}  // namespace gameflow::serve
