#include "api/topic_tables.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "api/system_tables.h"
#include "base/ascii.h"
#include "record/type.h"

namespace gameflow::api {
namespace {

using record::Offset;

class LogReader final : public query::TopicReader {
 public:
  LogReader(const log::Store& store, std::string topic) : store_(store), topic_(std::move(topic)) {}

  Result<std::vector<Range>> partitions() const override {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(topic_));
    std::vector<Range> ranges;
    for (const log::PartitionInfo& partition : info.partitions)
      ranges.push_back({partition.begin, partition.end});
    return ranges;
  }

  // The log finds records by when they were appended, which their own times are only so far from.
  Result<Range> narrow(std::uint32_t partition, Range range, Timestamp from,
                       Timestamp to) const override {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(topic_));
    const auto spread = info.partitions.at(partition).spread;
    if (!spread) return range;
    const auto is_bound = [](Timestamp time) { return -kFar <= time.ms && time.ms <= kFar; };
    if (is_bound(from)) {
      GF_ASSIGN(const Offset first, store_.find_appended(info.id, partition, from - spread->ahead));
      range.begin = std::max(range.begin, first);
    }
    if (is_bound(to)) {
      GF_ASSIGN(const Offset end,
                store_.find_appended(info.id, partition, to + spread->behind + Duration{1}));
      range.end = std::min(range.end, end);
    }
    return range;
  }

  Result<std::vector<record::BatchPtr>> read(std::uint32_t partition, Offset from,
                                             std::size_t bytes) const override {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(topic_));
    // Retention may have taken records since the query began; that is no fault of the query.
    const log::PartitionInfo& now = info.partitions.at(partition);
    if (from >= now.end) return std::vector<record::BatchPtr>{};
    GF_ASSIGN(log::ReadResult result,
              store_.read(info.id, partition, std::max(from, now.begin), bytes));
    return std::move(result.batches);
  }

  Result<record::BatchPtr> read_before(std::uint32_t partition, Offset end) const override {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(topic_));
    const Offset begin = info.partitions.at(partition).begin;
    // There may be no record just before `end`: further back each time.
    for (std::uint64_t step = 1; end > begin; step *= 2) {
      const Offset from{end.value - std::min(step, end.value - begin.value)};
      GF_ASSIGN(const log::ReadResult result, store_.read(info.id, partition, from, kOneBatch));
      if (!result.batches.empty() && result.batches.front()->base_offset() < end)
        return last_before(info.id, partition, end, result.batches.front());
      if (from == begin) break;
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t kOneBatch = 1;
  // Farther from 1970 is no time of an event: nothing was said of it.
  static constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / 4;

  // A step back may have left batches out.
  Result<record::BatchPtr> last_before(log::TopicId id, std::uint32_t partition, Offset end,
                                       record::BatchPtr batch) const {
    while (batch->end_offset() < end) {
      GF_ASSIGN(const log::ReadResult result,
                store_.read(id, partition, batch->end_offset(), kOneBatch));
      if (result.batches.empty() || result.batches.front()->base_offset() >= end) break;
      batch = result.batches.front();
    }
    return batch;
  }

  const log::Store& store_;
  const std::string topic_;
};

std::string name_in_sql(std::string_view topic) {
  std::string name(topic);
  std::ranges::replace_if(
      name, [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

}  // namespace

std::vector<TopicName> topic_names(const plan::Graph& graph,
                                   const std::vector<std::string>& taken) {
  std::vector<TopicName> all;
  std::set<std::string> names;
  for (const std::string& name : taken) names.insert(lower_case(name));
  const auto add_topic = [&](const std::string& topic, const record::Type* type) {
    const auto add = [&](const std::string& name) {
      const bool is_free = names.insert(lower_case(name)).second;
      if (is_free) all.push_back({name, topic, type});
      return is_free;
    };
    const std::string name = name_in_sql(topic);
    if (!add(name)) add("topic__" + name);
    if (name != topic) add(topic);
  };
  bool has_dead_letters = graph.dead_letter_topic.empty();
  for (const plan::Topic& topic : graph.topics) {
    if (topic.type == nullptr) continue;
    add_topic(topic.name, topic.type);
    has_dead_letters = has_dead_letters || topic.name == graph.dead_letter_topic;
  }
  if (!has_dead_letters) add_topic(graph.dead_letter_topic, dead_letter_type());
  return all;
}

TopicTables::TopicTables(const std::vector<TopicName>& names, const log::Store& store,
                         std::vector<query::Topic> system) {
  for (const TopicName& name : names) {
    const auto [first, is_new] = first_.emplace(name.topic, topics_.size());
    if (is_new) readers_.push_back(std::make_unique<LogReader>(store, name.topic));
    topics_.push_back({name.name, name.type, readers_.back().get()});
  }
  std::ranges::move(system, std::back_inserter(topics_));
}

TopicTables::~TopicTables() = default;

const query::Topic* TopicTables::find(std::string_view topic) const {
  const auto found = first_.find(topic);
  return found == first_.end() ? nullptr : &topics_[found->second];
}

const query::Topic* TopicTables::find_table(std::string_view name) const {
  const auto found = std::ranges::find_if(
      topics_, [&](const query::Topic& topic) { return lower_case(topic.name) == name; });
  return found == topics_.end() ? nullptr : &*found;
}

Columns columns_of_topic(const query::Topic& topic) {
  using Source = query::TopicColumn::Source;
  Columns columns;
  for (const query::TopicColumn& column : query::columns_of(topic)) {
    const bool is_optional = std::ranges::any_of(column.path, &query::TopicColumn::Step::optional);
    columns.emplace_back(
        column.name, column.source == Source::kField
                         ? fmt::format("{}{}", to_string(column.type->kind), is_optional ? "?" : "")
                     : column.source == Source::kKey ? "string?"
                                                     : "i64");
  }
  return columns;
}

}  // namespace gameflow::api
