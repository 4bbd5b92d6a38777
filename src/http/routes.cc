#include "http/routes.h"

#include <algorithm>
#include <array>
#include <exception>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "api/metric_families.h"
#include "base/ascii.h"
#include "base/memory_reserve.h"
#include "http/connector_routes.h"
#include "http/dataflow_reply.h"
#include "http/gzip.h"
#include "http/read_records.h"
#include "http/request_json.h"
#include "http/route_checks.h"
#include "http/tail.h"
#include "log/log.h"
#include "log/topics.h"
#include "query/query.h"
#include "runtime/engine.h"

namespace gameflow::http {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kReadRecordsMax = 10'000;
constexpr std::size_t kReadBytesMax = 8U << 20;
constexpr std::size_t kScanBytesMax = 32U << 20;  // by one search, which takes some 0.2 s then
constexpr std::size_t kSqlBytesMax = 100'000;

Reply reply_or_error(Result<Reply> reply) {
  return reply ? std::move(*reply) : error_reply(reply.error());
}

// --- produce -------------------------------------------------------------------------------------

Result<api::BodyFormat> body_format(const Request& request, std::string_view body) {
  const std::string type = lower_case(
      trimmed(std::string_view(request.content_type).substr(0, request.content_type.find(';'))));
  if (type == "application/json") return api::BodyFormat::kJson;
  if (type == "application/x-ndjson" || type == "application/jsonl" || type == "text/plain")
    return api::BodyFormat::kNdjson;
  if (body.starts_with(api::kByteOrderMark)) body.remove_prefix(api::kByteOrderMark.size());
  return trimmed(body.substr(0, 4096)).starts_with('[') ? api::BodyFormat::kJson
                                                        : api::BodyFormat::kNdjson;
}

Result<api::ProduceOptions> produce_options(const Request& request, std::string_view body) {
  api::ProduceOptions options;
  GF_ASSIGN(options.format, body_format(request, body));
  options.key = request.parameter("key");
  options.key_field = request.parameter("key-field");
  if (options.key && options.key_field)
    return fail(ErrorCode::kInvalidArgument, "key and key-field exclude each other");
  options.producer = request.parameter("producer");
  options.position = request.parameter("position");
  if (options.producer && (options.producer->empty() || options.producer->size() > 200))
    return fail(ErrorCode::kInvalidArgument, "producer must have 1 to 200 bytes");
  if (options.producer.has_value() != request.parameter("sequence").has_value())
    return fail(ErrorCode::kInvalidArgument, "producer and sequence go together");
  if (options.position && !options.producer)
    return fail(ErrorCode::kInvalidArgument, "position needs producer and sequence");
  if (options.position &&
      (options.position->empty() || options.position->size() > log::kPositionBytesMax))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("position must have 1 to {} bytes", log::kPositionBytesMax));
  GF_ASSIGN(options.first_sequence, number_parameter(request, "sequence", 0, 0, INT64_MAX));
  return options;
}

// Unpacks the body, and has `start` take it.
template <class Start>
void with_body(const Call& call, ReplyCallback done, const Start& start) {
  const Request& request = call.request;
  std::string unpacked;
  std::string_view body = request.body;
  if (lower_case(request.content_encoding) == "gzip") {
    auto result = gunzip(body, call.context.body_bytes_max * 4);
    if (!result) return done(error_reply(result.error()));
    unpacked = std::move(*result);
    body = unpacked;
  }
  const auto options = produce_options(request, body);
  if (!options) return done(error_reply(options.error()));
  start(body, *options, [done = std::move(done)](Result<api::ProduceReply> reply) {
    done(reply ? produce_reply(*reply) : error_reply(reply.error()));
  });
}

void produce(Call call, ReplyCallback done) {
  with_body(
      call, std::move(done),
      [&](std::string_view body, const api::ProduceOptions& options, api::ProduceCallback answer) {
        call.context.api.produce(call.arguments[0], body, options, std::move(answer));
      });
}

void produce_routed(Call call, ReplyCallback done) {
  with_body(
      call, std::move(done),
      [&](std::string_view body, const api::ProduceOptions& options, api::ProduceCallback answer) {
        call.context.api.produce_routed(body, options, std::move(answer));
      });
}

Result<Reply> producer(const Call& call) {
  GF_ASSIGN(const log::ProducerState state, call.context.api.producer(call.arguments[0]));
  return json_reply(200, json::object{{"next_sequence", state.next_sequence},
                                      {"position", state.position ? json::value(*state.position)
                                                                  : json::value(nullptr)}});
}

