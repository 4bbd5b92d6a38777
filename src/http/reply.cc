#include "http/reply.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "plan/graph.h"
#include "record/codec.h"
#include "runtime/stats.h"

namespace gameflow::http {

namespace json = boost::json;

namespace {

template <class T>
json::value or_null(const std::optional<T>& value) {
  if (!value) return nullptr;
  return value->ms;
}

json::value or_null(const std::optional<std::uint64_t>& value) {
  if (!value) return nullptr;
  return *value;
}

void append_value(const query::Value& value, std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else if (const auto* real = std::get_if<double>(&value);
             real != nullptr && std::isfinite(*real)) {
    fmt::format_to(std::back_inserter(out), "{}", *real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    record::encode_json_string(*text, out);
  } else {
    out += "null";
  }
}

json::object partition_json(const runtime::PartitionStats& partition) {
  return {{"partition", partition.partition},
          {"next_offset", partition.next_offset},
          {"end_offset", partition.end_offset},
          {"lag", partition.end_offset - std::min(partition.end_offset, partition.next_offset)},
          {"watermark", or_null(partition.watermark)},
          {"idle", partition.idle}};
}

json::object counters_json(const runtime::ServiceStats& stats) {
  return {{"records_in", stats.records_in},         {"records_out", stats.records_out},
          {"records_late", stats.records_late},     {"records_dead", stats.records_dead},
          {"records_future", stats.records_future}, {"records_expired", stats.records_expired},
          {"windows_open", stats.windows_open},     {"windows_closed", stats.windows_closed}};
}

json::object source_json(const plan::Topic& topic, const runtime::ServiceStats& stats) {
  json::array partitions;
  for (const auto& partition : stats.partitions)
    if (partition.topic == topic.name) partitions.push_back(partition_json(partition));
  return {{"topic", topic.name}, {"partitions", std::move(partitions)}};
}

json::array states_json(const plan::Keyed& keyed, const runtime::ServiceStats& stats) {
  json::array states;
  for (const auto& state : keyed.states) {
    json::object object{{"name", state.name}, {"table", state.table}};
    for (const auto& counted : stats.states) {
      if (counted.name != state.name) continue;
      object["rows"] = counted.rows;
      object["bytes"] = counted.bytes;
    }
    states.push_back(std::move(object));
  }
  return states;
}

json::object late_json(const runtime::LateStats& late) {
  return {{"records", late.records}, {"late", late.late}, {"reason", late.reason}};
}

json::object service_json(const plan::Graph& graph, const plan::Service& service,
                          const runtime::ServiceStats& stats) {
  json::array sources, sinks;
  json::value window;
  json::array states;
  for (const plan::NodeId id : service.nodes) {
    const plan::NodeKind& node = graph.nodes[id].kind;
    if (const auto* read = std::get_if<plan::Read>(&node)) {
      sources.push_back(source_json(graph.topics[read->topic], stats));
    } else if (const auto* write = std::get_if<plan::Write>(&node)) {
      sinks.push_back(json::string(graph.topics[write->topic].name));
    } else if (const auto* keyed = std::get_if<plan::Keyed>(&node)) {
      states = states_json(*keyed, stats);
      window = {{"kind", "tumbling"},
                {"duration_ms", keyed->window.duration.ms},
                {"grace_ms", keyed->window.grace.ms}};
    }
  }
  return {{"name", service.name},
          {"window", std::move(window)},
          {"sources", std::move(sources)},
          {"states", std::move(states)},
          {"sinks", std::move(sinks)},
          {"watermark", or_null(stats.watermark)},
          {"held", stats.is_held},
          {"late_last_minute", late_json(stats.last_minute)},
          {"counters", counters_json(stats)}};
}

}  // namespace

Reply json_reply(unsigned status, const json::value& value) {
  Reply reply;
  reply.status = status;
  reply.body = json::serialize(value);
  reply.body += '\n';
  return reply;
}

Reply error_reply(unsigned status, std::string_view code, std::string_view message) {
  Reply reply;
  reply.status = status;
  reply.body = "{\"error\":{\"code\":";
  record::encode_json_string(code, reply.body);
  reply.body += ",\"message\":";
  record::encode_json_string(message, reply.body);
  reply.body += "}}\n";
  if (status == 429 || status == 503 || status == 507)
    reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

Reply error_reply(const Error& error) {
  return error_reply(status_of(error.code), to_string(error.code), error.message);
}

unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kInvalidJson:
    case ErrorCode::kWrongType:
    case ErrorCode::kMissingField:
    case ErrorCode::kOutOfRange:
    case ErrorCode::kInvalidEncoding:
    case ErrorCode::kSqlInvalid:
    case ErrorCode::kSqlLimit:
      return 400;
    case ErrorCode::kSqlDenied:
      return 403;
    case ErrorCode::kTopicNotFound:
      return 404;
    case ErrorCode::kTopicExists:
    case ErrorCode::kSequenceGap:
      return 409;
    case ErrorCode::kPayloadTooLarge:
      return 413;
    case ErrorCode::kOffsetOutOfRange:
      return 416;
    case ErrorCode::kDiskFull:
      return 507;
    case ErrorCode::kDataUnwritable:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kClosed:
    case ErrorCode::kMemoryFull:
    case ErrorCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

Reply produce_reply(const api::ProduceReply& produced) {
  json::array errors;
  for (const auto& rejected : produced.errors)
    errors.push_back(json::object{{"index", rejected.index},
                                  {"field", rejected.field},
                                  {"code", to_string(rejected.code)},
                                  {"message", rejected.message}});
  const bool nothing_good =
      produced.accepted == 0 && produced.duplicates == 0 && produced.rejected > 0;
  return json_reply(nothing_good ? 400 : 200, json::object{{"accepted", produced.accepted},
                                                           {"duplicates", produced.duplicates},
                                                           {"rejected", produced.rejected},
                                                           {"errors", std::move(errors)}});
}

json::array columns_json(const api::Columns& columns) {
  json::array list;
  for (const auto& [name, type] : columns)
    list.push_back(json::object{{"name", name}, {"type", type}});
  return list;
}

json::object topic_json(const api::TopicDescription& topic) {
  const auto& info = topic.info;
  std::uint64_t records = 0, bytes = 0;
  json::array partitions;
  for (std::size_t i = 0; i < info.partitions.size(); ++i) {
    const auto& partition = info.partitions[i];
    records += partition.end.value - partition.begin.value;
    bytes += partition.bytes;
    partitions.push_back(json::object{{"partition", i},
                                      {"begin", partition.begin.value},
                                      {"end", partition.end.value},
                                      {"bytes", partition.bytes}});
  }
  return {{"name", info.config.name},
          {"id", info.id.value},
          {"schema", topic.type.empty() ? json::value(nullptr) : json::value(topic.type)},
          {"table", topic.table.empty() ? json::value(nullptr) : json::value(topic.table)},
          {"columns", columns_json(topic.columns)},
          {"records", records},
          {"bytes", bytes},
          {"partitions", std::move(partitions)},
          {"retention_age_ms", or_null(info.config.retention_age)},
          {"retention_bytes", or_null(info.config.retention_bytes)},
          {"created_at", format_timestamp(info.created_at)}};
}

Reply states_reply(const std::vector<api::StateDescription>& states) {
  json::array list;
  for (const auto& state : states) {
    list.push_back(json::object{{"service", state.name.service},
                                {"state", state.name.state},
                                {"table", state.name.table},
                                {"rows", state.rows},
                                {"bytes", state.bytes},
                                {"columns", columns_json(state.columns)}});
  }
  return json_reply(200, json::object{{"states", std::move(list)}});
}

Reply answer_reply(const query::Answer& answer) {
  Reply reply;
  std::string& out = reply.body;
  out = "{\"columns\":[";
  for (std::size_t i = 0; i < answer.columns.size(); ++i) {
    if (i > 0) out += ',';
    record::encode_json_string(answer.columns[i], out);
  }
  out += "],\"rows\":[";
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    out += i > 0 ? ",[" : "[";
    for (std::size_t j = 0; j < answer.rows[i].size(); ++j) {
      if (j > 0) out += ',';
      append_value(answer.rows[i][j], out);
    }
    out += ']';
  }
  out += answer.truncated ? "],\"truncated\":true}\n" : "],\"truncated\":false}\n";
  return reply;
}

json::value memory_json(const MemoryWatch* memory) {
  if (memory == nullptr) return nullptr;
  return json::object{{"used", memory->used()},
                      {"max", memory->max()},
                      {"full", memory->level() != MemoryLimit::Level::kFine}};
}

Reply dataflow_reply(const runtime::Engine& engine, const MemoryWatch* memory, Timestamp now) {
  const plan::Graph& graph = engine.graph();
  const runtime::EngineStats stats = engine.stats();
  json::array services;
  for (const auto& service : graph.services) {
    static const runtime::ServiceStats kNone;
    const runtime::ServiceStats* found = &kNone;
    for (const auto& candidate : stats.services)
      if (candidate.name == service.name) found = &candidate;
    services.push_back(service_json(graph, service, *found));
  }
  json::array topics;
  for (const auto& topic : graph.topics) topics.push_back(json::string(topic.name));
  return json_reply(
      200, json::object{{"name", graph.name},
                        {"version", graph.version},
                        {"namespace", graph.namespace_},
                        {"now", now.ms},
                        {"topics", std::move(topics)},
                        {"dead_letter_topic", graph.dead_letter_topic},
                        {"services", std::move(services)},
                        {"memory", memory_json(memory)},
                        {"epochs", json::object{{"count", stats.epochs},
                                                {"read_seconds", stats.seconds.read},
                                                {"decode_seconds", stats.seconds.decode},
                                                {"update_seconds", stats.seconds.update},
                                                {"flush_seconds", stats.seconds.flush},
                                                {"commit_seconds", stats.seconds.commit}}}});
}

void append_record_json(std::uint32_t partition, record::Offset offset,
                        const record::RecordView& record, std::string& out) {
  fmt::format_to(std::back_inserter(out), R"({{"partition":{},"offset":{},"timestamp":{},"key":)",
                 partition, offset.value, record.timestamp.ms);
  if (record.key)
    record::encode_json_string(*record.key, out);
  else
    out += "null";
  out += ",\"value\":";
  if (record.value.find('\n') == std::string_view::npos)
    out += record.value;
  else
    record::minify_json(record.value, out);  // one line a record, whatever was stored
  out += '}';
}

}  // namespace gameflow::http
