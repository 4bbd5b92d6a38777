// The routes of the API: what docs/reference/http.md says, over api::Api. No sockets here.
//
// Threads  any.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/api.h"
#include "auth/access.h"
#include "http/change_hub.h"
#include "http/quotas.h"
#include "http/static_files.h"
#include "live/dashboard_metrics.h"
#include "live/live.h"
#include "serve/request.h"
#include "serve/route.h"
#include "serve/stats.h"

namespace gameflow::http {

using serve::Access;
using serve::Method;
using serve::number_parameter;
using serve::Request;
using serve::Route;

struct RouteContext {
  api::Api& api;
  const StaticFiles& files;
  ChangeHub& hub;
  live::Live& live;
  const live::DashboardMetrics& dashboard_metrics;
  std::size_t body_bytes_max;
  std::vector<serve::PublicUrl> public_urls;
  bool asks_who;  // callers need tokens
  Quotas& quotas;
  Quota quota_of_address;
};

// A request to one of them.
struct Call {
  const RouteContext& context;
  const Request& request;
  const std::vector<std::string>& arguments;  // what the pattern's '*' stand for
  const serve::Stats& stats;
  const auth::Caller& caller;
  const std::string& peer;  // the address from which it comes
};

// `context` must outlive them.
std::vector<Route> api_routes(const RouteContext& context);

}  // namespace gameflow::http
