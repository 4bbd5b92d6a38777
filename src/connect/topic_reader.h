// Records of topics, from given positions on, over HTTP.
//
// Threads  one.
// Errors   as Server.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gameflow/connect/connector.h>

#include "base/error.h"
#include "connect/server.h"

namespace gameflow::connect {

// Records, and what their views point into.
struct Page {
  std::deque<std::string> texts;
  std::vector<Delivery> records;
  std::size_t bytes = 0;
};

class TopicReader {
 public:
  // All outlive it. `partition`: only this one of each topic.
  // `takes_bytes`: what is read of raw topics are bytes, not JSON.
  TopicReader(Server& server, const std::vector<std::string>& topics,
              std::optional<std::uint32_t> partition, bool takes_bytes,
              std::function<void(const std::string&)> tell)
      : server_(server),
        topics_(topics),
        partition_(partition),
        takes_bytes_(takes_bytes),
        tell_(std::move(tell)) {}

  // What comes next, of every partition, until it is about `bytes`; nothing if there is nothing.
  // Moves `next`, which gets the partitions that it does not have, at their beginning.
  Result<Page> read(Positions& next, std::size_t bytes);

 private:
  struct Range {
    const std::string* topic;
    bool as_bytes;  // of what is to be read
    std::uint32_t partition;
    std::uint64_t begin, end;
  };
  Status read_partition(const Range& range, std::uint64_t& next, Page& page);

  Server& server_;
  const std::vector<std::string>& topics_;
  const std::optional<std::uint32_t> partition_;
  const bool takes_bytes_;
  const std::function<void(const std::string&)> tell_;
  std::size_t first_ = 0;  // the partition that is asked first, so that none waits for ever
};

}  // namespace gameflow::connect
