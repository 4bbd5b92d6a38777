#include "http/topic_changes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"

namespace gameflow::http {
namespace {

constexpr std::size_t kTopicsMax = 100;

Result<std::vector<log::Offset>> ends_of(const log::Log& log, log::TopicId topic,
                                         std::size_t partitions) {
  std::vector<log::Offset> ends;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    GF_ASSIGN(const log::PartitionInfo info, log.partition(topic, partition));
    ends.push_back(info.end);
  }
  return ends;
}

}  // namespace

Result<std::unique_ptr<TopicChanges>> TopicChanges::open(const api::Api& api,
                                                         std::string_view names) {
  std::unique_ptr<TopicChanges> changes(new TopicChanges(api.log()));
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    GF_ASSIGN(const api::TopicDescription topic, api.topic(name));
    changes->topics_.push_back({.id = topic.info.id,
                                .name = std::string(name),
                                .partitions = topic.info.partitions.size(),
                                .ends = {}});
  }
  if (changes->topics_.empty() || changes->topics_.size() > kTopicsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("topics must be 1 to {} names with commas between them", kTopicsMax));
  }
  return changes;
}

std::vector<log::TopicId> TopicChanges::topics() const {
  std::vector<log::TopicId> ids;
  for (const Topic& topic : topics_) ids.push_back(topic.id);
  return ids;
}

Result<serve::Message> TopicChanges::next() {
  using Kind = serve::Message::Kind;
  text_.clear();
  for (Topic& topic : topics_) {
    auto ends = ends_of(log_, topic.id, topic.partitions);
    if (!ends && ends.error().code == ErrorCode::kTopicNotFound)
      return serve::Message{Kind::kEnd, "the topic was deleted"};
    if (!ends) return fail(std::move(ends).error());
    if (*ends == topic.ends) continue;
    topic.ends = std::move(*ends);
    text_ += R"({"topic":)";
    record::encode_json_string(topic.name, text_);
    text_ += "}\n";
  }
  return text_.empty() ? serve::Message{} : serve::Message{Kind::kText, text_};
}

}  // namespace gameflow::http
