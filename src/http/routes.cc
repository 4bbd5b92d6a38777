#include "http/routes.h"

#include <algorithm>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "api/metric_families.h"
#include "base/ascii.h"
#include "http/access_routes.h"
#include "http/connector_routes.h"
#include "http/dashboard_routes.h"
#include "http/dataflow_reply.h"
#include "http/produce_routes.h"
#include "http/read_records.h"
#include "http/request_json.h"
#include "http/sql_messages.h"
#include "http/tail.h"
#include "http/topic_changes.h"
#include "log/log.h"
#include "log/topics.h"
#include "query/query.h"
#include "record/type.h"
#include "runtime/engine.h"
#include "serve/gate.h"

namespace gameflow::http {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kReadRecordsMax = 10'000;
constexpr std::size_t kReadBytesMax = 8U << 20;
constexpr std::size_t kScanBytesMax = 32U << 20;  // by one search, which takes some 0.2 s then
constexpr std::size_t kSqlBytesMax = 100'000;

// --- produce -------------------------------------------------------------------------------------

Result<Reply> producer(const Call& call) {
  GF_ASSIGN(const log::ProducerState state, call.context.api.producer(call.arguments[0]));
  return json_reply(200, json::object{{"next_sequence", state.next_sequence},
                                      {"position", state.position ? json::value(*state.position)
                                                                  : json::value(nullptr)}});
}

Result<Reply> next_sequence(const Call& call) {
  GF_TRY(call.caller.check_write(call.arguments[0]));
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
  GF_ASSIGN(const Position position, position_of(request, call.context.api.clock().now()));
  const std::string_view values = request.parameter("values").value_or("json");
  if (values != "json" && values != "base64")
    return fail(ErrorCode::kInvalidArgument, "values must be json or base64");
  const log::PartitionInfo& info = topic.info.partitions[partition];
  GF_ASSIGN(const log::Offset from,
            position.in(call.context.api.log(), topic.info, static_cast<std::uint32_t>(partition)));
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
                          .raw = values == "base64" ? record::Kind::kBytes : topic.raw};
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
  if (serve::trimmed(request.sql).empty())
    return fail(ErrorCode::kInvalidArgument, "the body is empty; it should be a SELECT statement");
  if (request.sql.size() > kSqlBytesMax)
    return fail(ErrorCode::kPayloadTooLarge,
                fmt::format("the statement is over {} bytes", kSqlBytesMax));
  query::Limits limits;
  limits.rows_max = std::min<std::uint64_t>(request.limit.value_or(UINT64_MAX), limits.rows_max);
  const auto answer = call.context.api.sql(request.sql, limits, std::move(request.parameters));
  return answer ? answer_reply(*answer) : query_error(answer.error());
}

Reply no_dataflow() {
  return error_reply(404, "not_found", "this server has topics only and runs no dataflow");
}

Result<Reply> dataflow(const Call& call) {
  const auto engine = call.context.api.engine();
  if (engine == nullptr) return no_dataflow();
  const api::Api& api = call.context.api;
  return dataflow_reply(*engine, api.memory(), api.clocks(), api.clock().now());
}

Result<Reply> dataflow_graph(const Call& call) {
  const auto engine = call.context.api.engine();
  return engine == nullptr ? no_dataflow() : graph_reply(engine->graph());
}

// --- operations ----------------------------------------------------------------------------------

