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

// More rows than there ever are: how many, only reading them tells.
constexpr Offset kEnd{1U << 16U};

struct Types {
  Types() {
    const auto field = [&](const char* name, Kind kind, bool optional = false) {
      return Field{.name = name, .type = table.scalar(kind), .optional = optional};
    };
    metrics = table.object("metric", {field("name", Kind::kString), field("labels", Kind::kJson),
                                      field("value", Kind::kF64)});
    progress = table.object("progress",
                            {field("name", Kind::kString), field("service", Kind::kString, true),
                             field("complete_to", Kind::kI64, true), field("lag", Kind::kU64),
                             field("late", Kind::kF64), field("stopped", Kind::kString, true)});
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
  const record::Type *metrics, *progress;
  const record::Type* dead_letter;
};

const Types& types() {
  static const Types kTypes;
  return kTypes;
}

}  // namespace

SystemTable metrics_table() {
  return {"_metrics", types().metrics};
}

SystemTable progress_table() {
  return {"_progress", types().progress};
}

const record::Type* dead_letter_type() {
  return types().dead_letter;
}

Result<std::vector<query::TopicReader::Range>> MeasuredReader::partitions() const {
  return std::vector<Range>{{Offset{0}, kEnd}};
}

Result<std::vector<record::BatchPtr>> MeasuredReader::read(std::uint32_t, Offset from,
                                                           std::size_t) const {
  std::vector<record::BatchPtr> batches;
  if (from.value == 0) batches.push_back(measured());
  return batches;
}

Result<record::BatchPtr> MeasuredReader::read_before(std::uint32_t, Offset end) const {
  return end.value == 0 ? nullptr : measured();
}

record::BatchPtr MeasuredReader::measured() const {
  const Timestamp now = clock_.now();
  record::BatchBuilder builder;
  for (const std::string& row : measure_()) builder.add(now, std::nullopt, row);
  std::shared_ptr<record::Batch> batch = builder.finish(now);
  record::BatchBuilder::place(*batch, Offset{0});
  return batch;
}

std::vector<std::string> rows_of(const Families& families) {
  std::vector<std::string> rows;
  families.each([&](const std::string& name, const Labels& labels, double value) {
    if (!std::isfinite(value)) return;  // JSON has no such number
    std::string json = "{\"name\":";
    record::encode_json_string(name, json);
    json += ",\"labels\":{";
    for (const Label& label : labels) {
      if (!json.ends_with('{')) json += ',';
      record::encode_json_string(label.name, json);
      json += ':';
      record::encode_json_string(label.value, json);
    }
    rows.push_back(json += fmt::format("}},\"value\":{}}}", value));
  });
  return rows;
}

std::vector<std::string> rows_of(std::span<const Progress> progress) {
  std::vector<std::string> rows;
  for (const Progress& of_table : progress) {
    std::string json = "{\"name\":";
    record::encode_json_string(of_table.table, json);
    const auto add = [&json](std::string_view name, const std::optional<std::string>& text) {
      if (!text) return;
      json += fmt::format(",\"{}\":", name);
      record::encode_json_string(*text, json);
    };
    add("service", of_table.service);
    add("stopped", of_table.stopped);
    if (of_table.complete_to) json += fmt::format(",\"complete_to\":{}", of_table.complete_to->ms);
    rows.push_back(json += fmt::format(",\"lag\":{},\"late\":{}}}", of_table.lag, of_table.late));
  }
  return rows;
}

}  // namespace gameflow::api
