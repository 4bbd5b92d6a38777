// What the server answers: a table of routes, and a function for each. No sockets here.
//
// A request is matched once its header is complete, so that a wrong one is refused before its body
// is sent; the answer comes after the body.
//
// Threads  any.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/api.h"
#include "http/http_stats.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/static_files.h"

namespace gameflow::http {

struct RouteContext {
  api::Api& api;
  const StaticFiles& files;
  const HttpStats& stats;
  std::size_t body_bytes_max;
  // A server on a loopback address answers only to these host names and to addresses: a page of
  // another site that had its own name pointed at 127.0.0.1 gets nothing (DNS rebinding).
  bool loopback;
};

struct Call {
  const RouteContext& context;
  const Request& request;
  std::vector<std::string> arguments;  // what the pattern's '*' stand for
};

using ReplyCallback = std::function<void(Reply)>;

// Who runs a route.
enum class Work : std::uint8_t {
  kQuick,      // the thread of the connection
  kBlocking,   // a worker: it may take a second, or wait for the disk
  kCallback,   // the thread of the connection; the reply comes later, from the store's thread; the
               // request's body is gone by then
  kWebSocket,  // nobody: the connection becomes a WebSocket session
};

struct Route {
  Method method;             // kGet also answers HEAD
  std::string_view pattern;  // "/topics/*/records"; a last "**" is the rest, slashes included
  Work work;
  std::string_view parameters;         // of the query, separated by spaces; "*": any
  Reply (*reply)(const Call&);         // kQuick, kBlocking
  void (*start)(Call, ReplyCallback);  // kCallback
};

struct Match {
  const Route* route;
  std::vector<std::string> arguments;
};

// All that can be known without the body: the route, or the reply that refuses the request.
std::variant<Match, Reply> match_route(const RouteContext& context, const Request& request);

// Runs a matched route of any Work but kWebSocket. Never throws; `done` runs once.
void run_route(const RouteContext& context, const Match& match, const Request& request,
               ReplyCallback done);

}  // namespace gameflow::http
