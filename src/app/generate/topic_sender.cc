#include "app/generate/topic_sender.h"

#include <string>

#include <fmt/format.h>

#include "app/terminal.h"

namespace gameflow::app {

Result<TopicSender> TopicSender::open(const GenerateOptions& options, generate::EventKind kind,
                                      Counters& counters) {
  TopicSender sender(kind, counters);
  GF_ASSIGN(sender.http_, client::HttpClient::open(options.server));
  const bool random_id = options.producer_id.empty();
  sender.producer_ = std::make_unique<client::Producer>(
      *sender.http_,
      client::ProducerOptions{
          .topic = std::string(generate::topic_of(kind)),
          .key_field = std::string(generate::key_field_of(kind)),
          .id = random_id ? client::random_producer_id("generate") : options.producer_id,
          .id_is_random = random_id,
          .tell = print_note,
          .retrying = [&counters] { ++counters.retries; }});
  return sender;
}

Status TopicSender::send(std::string_view lines, std::uint64_t count, const std::stop_token& stop) {
  GF_ASSIGN(const client::SendReport report, producer_->send(lines, count, stop));
  counters_->sent += report.accepted + report.duplicates;
  counters_->rejected += report.rejected;
  if (!report.errors.empty() && !told_rejected_ && counters_->rejected > counters_->corrupt) {
    told_rejected_ = true;
    print_note(fmt::format("topic {} rejects events: {} {}", generate::topic_of(kind_),
                           report.errors[0].field, report.errors[0].message));
  }
  return {};
}

}  // namespace gameflow::app