Result<Reply> next_sequence(const Call& call) {
  GF_ASSIGN(const std::uint64_t next,
            call.context.api.next_sequence(call.arguments[0], call.arguments[1]));
  return json_reply(200, json::object{{"next_sequence", next}});
}

// --- topics --------------------------------------------------------------------------------------

Result<Reply> list_records(const Call& call) {
  const Request& request = call.request;
  GF_ASSIGN(const api::TopicDescription topic, call.context.api.topic(call.arguments[0]));
  GF_ASSIGN(const std::uint64_t partition,
            number_parameter(request, "partition", 0, 0, topic.info.partitions.size() - 1));
  GF_ASSIGN(const std::uint64_t limit, number_parameter(request, "limit", 100, 0, kReadRecordsMax));
  GF_ASSIGN(const std::uint64_t end, number_parameter(request, "end", INT64_MAX, 0, INT64_MAX));
  GF_ASSIGN(const Position position,
            parse_position(request.parameter("offset").value_or("beginning")));
  const log::PartitionInfo& info = topic.info.partitions[partition];
  const log::Offset from = position.in(info);
  if (from < info.begin || from > info.end)
    return fail(ErrorCode::kOffsetOutOfRange,
                fmt::format("offset {} of topic {}, partition {} does not exist: records are from "
                            "{} up to {}",
                            from.value, topic.info.config.name, partition, info.begin.value,
                            info.end.value));
  const RecordQuery query{.partition = static_cast<std::uint32_t>(partition),
                          .from = from,
                          .end = std::max(from, log::Offset{end}),
                          .limit = limit,
                          .contains = std::string(request.parameter("contains").value_or("")),
                          .bytes_max = kReadBytesMax,
                          .scan_max = kScanBytesMax,
                          .raw = topic.raw};
  Reply reply;
  reply.content_type = kNdjsonType;
  GF_ASSIGN(const log::Offset next,
            read_records(call.context.api.log(), topic.info.id, query, reply.body));
  reply.headers.emplace_back("Gameflow-Next-Offset", std::to_string(next.value));
  return reply;
}

Result<Reply> list_topics(const Call& call) {
  json::array topics;
  for (const auto& topic : call.context.api.topics()) topics.push_back(topic_json(topic));
  const Timestamp now = call.context.api.clock().now();
  return json_reply(200, json::object{{"now", now.ms}, {"topics", std::move(topics)}});
}

Result<Reply> describe_topic(const Call& call) {
  GF_ASSIGN(const api::TopicDescription topic, call.context.api.topic(call.arguments[0]));
  return json_reply(200, topic_json(topic));
}

Result<Reply> create_topic(const Call& call) {
  GF_ASSIGN(const log::TopicConfig config, read_topic_config(call.request.body));
  GF_ASSIGN(const api::TopicDescription topic, call.context.api.create_topic(config));
  Reply reply = json_reply(201, topic_json(topic));
  reply.headers.emplace_back("Location", "/topics/" + topic.info.config.name);
  return reply;
}

Result<Reply> delete_topic(const Call& call) {
  GF_TRY(call.context.api.delete_topic(call.arguments[0]));
  Reply reply;
  reply.status = 204;
  return reply;
}

// --- state and SQL -------------------------------------------------------------------------------

Result<Reply> list_states(const Call& call) {
  return states_reply(call.context.api.states(), joins_json(call.context.api.engine().get()));
}

// Too many queries at once is the client's to slow down on: 429, not 503.
Reply query_error(const Error& error) {
  if (error.code == ErrorCode::kUnavailable)
    return error_reply(429, to_string(error.code), error.message);
  return error_reply(error);
}

Result<api::StateQuery> state_query(const Request& request) {
  api::StateQuery query;
  GF_ASSIGN(query.limit, number_parameter(request, "limit", 1000, 1, query::Limits{}.rows_max));
  if (const auto key = request.parameter("key")) query.key = *key;
  if (const auto prefix = request.parameter("prefix")) query.prefix = *prefix;
  query.is_newest_window = request.parameter("window") == "newest";
  if (request.parameter("window") && !query.is_newest_window) {
    GF_ASSIGN(const std::uint64_t start, number_parameter(request, "window", 0, 0, INT64_MAX));
    query.window_start = Timestamp{static_cast<std::int64_t>(start)};
  }
  query.after = request.parameter("after").value_or("");
  return query;
}

