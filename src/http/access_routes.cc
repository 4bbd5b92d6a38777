#include "http/access_routes.h"

#include <algorithm>

#include <boost/json.hpp>

#include "base/ascii.h"
#include "serve/gate.h"

namespace gameflow::http {
namespace {

namespace json = boost::json;

// Whether the browser has come over TLS, which a proxy in front may have taken off.
bool is_secure(const Call& call) {
  if (call.request.is_tls) return true;
  if (lower_case(call.request.origin).starts_with("https://")) return true;
  const std::string host = lower_case(call.request.host);
  return std::ranges::any_of(call.context.public_urls, [&](const serve::PublicUrl& url) {
    return url.origin.starts_with("https://") && url.host == host;
  });
}

Reply with_cookie(const Call& call, std::string_view token) {
  Reply reply;
  reply.status = 204;
  reply.headers.emplace_back("Set-Cookie",
                             serve::cookie_header(call.request, token, is_secure(call)));
  return reply;
}

Reply routes_reply(const std::vector<Route>& routes) {
  json::array list;
  for (const Route& route : routes)
    list.push_back({{"method", to_string(route.method)},
                    {"pattern", route.pattern},
                    {"access", to_string(route.access)}});
  return json_reply(200, json::object{{"routes", std::move(list)}});
}

}  // namespace

Reply sign_in_page(const Call& call) {
  return call.context.files.serve("sign_in.html", call.request);
}

Reply sign_in(const Call& call) {
  if (!call.context.asks_who)
    return error_reply(404, "not_found", "this server asks nobody for a token: it has no --auth");
  const std::string_view token = serve::token_of(call.request, /*is_own_page=*/false);
  if (token.empty())
    return error_reply(400, to_string(ErrorCode::kInvalidArgument),
                       "send the token as 'Authorization: Bearer TOKEN'");
  return with_cookie(call, token);
}

Reply sign_out(const Call& call) {
  return with_cookie(call, "");
}

void add_list_of(std::vector<Route>& routes) {
  routes.push_back({Method::kGet, "/routes", Access::kRead, "", serve::Quick{}});
  routes.back().handler =
      serve::Quick{[list = routes_reply(routes)](const serve::Call&) { return list; }};
}

}  // namespace gameflow::http
