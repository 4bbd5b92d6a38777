// Sends the events of one topic, and counts them.
//
// Threads  one.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>

#include "app/client_commands.h"
#include "app/generate/progress.h"
#include "base/error.h"
#include "client/http_client.h"
#include "client/producer.h"
#include "generate/event_kind.h"

namespace gameflow::app {

class TopicSender {
 public:
  // `counters` outlive it. As HttpClient::open().
  static Result<TopicSender> open(const GenerateOptions& options, generate::EventKind kind,
                                  Counters& counters);

  // How many events earlier runs of this producer have sent. As Producer::resume().
  Result<std::uint64_t> resume(const std::stop_token& stop) { return producer_->resume(stop); }
  // As Producer::send(). That the topic rejects events is told once.
  Status send(std::string_view lines, std::uint64_t count, const std::stop_token& stop);

 private:
  TopicSender(generate::EventKind kind, Counters& counters) : kind_(kind), counters_(&counters) {}

  generate::EventKind kind_;
  Counters* counters_;
  std::unique_ptr<client::Http> http_;
  std::unique_ptr<client::Producer> producer_;
  bool told_rejected_ = false;
};

}  // namespace gameflow::app
