#include "app/generate/web_api.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "serve/reply.h"
#include "serve/request.h"

namespace gameflow::app {
namespace {

using generate::EventKind;
using serve::Call;
using serve::Reply;

constexpr std::string_view kTextType = "text/plain; charset=utf-8";
// The stream's name, of an answer; in a request that of the stream that is to be continued.
constexpr std::string_view kStream = "Gameflow-Stream";
// Of the first record in an answer.
constexpr std::string_view kPosition = "Gameflow-Stream-Position";
// Of the first record that is still in memory.
constexpr std::string_view kOldest = "Gameflow-Stream-Oldest";

std::string_view path_of(EventKind kind) {
  switch (kind) {
    case EventKind::kPlayer:
      return "/player_event";
    case EventKind::kPurchase:
      return "/purchase_event";
    case EventKind::kServer:
      return "/server_metric";
    case EventKind::kPosition:
      return "/player_position";
  }
  return "";
}

// Where to begin, or the reply that says why not there. Whoever names the stream may be ahead of
// it: it was started anew, and comes there again.
tl::expected<std::uint64_t, Reply> begin_of(const Call& call, const EventStream& stream) {
  const EventStream::Range range = stream.range();
  const std::string_view wanted = call.request.other_header(kStream);
  const auto after = serve::number_parameter(call.request, "after", range.end, 0, UINT64_MAX);
  if (!after) return tl::unexpected(serve::error_reply(after.error()));
  const bool is_other = !wanted.empty() && wanted != stream.name();
  const bool is_known = *after <= range.end || !wanted.empty();
  if (!is_other && *after >= range.begin && is_known) return *after;
  Reply reply;
  if (is_other) {
    reply = serve::error_reply(
        412, "precondition_failed",
        fmt::format("this is stream {}, not {}: begin it with after=0", stream.name(), wanted));
  } else if (*after < range.begin) {
    reply = serve::error_reply(
        410, "gone",
        fmt::format("the stream is at record {}, and what is kept in memory begins at {}: what "
                    "follows the first {} is lost",
                    range.end, range.begin, *after));
    reply.headers.emplace_back(kOldest, std::to_string(range.begin));
  } else {
    reply = serve::error_reply(
        416, to_string(ErrorCode::kOffsetOutOfRange),
        fmt::format("the stream has {} records so far, not yet {}; another one begins at 0 again",
                    range.end, *after));
  }
  reply.headers.emplace_back(kPosition, std::to_string(range.end));
  reply.headers.emplace_back(kStream, stream.name());
  return tl::unexpected(std::move(reply));
}

tl::expected<serve::Stream::Opened, Reply> open_stream(
    EventStream& stream, const Call& call, const std::shared_ptr<serve::Waiter>& waiter) {
  const auto begin = begin_of(call, stream);
  if (!begin) return tl::unexpected(begin.error());
  return serve::Stream::Opened{stream.follow(*begin, waiter),
                               kTextType,
                               {{kPosition, std::to_string(*begin)}, {kStream, stream.name()}}};
}

Reply newest_event(EventStream& stream, EventKind kind) {
  auto event = stream.newest(kind);
  if (!event)
    return serve::error_reply(503, to_string(ErrorCode::kUnavailable),
                              "there is no such event yet; try again");
  Reply reply;
  reply.body = std::move(event->json);
  reply.body += '\n';
  reply.headers.emplace_back(kPosition, std::to_string(event->number));
  return reply;
}

std::string list_of(const std::vector<EventKind>& kinds) {
  std::string text =
      "GET /stream_events  all events as they come, {\"key\":...,\"event\":...} and a blank line "
      "each;\n"
      "                    ?after=N continues behind the first N\n";
  for (const EventKind kind : kinds)
    text += fmt::format("GET {:<15} the newest event of topic {}\n", path_of(kind),
                        generate::topic_of(kind));
  text += "GET /healthz        whether this answers\n";
  return text;
}

}  // namespace

std::vector<serve::Route> web_api_routes(EventStream& stream, const std::vector<EventKind>& kinds) {
  using enum serve::Method;
  const auto text = [](std::string body, std::string_view type) {
    return serve::Quick{[body = std::move(body), type](const Call&) {
      Reply reply;
      reply.content_type = type;
      reply.body = body;
      return reply;
    }};
  };
  std::vector<serve::Route> routes{
      {kGet, "/", serve::Access::kOpen, "*", text(list_of(kinds), kTextType)},
      {kGet, "/healthz", serve::Access::kOpen, "*",
       text("{\"status\":\"ok\"}\n", serve::kJsonType)},
      {kGet, "/stream_events", serve::Access::kOpen, "after",
       serve::Stream{[&stream](const Call& call, const std::shared_ptr<serve::Waiter>& waiter) {
         return open_stream(stream, call, waiter);
       }}}};
  for (const EventKind kind : kinds)
    routes.push_back(
        {kGet, path_of(kind), serve::Access::kOpen, "",
         serve::Quick{[&stream, kind](const Call&) { return newest_event(stream, kind); }}});
  return routes;
}

}  // namespace gameflow::app