Result<Reply> alive(const Call& call) {
  GF_TRY(call.context.api.alive());
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

std::string http_metrics(const serve::Stats& stats, const Quotas& quotas,
                         const live::LiveStats& live) {
  const auto number = [](std::uint64_t count) { return static_cast<double>(count); };
  api::Families out;
  out.gauge("gameflow_http_connections", number(stats.connections.count()),
            "Open connections, WebSockets included.");
  out.gauge("gameflow_http_connections_staying", number(stats.connections.staying()),
            "Of them WebSockets and endless replies.");
  out.counter("gameflow_http_refused_total",
              "Refused with 503, or closed, because there was too much of it.");
  out.add(number(stats.refused_connections), {{"of", "connections"}});
  out.add(number(stats.refused_bodies), {{"of", "bodies"}});
  out.add(number(stats.refused_replies), {{"of", "replies"}});
  out.counter("gameflow_http_denied_total", "Refused because of who asked, with 401 or 403.");
  out.add(number(stats.denied_without_token), {{"why", "no-token"}});
  out.add(number(stats.denied_unknown_token), {{"why", "unknown-token"}});
  out.add(number(stats.denied_role), {{"why", "role"}});
  out.counter("gameflow_http_denied_slowly_total", number(stats.slowed),
              "Of those with unknown tokens: answered late, as one address sent many.");
  out.counter("gameflow_quota_refused_requests_total", number(quotas.refused_requests()),
              "Requests refused with 429, as their sender had sent more than its quota.");
  out.counter("gameflow_quota_refused_records_total", number(quotas.refused_records()),
              "The records in them, none of which was stored.");
  out.gauge("gameflow_live_queries", number(live.feeds),
            "Different queries that are followed over /ws/sql.");
  out.gauge("gameflow_live_followers", number(live.followers), "Subscriptions to them.");
  out.counter("gameflow_live_queries_asked_total", number(live.asked),
              "How often such a query was run.");
  out.counter("gameflow_live_queries_failed_total", number(live.failed), "And failed.");
  return out.text();
}

Result<Reply> metrics(const Call& call) {
  Reply reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = call.context.api.metrics() +
               http_metrics(call.stats, call.context.quotas, call.context.live.stats()) +
               call.context.dashboard_metrics.text();
  return reply;
}

Reply page(const Call& call) {
  return call.context.files.serve("index.html", call.request);
}

Reply chart_page(const Call& call) {
  return call.context.files.serve("page-echarts.html", call.request);
}

Reply studio(const Call& call) {
  return call.context.files.serve("studio/index.html", call.request);
}

// What the page refers to is seen from behind the slash.
Reply dashboards_page(const Call& call) {
  return serve::behind_slash(call.request, call.request.path.back());
}

Reply icon(const Call& call) {
  return call.context.files.serve("favicon.ico", call.request);
}

// --- WebSockets ----------------------------------------------------------------------------------

class TopicMessages final : public serve::Messages {
 public:
  explicit TopicMessages(Tail tail) : tail_(std::move(tail)) {}

  Result<serve::Message> next() override {
    using Kind = serve::Message::Kind;
    if (was_sent_some_)
      return serve::Message{Kind::kUnwanted,
                            "nothing is taken here: send records to POST /topics/TOPIC/records"};
    const auto message = tail_.next();
    if (!message && message.error().code == ErrorCode::kTopicNotFound)
      return serve::Message{Kind::kEnd, "the topic was deleted"};
    if (!message) return fail(message.error());
    return *message ? serve::Message{Kind::kText, **message} : serve::Message{};
  }
  // A game that sends its events here would never learn that they are lost.
  void receive(std::string_view) override { was_sent_some_ = true; }

 private:
  Tail tail_;
  bool was_sent_some_ = false;
};

tl::expected<serve::WebSocket::Opened, Reply> follow(const Call& call,
                                                     const std::shared_ptr<serve::Waiter>& waiter) {
  const auto options = TailOptions::parse(call.request, call.context.api.clock().now());
  if (!options) return tl::unexpected(error_reply(options.error()));
  auto tail = Tail::open(call.context.api, call.arguments[0], *options);
  if (!tail) return tl::unexpected(error_reply(tail.error()));
  call.context.hub.watch(tail->topic(), waiter);
  return std::make_unique<TopicMessages>(std::move(*tail));
}

tl::expected<serve::Stream::Opened, Reply> tell_changes(
    const Call& call, const std::shared_ptr<serve::Waiter>& waiter) {
  auto changes =
      TopicChanges::open(call.context.api, call.request.parameter("topics").value_or(""));
  if (!changes) return tl::unexpected(error_reply(changes.error()));
  for (const log::TopicId topic : (*changes)->topics()) call.context.hub.watch(topic, waiter);
  return serve::Stream::Opened{std::move(*changes), kNdjsonType, {}};
}

// --- the table -----------------------------------------------------------------------------------

Reply reply_of(Reply reply) {
  return reply;
}

Reply reply_of(Result<Reply> reply) {
  return reply ? std::move(*reply) : error_reply(reply.error());
}

// Probes, and those who bring records.
Route essential(Route route) {
  route.is_essential = true;
  return route;
}

// Handlers that are told what their routes are about.
struct Handlers {
  const RouteContext& context;

  Call with(const serve::Call& call) const {
    return {context, call.request, call.arguments, call.stats, call.caller, call.peer};
  }
  serve::Quick quick(auto* answer) const {
    return {[*this, answer](const serve::Call& call) { return reply_of(answer(with(call))); }};
  }
  serve::Blocking blocking(auto* answer) const { return {quick(answer).reply}; }
  serve::Later later(auto* start) const {
    return {[*this, start](const serve::Call& call, serve::ReplyCallback done) {
      start(with(call), std::move(done));
    }};
  }
};

std::vector<Route> page_routes(const Handlers& of) {
  return {
      Route{Method::kGet, "/", Access::kPage, "*", of.quick(page)},
      Route{Method::kGet, "/studio", Access::kPage, "*", of.quick(studio)},
      Route{Method::kGet, "/dash", Access::kPage, "*", of.quick(dashboards_page)},
      Route{Method::kGet, "/dash/", Access::kPage, "*", of.quick(dashboard_page)},
      Route{Method::kGet, "/dash/*", Access::kPage, "*", of.quick(dashboard_page)},
      Route{Method::kGet, serve::kSignInPath, Access::kOpen, "*", of.quick(sign_in_page)},
      Route{Method::kPost, serve::kSignInPath, Access::kRead, "", of.quick(sign_in)},
      Route{Method::kPost, "/sign-out", Access::kOpen, "", of.quick(sign_out)},
      Route{Method::kGet, "/favicon.ico", Access::kOpen, "*", of.quick(icon)},
      Route{Method::kGet, "/stat/page-echarts.html", Access::kPage, "*", of.quick(chart_page)},
      Route{Method::kGet, "/stat/**", Access::kOpen, "*", of.quick(page_file)},
  };
}

}  // namespace

