#include "http/reply.h"

#include <array>
#include <cstddef>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "query/answer_json.h"
#include "record/codec.h"
#include "record/raw.h"
#include "record/type.h"
#include "record/visit.h"

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

}  // namespace

Reply json_reply(unsigned status, const json::value& value) {
  Reply reply;
  reply.status = status;
  reply.body = json::serialize(value);
  reply.body += '\n';
  return reply;
}

json::array told_json(const std::vector<api::RejectedRecord>& told) {
  json::array list;
  for (const auto& one : told)
    list.push_back(json::object{{"index", one.index},
                                {"field", one.field},
                                {"code", to_string(one.code)},
                                {"message", one.message}});
  return list;
}

unsigned produce_status(const api::ProduceReply& produced) {
  return produced.accepted == 0 && produced.duplicates == 0 && produced.rejected > 0 ? 400 : 200;
}

Reply produce_reply(const api::ProduceReply& produced) {
  return json_reply(produce_status(produced), json::object{{"accepted", produced.accepted},
                                                           {"duplicates", produced.duplicates},
                                                           {"rejected", produced.rejected},
                                                           {"errors", told_json(produced.errors)}});
}

Reply routed_reply(const api::ProduceReply& produced) {
  return json_reply(produce_status(produced), json::object{{"accepted", produced.accepted},
                                                           {"duplicates", produced.duplicates},
                                                           {"rejected", produced.rejected},
                                                           {"known", produced.known},
                                                           {"errors", told_json(produced.errors)}});
}

Reply events_reply(const api::ProduceReply& produced) {
  return json_reply(produce_status(produced),
                    json::object{{"accepted", produced.accepted},
                                 {"duplicates", produced.duplicates},
                                 {"rejected", produced.rejected},
                                 {"corrected", produced.corrected},
                                 {"errors", told_json(produced.errors)},
                                 {"warnings", told_json(produced.warnings)}});
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
          {"raw", topic.raw ? json::value(json::string(record::to_string(*topic.raw)))
                            : json::value(nullptr)},
          {"records", records},
          {"bytes", bytes},
          {"partitions", std::move(partitions)},
          {"retention_age_ms", or_null(info.config.retention_age)},
          {"retention_bytes", or_null(info.config.retention_bytes)},
          {"created_at", format_timestamp(info.created_at)}};
}

Reply states_reply(const std::vector<api::StateDescription>& states, json::array joins) {
  json::array list;
  for (const auto& state : states) {
    list.push_back(json::object{{"service", state.name.service},
                                {"state", state.name.state},
                                {"table", state.name.table},
                                {"rows", state.rows},
                                {"bytes", state.bytes},
                                {"columns", columns_json(state.columns)}});
  }
  return json_reply(200, json::object{{"states", std::move(list)}, {"joins", std::move(joins)}});
}

namespace {

// An object that is not closed yet.
std::string answer_json(const query::Answer& answer) {
  std::string out = "{\"columns\":";
  query::append_json(answer.columns, out);
  out += ",\"rows\":[";
  for (std::size_t i = 0; i < answer.rows.size(); ++i) {
    if (i > 0) out += ',';
    query::append_json(answer.rows[i], out);
  }
  out += answer.truncated ? "],\"truncated\":true" : "],\"truncated\":false";
  return out;
}

}  // namespace

Reply answer_reply(const query::Answer& answer) {
  Reply reply;
  reply.body = answer_json(answer) + "}\n";
  return reply;
}

Reply rows_reply(const api::StateRows& rows) {
  Reply reply;
  reply.body = answer_json(rows.answer) + ",\"next\":";
  if (rows.next.empty()) {
    reply.body += "null";
  } else {
    record::encode_json_string(rows.next, reply.body);
  }
  reply.body += ",\"windows\":[";
  for (const api::StateWindow& window : rows.windows) {
    if (!reply.body.ends_with('[')) reply.body += ',';
    reply.body += fmt::format(R"({{"start":{},"end":{},"closed":{},"rows":{}}})", window.start.ms,
                              window.end.ms, window.is_closed, window.rows);
  }
  reply.body += "]}\n";
  return reply;
}

void append_raw_json(record::Kind kind, std::string_view bytes, std::string& out) {
  const auto append = [&](record::Kind of) {
    static const record::TypeTable types;
    const record::Type& type = *types.scalar(of);
    alignas(std::max_align_t) std::array<std::byte, sizeof(Bytes)> slot{};
    record::DecodeError none;
    if (!record::decode_raw(type, bytes, slot.data(), none)) return false;
    record::encode_json(type, slot.data(), out);
    return true;
  };
  if (!append(kind) && !append(record::Kind::kString)) append(record::Kind::kBytes);
}

void append_record_json(std::uint32_t partition, record::Offset offset,
                        const record::RecordView& record, std::optional<record::Kind> raw,
                        std::string& out) {
  fmt::format_to(std::back_inserter(out), R"({{"partition":{},"offset":{},"timestamp":{},"key":)",
                 partition, offset.value, record.timestamp.ms);
  if (record.key)
    record::encode_json_string(*record.key, out);
  else
    out += "null";
  out += ",\"value\":";
  if (raw)
    append_raw_json(*raw, record.value, out);
  else if (record.value.find('\n') == std::string_view::npos)
    out += record.value;
  else
    record::minify_json(record.value, out);  // one line a record, whatever was stored
  out += '}';
}

}  // namespace gameflow::http
