#include "app/flow_test/world.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/flow_test/text.h"
#include "base/number.h"
#include "query/query.h"

namespace gameflow::app::flow_test {
namespace {

constexpr std::uint32_t kGapsSeed = 1;

std::string text_of(const query::Value& value) {
  struct Visitor {
    std::string operator()(std::nullptr_t) const { return "null"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const query::Digits& number) const { return number.text; }
  };
  return std::visit(Visitor{}, value);
}

}  // namespace

World::World(Timestamp start, const WorldOptions& options)
    : options_(options),
      hands_(start),
      store_(log::make_memory_store(
          clock_, {.gaps = options.gaps ? std::optional(kGapsSeed) : std::nullopt})) {}

Status World::start(DataflowFile file, plan::Functions functions) {
  file_ = std::move(file);
  functions_ = std::move(functions);
  return restart();
}

Status World::restart() {
  api_.reset();
  engine_.reset();
  told_.clear();
  GF_ASSIGN(engine_, runtime::Engine::open(file_.graph, functions_, *store_,
                                           {.threads = options_.threads,
                                            .epoch_bytes_small = 0,  // on all threads, always
                                            .clock = &clock_}));
  api_ = std::make_unique<api::Api>(*store_, engine_.get(), clock_);
  return {};
}

Status World::append(const std::string& topic, std::uint32_t partition,
                     const std::optional<std::string>& key,
                     const std::vector<std::string>& values) {
  GF_ASSIGN(const log::TopicInfo info, store_->topic(topic));
  log::Append append{info.id, partition, {}};
  for (const std::string& value : values) append.batch.add(clock_.now(), key, value);
  log::Commit commit;
  commit.appends.push_back(std::move(append));
  GF_TRY(store_->commit(std::move(commit)));
  return {};
}

Status World::run() {
  for (;;) {
    GF_ASSIGN(const runtime::EpochResult result, engine_->run_epoch());
    if (result == runtime::EpochResult::kIdle) return tell_stopped();
  }
}

// Of services that have stopped since the last run, the first.
Status World::tell_stopped() {
  for (const runtime::ServiceStats& stats : engine_->stats().services) {
    if (!stats.stopped || !told_.insert(stats.name).second) continue;
    runtime::Stop stop = *stats.stopped;
    if (options_.gaps && !stop.topic.empty()) {
      if (const auto number = without_gaps(stop.topic, stop.partition, stop.offset))
        stop.offset = {*number};
    }
    return fail(ErrorCode::kOperatorFailed, runtime::to_text(stats.name, stop));
  }
  return {};
}

// What an offset would be without gaps. Nothing: there is no such record.
std::optional<std::uint64_t> World::without_gaps(std::string_view topic, std::uint32_t partition,
                                                 record::Offset offset) const {
  const auto info = store_->topic(topic);
  if (!info) return std::nullopt;
  const auto read = store_->read(info->id, partition, {0}, SIZE_MAX);
  if (!read) return std::nullopt;
  std::size_t before = 0;
  for (const auto& batch : read->batches) before += batch->index_of(offset);
  return before;
}

void World::fail_next_commits(std::uint32_t count) {
  store_->fail_next_commits(count, ErrorCode::kDiskFull);
}

Result<std::vector<std::string>> World::new_records(const std::string& topic) {
  GF_ASSIGN(std::vector<KeyedRecord> records, new_keyed_records(topic));
  std::vector<std::string> values;
  values.reserve(records.size());
  for (KeyedRecord& record : records) values.push_back(std::move(record.value));
  return values;
}

Result<std::vector<World::KeyedRecord>> World::new_keyed_records(const std::string& topic) {
  GF_ASSIGN(const log::TopicInfo info, store_->topic(topic));
  // A dead letter tells the offset of its record: where there are gaps, what it would be without.
  const bool tells_offsets = options_.gaps && topic == file_.graph->dead_letter_topic;
  std::vector<KeyedRecord> records;
  for (std::uint32_t partition = 0; partition < info.config.partitions; ++partition) {
    record::Offset& seen = seen_[{topic, partition}];
    GF_ASSIGN(const log::ReadResult read, store_->read(info.id, partition, seen, SIZE_MAX));
    for (const auto& batch : read.batches) {
      for (std::size_t i = batch->index_of(seen); i < batch->size(); ++i) {
        const auto record = (*batch)[i];
        std::string value(record.value);
        records.push_back({record.key ? std::optional<std::string>(*record.key) : std::nullopt,
                           tells_offsets ? as_without_gaps(std::move(value)) : std::move(value)});
      }
    }
    seen = read.next;
  }
  return records;
}

std::string World::as_without_gaps(std::string record) const {
  constexpr std::string_view kTopic = ",\"topic\":\"",
                             kPartition = "\",\"partition\":", kOffset = ",\"offset\":";
  const std::size_t topic = record.find(kTopic), partition = record.find(kPartition),
                    offset = record.find(kOffset);
  if (topic > partition || partition > offset || offset == std::string::npos) return record;
  const auto text = [&record](std::size_t begin, std::size_t end) {
    return record.substr(begin, end - begin);
  };
  const std::size_t number = offset + kOffset.size(), end = record.find(',', number);
  const auto from = to_number<std::uint32_t>(text(number, end));
  const auto in = to_number<std::uint32_t>(text(partition + kPartition.size(), offset));
  if (!from || !in) return record;
  const auto before = without_gaps(text(topic + kTopic.size(), partition), *in, {*from});
  if (!before) return record;
  return record.replace(number, end - number, std::to_string(*before));
}

Result<query::Answer> World::answer(const std::string& sql) const {
  return api_->sql(sql, {});
}

Result<std::vector<std::string>> World::query(const std::string& sql) const {
  GF_ASSIGN(const query::Answer found, answer(sql));
  std::vector<std::string> rows;
  for (const auto& row : found.rows) {
    std::vector<std::string> cells;
    std::ranges::transform(row, std::back_inserter(cells), text_of);
    rows.push_back(fmt::format("{}", fmt::join(cells, " ")));
  }
  return rows;
}

Result<std::map<std::string, std::uint64_t>> World::counters(const std::string& service) const {
  for (const runtime::ServiceStats& stats : engine_->stats().services) {
    if (stats.name != service) continue;
    return std::map<std::string, std::uint64_t>{{"in", stats.records_in},
                                                {"out", stats.records_out},
                                                {"late", stats.records_late},
                                                {"dead", stats.records_dead},
                                                {"future", stats.records_future},
                                                {"expired", stats.records_expired},
                                                {"skipped", stats.records_skipped},
                                                {"stopped", stats.stopped ? 1 : 0},
                                                {"open", stats.windows_open},
                                                {"closed", stats.windows_closed},
                                                {"early", stats.results_early},
                                                {"corrected", stats.results_corrected},
                                                {"fallbacks", stats.timestamp_fallbacks}};
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("there is no service '{}'", service));
}

}  // namespace gameflow::app::flow_test
