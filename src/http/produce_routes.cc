#include "http/produce_routes.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "api/api.h"
#include "base/ascii.h"
#include "base/byte_order_mark.h"
#include "http/gzip.h"
#include "http/quotas.h"
#include "http/reply.h"
#include "log/producing.h"
#include "record/json_split.h"
#include "serve/request.h"
#include "spec/ingest.h"

namespace gameflow::http {
namespace {

// How many times larger a body may be once it is unpacked.
constexpr std::size_t kUnpackedRatioMax = 4;

std::string media_type(const Request& request) {
  return lower_case(serve::trimmed(
      std::string_view(request.content_type).substr(0, request.content_type.find(';'))));
}

// The bytes decide, whatever the label says: many programs send lines as application/json, or an
// array as text. Only where it says that each line is a record, a line that is an array is one,
// too.
api::BodyFormat body_format(const Request& request, std::string_view body) {
  const std::string type = media_type(request);
  if (type == "application/x-ndjson" || type == "application/jsonl")
    return api::BodyFormat::kNdjson;
  if (type == "text/plain") return api::BodyFormat::kAny;
  body = without_byte_order_mark(body);
  body.remove_prefix(std::min(body.find_first_not_of(" \t\r\n"), body.size()));
  if (body.starts_with('[')) return api::BodyFormat::kJson;
  if (type != "application/json") return api::BodyFormat::kAny;
  // A mistake in a value that goes on over lines is told once, not for each line.
  const bool are_lines =
      !record::is_one_value(body) && record::is_one_value(body.substr(0, body.find('\n')));
  return are_lines ? api::BodyFormat::kNdjson : api::BodyFormat::kJson;
}

// Of a dotted path.
bool has_empty_part(std::string_view path) {
  return path.empty() || path.starts_with('.') || path.ends_with('.') ||
         path.find("..") != std::string_view::npos;
}

// Connectors count where they are under such names: for programs of one's own.
constexpr std::string_view kConnectorProducers = "connector/";

Result<api::ProduceOptions> produce_options(const Call& call, std::string_view body) {
  const Request& request = call.request;
  api::ProduceOptions options;
  options.check_topic = [caller = call.caller](std::string_view topic) {
    return caller.check_write(topic);
  };
  options.format = body_format(request, body);
  options.are_keyed = media_type(request) == "application/vnd.kafka.json.v2+json";
  options.unwrap = request.parameter("unwrap");
  if (options.unwrap && has_empty_part(*options.unwrap))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("unwrap={} lacks a name: it names the member of the body that holds "
                            "the records, as events or data.events",
                            *options.unwrap));
  if (options.are_keyed && !options.unwrap) options.unwrap = "records";
  options.key = request.parameter("key");
  options.key_field = request.parameter("key-field");
  if (options.key && options.key_field)
    return fail(ErrorCode::kInvalidArgument, "key and key-field exclude each other");
  if (options.are_keyed && (options.key || options.key_field))
    return fail(ErrorCode::kInvalidArgument,
                "records of this Content-Type bring their keys themselves: leave out key and "
                "key-field");
  options.producer = request.parameter("producer");
  options.position = request.parameter("position");
  if (options.producer && (options.producer->empty() || options.producer->size() > 200))
    return fail(ErrorCode::kInvalidArgument, "producer must have 1 to 200 bytes");
  if (options.producer && options.producer->starts_with(kConnectorProducers) &&
      !call.caller.may_write_all())
    return fail(ErrorCode::kForbidden,
                "producers named connector/… are for tokens that may write to all topics");
  if (options.producer.has_value() != request.parameter("sequence").has_value())
    return fail(ErrorCode::kInvalidArgument, "producer and sequence go together");
  if (options.position && !options.producer)
    return fail(ErrorCode::kInvalidArgument, "position needs producer and sequence");
  if (options.position &&
      (options.position->empty() || options.position->size() > log::kPositionBytesMax))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("position must have 1 to {} bytes", log::kPositionBytesMax));
  GF_ASSIGN(options.first_sequence, number_parameter(request, "sequence", 0, 0, INT64_MAX));
  if (const auto text = request.parameter("deduplicate")) {
    if (*text != "true" && *text != "false")
      return fail(ErrorCode::kInvalidArgument, "deduplicate must be true or false");
    options.deduplicates = *text == "true";
  }
  options.sent_at = request.parameter("sent_at");
  return options;
}

// Those whose quotas a request counts for.
std::vector<Sender> senders_of(const Call& call) {
  std::vector<Sender> senders;
  if (call.context.quota_of_address.bounds())
    senders.push_back({"address " + call.peer, call.context.quota_of_address});
  if (call.caller.is_known() && call.caller.token().quota.bounds())
    senders.push_back(
        {fmt::format("token '{}'", call.caller.token().name), call.caller.token().quota});
  return senders;
}