std::vector<Route> api_routes(const RouteContext& context) {
  const Handlers of{context};
  const serve::WebSocket follow_topic{
      [of](const serve::Call& call, const std::shared_ptr<serve::Waiter>& waiter) {
        return follow(of.with(call), waiter);
      }};
  const serve::Stream changes{
      [of](const serve::Call& call, const std::shared_ptr<serve::Waiter>& waiter) {
        return tell_changes(of.with(call), waiter);
      }};
  const serve::WebSocket follow_queries{
      [&context](const serve::Call&, const std::shared_ptr<serve::Waiter>& waiter)
          -> tl::expected<serve::WebSocket::Opened, Reply> {
        return std::make_unique<SqlMessages>(context.live, waiter);
      }};
  std::vector<Route> routes = page_routes(of);
  const std::vector<Route> others{
      Route{Method::kGet, "/ws/sql", Access::kRead, "", follow_queries},
      Route{Method::kGet, "/ws/*", Access::kRead, "offset from tail partition offsets format",
            follow_topic},
      Route{Method::kGet, "/changes", Access::kRead, "topics", changes},
      Route{Method::kGet, "/topics", Access::kRead, "", of.quick(list_topics)},
      Route{Method::kPost, "/topics", Access::kAdmin, "", of.blocking(create_topic)},
      Route{Method::kGet, "/topics/*", Access::kRead, "", of.quick(describe_topic)},
      Route{Method::kDelete, "/topics/*", Access::kAdmin, "", of.blocking(delete_topic)},
      Route{Method::kGet, "/topics/*/records", Access::kRead,
            "partition offset from end limit contains values", of.blocking(list_records)},
      essential({Method::kPost, "/topics/*/records", Access::kIngest,
                 "key key-field unwrap producer sequence deduplicate", of.later(produce),
                 serve::Body::kRecords, /*is_open_to_pages=*/true}),
      Route{Method::kGet, "/topics/*/producers/*", Access::kIngest, "", of.quick(next_sequence)},
      essential({Method::kPost, "/records", Access::kIngest,
                 "unwrap producer sequence position deduplicate", of.later(produce_routed),
                 serve::Body::kRecords}),
      essential({Method::kPost, "/events", Access::kIngest, "unwrap producer sequence sent_at",
                 of.later(produce_events), serve::Body::kRecords, /*is_open_to_pages=*/true}),
      Route{Method::kGet, "/producers/*", Access::kIngestAll, "", of.quick(producer)},
      Route{Method::kGet, "/connectors", Access::kRead, "", of.blocking(list_connectors)},
      Route{Method::kGet, "/connectors/*", Access::kRead, "", of.blocking(describe_connector)},
      Route{Method::kPut, "/connectors/*", Access::kIngestAll, "", of.quick(report_connector)},
      Route{Method::kDelete, "/connectors/*", Access::kAdmin, "", of.blocking(delete_connector)},
      Route{Method::kGet, "/dashboards", Access::kRead, "", of.quick(list_dashboards)},
      Route{Method::kGet, "/dashboards/*", Access::kRead, "", of.quick(describe_dashboard)},
      Route{Method::kGet, "/states", Access::kRead, "", of.blocking(list_states)},
      Route{Method::kGet, "/states/*/*", Access::kRead, "key prefix window after limit",
            of.blocking(read_state)},
      Route{Method::kPost, "/sql", Access::kRead, "", of.blocking(run_sql)},
      Route{Method::kGet, "/dataflow", Access::kRead, "", of.quick(dataflow)},
      Route{Method::kGet, "/dataflow/graph", Access::kRead, "", of.quick(dataflow_graph)},
      essential({Method::kGet, "/healthz", Access::kOpen, "*", of.quick(alive)}),
      essential({Method::kGet, "/livez", Access::kOpen, "*", of.quick(alive)}),
      essential({Method::kGet, "/readyz", Access::kOpen, "*", of.quick(ready_reply)}),
      Route{Method::kGet, "/version", Access::kRead, "*", of.quick(version)},
      essential({Method::kGet, "/metrics", Access::kRead, "*", of.quick(metrics)}),
  };
  routes.insert(routes.end(), others.begin(), others.end());
  return routes;
}

}  // namespace gameflow::http