Result<Reply> read_state(const Call& call) {
  const std::string& service = call.arguments[0];
  const std::string& state = call.arguments[1];
  const auto states = call.context.api.states();
  const bool known = std::ranges::any_of(
      states, [&](const auto& s) { return s.name.service == service && s.name.state == state; });
  if (!known)
    return error_reply(
        404, "not_found",
        fmt::format("service \"{}\" has no state \"{}\"; GET /states lists them", service, state));
  GF_ASSIGN(const api::StateQuery query, state_query(call.request));
  const auto rows = call.context.api.state_rows(service, state, query);
  return rows ? rows_reply(*rows) : query_error(rows.error());
}

Result<Reply> run_sql(const Call& call) {
  SqlRequest request{.sql = std::string(call.request.body)};
  if (lower_case(call.request.content_type).starts_with("application/json")) {
    GF_ASSIGN(request, read_sql_request(call.request.body));
  }
  if (trimmed(request.sql).empty())
    return fail(ErrorCode::kInvalidArgument, "the body is empty; it should be a SELECT statement");
  if (request.sql.size() > kSqlBytesMax)
    return fail(ErrorCode::kPayloadTooLarge,
                fmt::format("the statement is over {} bytes", kSqlBytesMax));
  query::Limits limits;
  limits.rows_max = std::min<std::uint64_t>(request.limit.value_or(UINT64_MAX), limits.rows_max);
  const auto answer = call.context.api.sql(request.sql, limits);
  return answer ? answer_reply(*answer) : query_error(answer.error());
}

Reply no_dataflow() {
  return error_reply(404, "not_found", "this server has topics only and runs no dataflow");
}

Result<Reply> dataflow(const Call& call) {
  const auto engine = call.context.api.engine();
  if (engine == nullptr) return no_dataflow();
  return dataflow_reply(*engine, call.context.api.memory(), call.context.api.clock().now());
}

Result<Reply> dataflow_graph(const Call& call) {
  const auto engine = call.context.api.engine();
  return engine == nullptr ? no_dataflow() : graph_reply(engine->graph());
}

// --- operations ----------------------------------------------------------------------------------

Result<Reply> alive(const Call&) {
  return json_reply(200, json::object{{"status", "ok"}});
}

Result<Reply> ready(const Call& call) {
  GF_TRY(call.context.api.ready());
  json::object reply{{"status", "ready"}};
  // Others go on, and records are taken for those that have stopped, too.
  if (const std::vector<std::string> stopped = call.context.api.stopped(); !stopped.empty())
    reply["stopped"] = json::array(stopped.begin(), stopped.end());
  return json_reply(200, std::move(reply));
}

Reply ready_reply(const Call& call) {
  const auto reply = ready(call);
  if (reply) return *reply;
  return error_reply(503, to_string(reply.error().code), reply.error().message);
}

Result<Reply> version(const Call&) {
  return json_reply(200, json::object{{"name", "gameflow"}, {"version", GAMEFLOW_VERSION}});
}

std::string http_metrics(const HttpStats& stats) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  api::Families out;
  out.gauge("gameflow_http_connections", number(stats.connections.count()),
            "Open connections, WebSockets included.");
  out.counter("gameflow_http_refused_total",
              "Refused with 503, or closed, because there was too much of it.");
  out.add(number(stats.refused_connections), {{"of", "connections"}});
  out.add(number(stats.refused_bodies), {{"of", "bodies"}});
  out.add(number(stats.refused_replies), {{"of", "replies"}});
  return out.text();
}

Result<Reply> metrics(const Call& call) {
  Reply reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = call.context.api.metrics() + http_metrics(call.context.stats);
  return reply;
}

Reply page(const Call& call) {
  return call.context.files.serve(call.arguments.empty() ? "index.html" : call.arguments[0],
                                  call.request);
}

Reply studio(const Call& call) {
  return call.context.files.serve("studio/index.html", call.request);
}

Reply icon(const Call& call) {
  return call.context.files.serve("favicon.ico", call.request);
}

// --- the table -----------------------------------------------------------------------------------

template <Result<Reply> (*handler)(const Call&)>
Reply checked(const Call& call) {
  return reply_or_error(handler(call));
}

