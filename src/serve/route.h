// A table of routes is what a server is: patterns, what may be asked, and a function for each.
//
// A request is matched once its header is complete, so that a wrong one is refused before its body
// is sent; the answer comes after the body.
//
// Threads  any.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "auth/access.h"
#include "base/error.h"
#include "serve/messages.h"
#include "serve/public_url.h"
#include "serve/reply.h"
#include "serve/request.h"
#include "serve/stats.h"

namespace gameflow::serve {

struct Call {
  const Request& request;
  std::vector<std::string> arguments;  // what the pattern's '*' stand for
  const Stats& stats;                  // of the server
  const auth::Caller& caller;
  const std::string& peer;  // from where, as peer_of()
};

using ReplyCallback = std::function<void(Reply)>;

// How a route is answered, and by whom.

// By the thread of the connection, at once.
struct Quick {
  std::function<Reply(const Call&)> reply;
};
// By a worker: it may take a second, or wait for the disk.
struct Blocking {
  std::function<Reply(const Call&)> reply;
};
// The thread of the connection starts it; the reply comes later, from any thread. The request, its
// body included, is gone once `start` returns.
struct Later {
  std::function<void(const Call&, ReplyCallback)> start;
};
// With messages until there are no more or the client is gone, one after the other in a chunked
// body. A client that goes away, or closes its half of the connection, is let go at once; so is one
// that takes nothing for SessionLimits::write_time_max.
struct Stream {
  struct Opened {
    std::unique_ptr<Messages> messages;
    std::string_view content_type = kJsonType;
    Headers headers;
  };
  std::function<tl::expected<Opened, Reply>(const Call&, const std::shared_ptr<Waiter>&)> open;
};
// The connection becomes a WebSocket, and each message one of its own.
struct WebSocket {
  using Opened = std::unique_ptr<Messages>;
  std::function<tl::expected<Opened, Reply>(const Call&, const std::shared_ptr<Waiter>&)> open;
};

using Handler = std::variant<Quick, Blocking, Later, Stream, WebSocket>;

// What a POST or PUT may send.
enum class Body : std::uint8_t {
  kJson,     // a type that JSON comes with, or none
  kRecords,  // the same, also compressed with gzip, or as Kafka's REST proxies call it
  kAny,
};

using auth::Access;

struct Route {
  Method method;                // kGet also answers HEAD
  std::string_view pattern;     // "/topics/*/records"; a last "**" is the rest, slashes included
  Access access;                // what a caller needs, where callers are asked who they are
  std::string_view parameters;  // of the query, separated by spaces; "*": any
  Handler handler;
  Body body = Body::kJson;
  // Of those who only bring something: pages of MatchOptions::allowed_origins may ask it, too.
  bool is_open_to_pages = false;
  // Answered where connections are too many, too: probes, and those who bring records.
  bool is_essential = false;
};

struct Match {
  const Route* route;
  std::vector<std::string> arguments;
};

// What is asked of all requests.
struct MatchOptions {
  // Only to addresses, to names of this machine, and to those of `public_urls`: a page of another
  // site that had its own name pointed here gets nothing (DNS rebinding).
  bool checks_host = false;
  std::vector<PublicUrl> public_urls = {};  // pages there are pages of this server
  // Of pages that may ask what is open to them: "https://game.example.com", lower case; "*": all.
  std::vector<std::string> allowed_origins = {};
  // Where the routes are described, for the message of a 404.
  std::string_view description;
};

// To another address, with the query of the request. Relative, as only a proxy may know the whole.
Reply elsewhere(const Request& request, std::string address);
// To behind the slash that the request's path lacks, whose last part is `part`.
Reply behind_slash(const Request& request, std::string_view part);

// Takes the prefix of a public URL off the path of a request that has it; the reply, where that is
// all it has: pages refer to others from behind the slash.
std::optional<Reply> leave_prefix(const MatchOptions& options, Request& request);

// All that can be known without the body: the route, or the reply that refuses the request.
std::variant<Match, Reply> match_route(const std::vector<Route>& routes,
                                       const MatchOptions& options, const Request& request);

// Whether the page that asks, if it is one, is of this server.
bool is_own_page(const MatchOptions& options, const Request& request);

// Lets the page that asks for the route see the reply, if it may.
void open_to_page(const MatchOptions& options, const Route& route, const Request& request,
                  Reply& reply);

// Runs a matched route that is Quick, Blocking or Later. Never throws; `done` runs once.
void run_route(const Route& route, const Call& call, const ReplyCallback& done);

}  // namespace gameflow::serve