Reply over_quota(const Quotas::Refusal& refusal) {
  Reply reply = error_reply(429, "quota_exceeded", refusal.why);
  reply.headers = {{"Retry-After", std::to_string(refusal.wait.count())}};
  return reply;
}

// Has `options` ask whether the senders may bring the records of `body`. Returns the callback that
// tells them where they may not; else it is `done`.
serve::ReplyCallback within_quota(const Call& call, std::string_view body,
                                  const serve::ReplyCallback& done, api::ProduceOptions& options) {
  std::vector<Sender> senders = senders_of(call);
  if (senders.empty()) return done;
  const auto refused = std::make_shared<std::optional<Reply>>();
  options.admit = [refused, senders = std::move(senders), bytes = body.size(),
                   &quotas = call.context.quotas](std::uint64_t records) -> Status {
    const auto refusal = quotas.take(senders, records, bytes, std::chrono::steady_clock::now());
    if (!refusal) return {};
    *refused = over_quota(*refusal);
    return fail(ErrorCode::kUnavailable, refusal->why);
  };
  return [refused, done](Reply reply) { done(*refused ? std::move(**refused) : std::move(reply)); };
}

// Unpacks the body, and has `start` take it, and answer to what it is given for that.
template <class Start>
void with_body(const Call& call, const serve::ReplyCallback& done, const Start& start) {
  const Request& request = call.request;
  std::string unpacked;
  std::string_view body = request.body;
  if (lower_case(request.content_encoding) == "gzip") {
    auto result = gunzip(body, call.context.body_bytes_max * kUnpackedRatioMax);
    if (!result) return done(error_reply(result.error()));
    unpacked = std::move(*result);
    body = unpacked;
  }
  auto options = produce_options(call, body);
  if (!options) return done(error_reply(options.error()));
  const serve::ReplyCallback answered = within_quota(call, body, done, *options);
  start(body, *options, answered);
}

api::ProduceCallback answer_to(serve::ReplyCallback done,
                               Reply (*answer)(const api::ProduceReply&)) {
  return [done = std::move(done), answer](Result<api::ProduceReply> reply) {
    done(reply ? answer(*reply) : error_reply(reply.error()));
  };
}

}  // namespace

void produce(const Call& call, const serve::ReplyCallback& done) {
  with_body(call, done,
            [&](std::string_view body, const api::ProduceOptions& options,
                const serve::ReplyCallback& answered) {
              call.context.api.produce(call.arguments[0], body, options,
                                       answer_to(answered, produce_reply));
            });
}

void produce_routed(const Call& call, const serve::ReplyCallback& done) {
  with_body(call, done,
            [&](std::string_view body, const api::ProduceOptions& options,
                const serve::ReplyCallback& answered) {
              call.context.api.produce_routed(body, options, answer_to(answered, routed_reply));
            });
}

void produce_events(const Call& call, serve::ReplyCallback done) {
  const std::optional<spec::Ingest> ingest = call.context.api.ingest();
  if (!ingest)
    return done(error_reply(404, "not_found",
                            "this server takes no events: section 'ingest' of its dataflow.yaml "
                            "would say where they go"));
  const std::size_t body_bytes_max = call.context.body_bytes_max;
  const std::string limits =
      fmt::format("body-bytes={}, unpacked-bytes={}, events={}, event-bytes={}", body_bytes_max,
                  body_bytes_max * kUnpackedRatioMax, ingest->events_max, ingest->event_bytes_max);
  const std::size_t bytes = call.request.body.size();
  const serve::ReplyCallback limited = [done = std::move(done), limits](Reply reply) {
    reply.headers.emplace_back("Gameflow-Limits", limits);
    done(std::move(reply));
  };
  with_body(
      call, limited,
      [&](std::string_view body, const api::ProduceOptions& options,
          const serve::ReplyCallback& answered) {
        if (options.are_keyed)
          return answered(
              error_reply(415, "unsupported_media_type",
                          "events have no keys of their own: send them as application/json, "
                          "with ?unwrap=records if they lie in an array \"records\""));
        call.context.api.produce_events(
            body, options,
            [answered, bytes, unpacked = body.size()](Result<api::ProduceReply> events) {
              Reply reply = events ? events_reply(*events) : error_reply(events.error());
              if (events)
                reply.headers.emplace_back(
                    "Gameflow-Usage",
                    fmt::format("body-bytes={}, unpacked-bytes={}, events={}", bytes, unpacked,
                                events->accepted + events->duplicates + events->rejected));
              answered(std::move(reply));
            });
      });
}

}  // namespace gameflow::http