constexpr std::array kRoutes{
    Route{Method::kGet, "/", Work::kQuick, "*", page, nullptr},
    Route{Method::kGet, "/studio", Work::kQuick, "*", studio, nullptr},
    Route{Method::kGet, "/favicon.ico", Work::kQuick, "*", icon, nullptr},
    Route{Method::kGet, "/stat/**", Work::kQuick, "*", page, nullptr},
    Route{Method::kGet, "/ws/*", Work::kWebSocket, "offset tail partition offsets format", nullptr,
          nullptr},
    Route{Method::kGet, "/topics", Work::kQuick, "", checked<list_topics>, nullptr},
    Route{Method::kPost, "/topics", Work::kBlocking, "", checked<create_topic>, nullptr},
    Route{Method::kGet, "/topics/*", Work::kQuick, "", checked<describe_topic>, nullptr},
    Route{Method::kDelete, "/topics/*", Work::kBlocking, "", checked<delete_topic>, nullptr},
    Route{Method::kGet, "/topics/*/records", Work::kBlocking, "partition offset end limit contains",
          checked<list_records>, nullptr},
    Route{Method::kPost, "/topics/*/records", Work::kCallback, "key key-field producer sequence",
          nullptr, produce},
    Route{Method::kGet, "/topics/*/producers/*", Work::kQuick, "", checked<next_sequence>, nullptr},
    Route{Method::kPost, "/records", Work::kCallback, "producer sequence position", nullptr,
          produce_routed},
    Route{Method::kGet, "/producers/*", Work::kQuick, "", checked<producer>, nullptr},
    Route{Method::kGet, "/connectors", Work::kBlocking, "", checked<list_connectors>, nullptr},
    Route{Method::kGet, "/connectors/*", Work::kBlocking, "", checked<describe_connector>, nullptr},
    Route{Method::kPut, "/connectors/*", Work::kQuick, "", checked<report_connector>, nullptr},
    Route{Method::kDelete, "/connectors/*", Work::kBlocking, "", checked<delete_connector>,
          nullptr},
    Route{Method::kGet, "/states", Work::kBlocking, "", checked<list_states>, nullptr},
    Route{Method::kGet, "/states/*/*", Work::kBlocking, "key prefix window after limit",
          checked<read_state>, nullptr},
    Route{Method::kPost, "/sql", Work::kBlocking, "", checked<run_sql>, nullptr},
    Route{Method::kGet, "/dataflow", Work::kQuick, "", checked<dataflow>, nullptr},
    Route{Method::kGet, "/dataflow/graph", Work::kQuick, "", checked<dataflow_graph>, nullptr},
    Route{Method::kGet, "/healthz", Work::kQuick, "*", checked<alive>, nullptr},
    Route{Method::kGet, "/livez", Work::kQuick, "*", checked<alive>, nullptr},
    Route{Method::kGet, "/readyz", Work::kQuick, "*", ready_reply, nullptr},
    Route{Method::kGet, "/version", Work::kQuick, "*", checked<version>, nullptr},
    Route{Method::kGet, "/metrics", Work::kQuick, "*", checked<metrics>, nullptr},
};

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

Reply no_such_route(const Request& request, const std::string& allowed) {
  std::string path;
  for (const auto& part : request.path) path += '/' + part;
  if (allowed.empty())
    return error_reply(404, "not_found",
                       fmt::format("there is nothing at {}; the routes are in "
                                   "docs/reference/http.md",
                                   path.substr(0, 200)));
  Reply reply = error_reply(405, "method_not_allowed",
                            fmt::format("{} allows {}", path.substr(0, 200), allowed));
  reply.headers.emplace_back("Allow", allowed);
  return reply;
}

std::string_view allow_text(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET, HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    default:
      return "";
  }
}

}  // namespace

std::variant<Match, Reply> match_route(const RouteContext& context, const Request& request) {
  const Method wanted = request.method == Method::kHead ? Method::kGet : request.method;
  std::string allowed;
  for (const Route& route : kRoutes) {
    auto arguments = match_path(route.pattern, request.path);
    if (!arguments) continue;
    if (route.method != wanted) {
      allowed += allowed.empty() ? "" : ", ";
      allowed += allow_text(route.method);
      continue;
    }
    if (auto refused = refuse(context, request, route)) return std::move(*refused);
    return Match{&route, std::move(*arguments)};
  }
  return no_such_route(request, allowed);
}

void run_route(const RouteContext& context, const Match& match, const Request& request,
               ReplyCallback done) {
  const auto answer = [&]() -> std::optional<Reply> {
    try {
      const CanRunOut scope;
      Call call{context, request, match.arguments};
      if (match.route->reply != nullptr) return match.route->reply(call);
      match.route->start(std::move(call), done);
      return std::nullopt;
    } catch (const std::bad_alloc&) {
      return error_reply({ErrorCode::kMemoryFull, "there is not enough memory; try again later"});
    } catch (const std::exception& error) {
      spdlog::error("http: {} failed: {}", match.route->pattern, error.what());
      return error_reply(500, to_string(ErrorCode::kInternal),
                         "an internal error; the log has the reason");
    }
  };
  if (auto reply = answer()) done(std::move(*reply));
}

}  // namespace gameflow::http
