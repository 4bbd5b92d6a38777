#include "http/player_routes.h"

#include <charconv>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "api/receipt.h"
#include "http/reply.h"
#include "http/request_json.h"

namespace gameflow::http {
namespace {

namespace json = boost::json;

// Answered as soon as it is stored: a large log takes a while.
Result<serve::Reply> forget(api::Players& players, const serve::Call& call) {
  GF_ASSIGN(const ForgetRequest request, read_forget_request(call.request.body));
  GF_ASSIGN(const std::uint64_t number, players.forget(request.player, request.is_dry_run));
  serve::Reply reply = json_reply(202, json::object{{"receipt", number}});
  reply.headers.emplace_back("Location", fmt::format("/players/receipts/{}", number));
  return reply;
}

Result<serve::Reply> receipts(api::Players& players, const serve::Call&) {
  json::array all;
  for (const api::Receipt& receipt : players.receipts()) all.push_back(to_json(receipt));
  return json_reply(200, json::object{{"receipts", std::move(all)}});
}

Result<serve::Reply> receipt(api::Players& players, const serve::Call& call) {
  const std::string_view text = call.arguments[0];
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto found = error == std::errc() && end == text.data() + text.size()
                         ? players.receipt(number)
                         : std::nullopt;
  if (!found)
    return error_reply(
        404, "not_found",
        fmt::format("there is no receipt '{}'; GET /players/receipts lists them", text));
  return json_reply(200, to_json(*found));
}

using Answer = Result<serve::Reply> (*)(api::Players&, const serve::Call&);

serve::Blocking blocking(api::Players& players, Answer answer) {
  return serve::Blocking{[&players, answer](const serve::Call& call) {
    const auto reply = answer(players, call);
    return reply ? *reply : error_reply(reply.error());
  }};
}

}  // namespace

std::vector<serve::Route> player_routes(api::Players& players) {
  using serve::Access;
  using serve::Method;
  return {{Method::kPost, "/players/forget", Access::kAdmin, "", blocking(players, forget)},
          {Method::kGet, "/players/receipts", Access::kAdmin, "", blocking(players, receipts)},
          {Method::kGet, "/players/receipts/*", Access::kAdmin, "", blocking(players, receipt)}};
}

}  // namespace gameflow::http
