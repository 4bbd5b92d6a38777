// What the program knows of itself, as tables of SQL beside those of the dataflow.
//
// Threads  any.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "api/metric_families.h"
#include "api/progress.h"
#include "base/time.h"
#include "query/topic.h"
#include "record/type.h"

namespace gameflow::api {

// Those that are measured when a query reads them.
struct SystemTable {
  const char* name;
  const record::Type* type;
};
// `_metrics`: a row for each series of /metrics, with `name`, `labels` (a JSON object) and `value`;
// of a histogram its `_sum` and `_count`.
SystemTable metrics_table();
// `_progress`: a row for each table and service that makes it, as progress.h has it.
SystemTable progress_table();

// The rows, as records of a topic that is written when somebody reads it.
class MeasuredReader final : public query::TopicReader {
 public:
  // JSON of each row.
  using Measure = std::function<std::vector<std::string>()>;

  MeasuredReader(Measure measure, const Clock& clock)
      : measure_(std::move(measure)), clock_(clock) {}

  Result<std::vector<Range>> partitions() const override;
  // Each reading is one batch, from the first record on: SQL picks what it asks for.
  Result<Range> narrow(std::uint32_t, Range, Timestamp, Timestamp) const override {
    return partitions().value()[0];
  }
  Result<std::vector<record::BatchPtr>> read(std::uint32_t partition, record::Offset from,
                                             std::size_t bytes) const override;
  Result<record::BatchPtr> read_before(std::uint32_t partition, record::Offset end) const override;

 private:
  record::BatchPtr measured() const;

  const Measure measure_;
  const Clock& clock_;
};

std::vector<std::string> rows_of(const Families& families);
std::vector<std::string> rows_of(std::span<const Progress> progress);

// Of dead letters (docs/formats/dead-letter.md), whose topic needs no schema in the dataflow.
const record::Type* dead_letter_type();

}  // namespace gameflow::api
