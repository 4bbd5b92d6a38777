#include "http/dashboard_routes.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "api/dashboards.h"
#include "base/closest.h"
#include "serve/route.h"

namespace gameflow::http {

namespace json = boost::json;

Result<Reply> list_dashboards(const Call& call) {
  json::array dashboards;
  for (const auto& entry : *call.context.api.dashboards().list()) {
    json::object dashboard = {{"name", entry.name}, {"title", entry.title}};
    if (entry.description) dashboard["description"] = *entry.description;
    if (entry.order) dashboard["order"] = *entry.order;
    if (entry.try_command) dashboard["try"] = *entry.try_command;
    dashboards.push_back(std::move(dashboard));
  }
  return json_reply(200, json::object{{"dashboards", std::move(dashboards)}});
}

Result<Reply> describe_dashboard(const Call& call) {
  const std::string& name = call.arguments[0];
  const auto entries = call.context.api.dashboards().list();
  const auto found = std::ranges::find(*entries, name, &api::Dashboards::Entry::name);
  if (found != entries->end()) {
    Reply reply;
    reply.body = found->json;
    return reply;
  }
  std::vector<std::string_view> names;
  for (const auto& entry : *entries) names.emplace_back(entry.name);
  const std::string meant = or_closest(name, names);
  return error_reply(404, "not_found",
                     fmt::format("there is no dashboard '{}'{}", name,
                                 meant.empty() ? "; GET /dashboards lists them" : meant));
}

Reply dashboard_page(const Call& call) {
  return call.context.files.serve("dash/index.html", call.request);
}

// A file of pages, or where an address of a dashboard leads.
Reply page_file(const Call& call) {
  const std::string& file = call.arguments[0];
  const auto entries = call.context.api.dashboards().list();
  const auto found = std::ranges::find(*entries, "/stat/" + file, &api::Dashboards::Entry::address);
  if (found == entries->end()) return call.context.files.serve(file, call.request);
  return serve::elsewhere(call.request, "../dash/" + found->name);
}

}  // namespace gameflow::http
