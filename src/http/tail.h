// A cursor over a topic: what a WebSocket client is sent, one message at a time.
//
// It holds positions and at most one batch, never a queue: whoever pulls slowly costs nothing.
//
// Threads  belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/api.h"
#include "base/error.h"
#include "base/time.h"
#include "log/log.h"
#include "log/topics.h"
#include "record/type.h"
#include "serve/request.h"

namespace gameflow::http {

// Where to start in a partition: `offset=beginning|end|N|-N|@TIME|@-DURATION`.
struct Position {
  enum class Kind : std::uint8_t { kBeginning, kEnd, kAt, kLast, kTime } kind = Kind::kBeginning;
  std::uint64_t number = 0;  // kAt: the offset; kLast: how many offsets before the end
  Timestamp time{};          // kTime: with the batch that was appended then, or later

  // Errors as Log::read.
  Result<log::Offset> in(const log::Log& log, const log::TopicInfo& topic,
                         std::uint32_t partition) const;
};
// From the parameters offset or from, which is a time without the `@`. kInvalidArgument.
Result<Position> position_of(const serve::Request& request, Timestamp now);

struct TailOptions {
  enum class Format : std::uint8_t { kValue, kRecord } format = Format::kValue;
  Position start;
  std::optional<std::uint32_t> partition;            // only this one
  std::map<std::uint32_t, std::uint64_t> positions;  // for these partitions instead of `start`

  // From the parameters offset, from, tail, partition, offsets and format. kInvalidArgument.
  static Result<TailOptions> parse(const serve::Request& request, Timestamp now);
};

class Tail {
 public:
  // kTopicNotFound; kInvalidArgument: no such partition
  static Result<Tail> open(const api::Api& api, std::string_view topic, const TailOptions& options);

  // The next message; nothing at the end of all partitions for now. The view is good until the next
  // call. Where a position is gone (retention, or the data folder is another one) it goes on at the
  // begin of the partition and, in record format, says so in a message first.
  //   kTopicNotFound  the topic was deleted
  Result<std::optional<std::string_view>> next();

  log::TopicId topic() const { return topic_; }

 private:
  struct Cursor {
    std::uint32_t partition;
    log::Offset next;
  };
  Tail(const log::Log& log, log::TopicId topic, TailOptions::Format format,
       std::optional<record::Kind> raw)
      : log_(&log), topic_(topic), format_(format), raw_(raw) {}
  // Reads more of some partition into batch_; a message if there is something to say about it.
  Result<std::optional<std::string_view>> refill();

  const log::Log* log_;
  log::TopicId topic_;
  TailOptions::Format format_;
  std::optional<record::Kind> raw_;  // as of the topic
  std::vector<Cursor> cursors_;
  std::size_t turn_ = 0;  // the cursor that batch_ belongs to; partitions take turns
  log::BatchPtr batch_;   // the batch being sent, from its record number index_ on
  std::size_t index_ = 0;
  std::string text_;
};

}  // namespace gameflow::http
