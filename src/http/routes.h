// The routes of the API: what docs/reference/http.md says, over api::Api. No sockets here.
//
// Threads  any.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/api.h"
#include "http/change_hub.h"
#include "http/static_files.h"
#include "live/dashboard_metrics.h"
#include "live/live.h"
#include "serve/request.h"
#include "serve/route.h"
#include "serve/stats.h"

namespace gameflow::http {

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
};

// A request to one of them.
struct Call {
  const RouteContext& context;
  const Request& request;
  const std::vector<std::string>& arguments;  // what the pattern's '*' stand for
  const serve::Stats& stats;
};

// `context` must outlive them.
std::vector<Route> api_routes(const RouteContext& context);

}  // namespace gameflow::http
