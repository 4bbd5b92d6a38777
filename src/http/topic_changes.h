// Tells a reader of topics that there is something to read: a line each time one has new records.
//
// Threads  belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "base/error.h"
#include "log/log.h"
#include "log/topics.h"
#include "serve/messages.h"

namespace gameflow::http {

class TopicChanges final : public serve::Messages {
 public:
  // `names` with commas between them. kInvalidArgument: there are none, or too many;
  // kTopicNotFound.
  static Result<std::unique_ptr<TopicChanges>> open(const api::Api& api, std::string_view names);

  std::vector<log::TopicId> topics() const;

  // `{"topic":"NAME"}` and a line end; first one for each topic, then for those that have got
  // records since their last one. Ends once a topic is deleted.
  Result<serve::Message> next() override;

 private:
  struct Topic {
    log::TopicId id;
    std::string name;
    std::size_t partitions;
    std::vector<log::Offset> ends;  // as told; none yet at first
  };
  explicit TopicChanges(const log::Log& log) : log_(log) {}

  const log::Log& log_;
  std::vector<Topic> topics_;
  std::string text_;
};

}  // namespace gameflow::http
