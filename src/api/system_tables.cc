#include "api/system_tables.h"

#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "record/batch.h"
#include "record/codec.h"

namespace gameflow::api {
namespace {

using record::Field;
using record::Kind;
using record::Offset;

// More series than there ever are: how many, only reading them tells.
constexpr Offset kEnd{1U << 16U};

struct Types {
  Types() {
    const auto field = [&](const char* name, Kind kind, bool optional = false) {
      return Field{.name = name, .type = table.scalar(kind), .optional = optional};
    };
    metrics = table.object("metric", {field("name", Kind::kString), field("labels", Kind::kJson),
                                      field("value", Kind::kF64)});
    dead_letter = table.object(
        "dead-letter",
        {field("service", Kind::kString), field("operator", Kind::kString),
         field("code", Kind::kString), field("field", Kind::kString, true),
         field("reason", Kind::kString, true), field("topic", Kind::kString, true),
         field("partition", Kind::kU32, true), field("offset", Kind::kU64, true),
         field("timestamp", Kind::kI64, true), field("key", Kind::kString, true),
         field("value", Kind::kString, true), field("window_start", Kind::kI64, true)});
  }

  record::TypeTable table;
  const record::Type* metrics;
  const record::Type* dead_letter;
};

const Types& types() {
  static const Types kTypes;
  return kTypes;
}

}  // namespace

const record::Type* metrics_type() {
  return types().metrics;
}

const record::Type* dead_letter_type() {
  return types().dead_letter;
}

Result<std::vector<query::TopicReader::Range>> MetricsReader::partitions() const {
  return std::vector<Range>{{Offset{0}, kEnd}};
}

Result<std::vector<record::BatchPtr>> MetricsReader::read(std::uint32_t, Offset from,
                                                          std::size_t) const {
  std::vector<record::BatchPtr> batches;
  if (from.value == 0) batches.push_back(measured());
  return batches;
}

Result<record::BatchPtr> MetricsReader::read_before(std::uint32_t, Offset end) const {
  return end.value == 0 ? nullptr : measured();
}

record::BatchPtr MetricsReader::measured() const {
  const Timestamp now = clock_.now();
  record::BatchBuilder builder;
  std::string json;
  measure_().each([&](const std::string& name, const Labels& labels, double value) {
    if (!std::isfinite(value)) return;  // JSON has no such number
    json = "{\"name\":";
    record::encode_json_string(name, json);
    json += ",\"labels\":{";
    for (const Label& label : labels) {
      if (!json.ends_with('{')) json += ',';
      record::encode_json_string(label.name, json);
      json += ':';
      record::encode_json_string(label.value, json);
    }
    json += fmt::format("}},\"value\":{}}}", value);
    builder.add(now, std::nullopt, json);
  });
  std::shared_ptr<record::Batch> batch = builder.finish(now);
  record::BatchBuilder::place(*batch, Offset{0});
  return batch;
}

}  // namespace gameflow::api
