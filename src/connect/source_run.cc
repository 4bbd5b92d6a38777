// From a source into topics. A batch, the number of its first record and the position behind it
// are one request, which is one commit: wherever this process ends, it goes on from there.
#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "client/json_text.h"
#include "client/record_line.h"
#include "connect/attempts.h"
#include "connect/dead_letter.h"
#include "connect/router.h"
#include "connect/server.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kPollMax{500};
// A request has at most 8 MiB.
constexpr std::size_t kRequestBytesMax = (8U << 20) - 4096;
constexpr std::size_t kPositionBytesMax = 4096;
// Rejected records that are told one by one.
constexpr std::uint64_t kRejectedToldMax = 5;

class SourceRun {
 public:
  explicit SourceRun(Run& run) : run_(run), host_(run), server_(run) {}

  Status run();

 private:
  Status live(const std::function<void()>& is_well);
  Result<bool> gather(Source& source);
  Status add(std::vector<Record> records);
  Status store(Source& source);
  Status store_left_out(const Stored& stored);
  Status store_letters(const Stored& stored);
  Status check_topics();

  Run& run_;
  RunHost host_;
  Server server_;
  std::unique_ptr<Router> router_;
  std::string dead_letter_topic_;
  // What is stored next.
  std::uint64_t records_ = 0;           // of the source
  std::vector<std::string> positions_;  // of the batches in it
  std::size_t bytes_ = 0;
  std::string position_;  // the last one that is stored
  // Thrown while records were gathered: once these are stored.
  std::exception_ptr pending_;
  std::uint64_t told_ = 0, collisions_ = 0;
};

Status SourceRun::check_topics() {
  for (const std::string& topic : run_.connector.topics) GF_TRY(server_.check_topic(topic));
  if (!run_.connector.route) return {};
  for (const auto& [value, topic] : run_.connector.route->topics)
    GF_TRY(server_.check_topic(topic));
  return {};
}

// Whether there is something to store.
Result<bool> SourceRun::gather(Source& source) {
  if (pending_) std::rethrow_exception(std::exchange(pending_, nullptr));
  records_ = 0;
  positions_.clear();
  router_->clear();
  bytes_ = 0;
  const auto begin = SteadyClock::now();
  const milliseconds linger{run_.connector.linger.ms};
  do {
    const std::size_t room = run_.connector.batch_bytes - router_->lines().size();
    Batch batch;
    try {
      batch = source.poll(records_ == 0 ? kPollMax : std::min(linger, kPollMax), room);
    } catch (const std::exception&) {
      if (records_ == 0) throw;
      pending_ = std::current_exception();
      break;
    }
    if (batch.records.empty()) {
      if (!batch.position.empty() && batch.position != position_)
        positions_.push_back(std::move(batch.position));
      if (records_ == 0) break;
      continue;
    }
    GF_TRY(add(std::move(batch.records)));
    positions_.push_back(std::move(batch.position));
  } while (linger.count() > 0 && router_->lines().size() < run_.connector.batch_bytes &&
           SteadyClock::now() - begin < linger && !run_.stop.stop_requested());
  run_.progress.set_lag(source.lag());
  return records_ > 0 || !positions_.empty();
}

Status SourceRun::add(std::vector<Record> records) {
  records_ += records.size();
  for (const Record& record : records) bytes_ += record.value.size();
  std::vector<std::string> letters;
  if (run_.transform != nullptr) {
    GF_ASSIGN(Transformed made, run_.transform->apply(std::move(records)));
    records = std::move(made.records);
    letters = std::move(made.dead_letters);
  }
  for (const Record& record : records) router_->add(record);
  for (const std::string& letter : letters) router_->add_letter(letter);
  return {};
}

// Lines that the server left out as known though nobody sent them twice: another process produces
// under this name, or a request of one that was killed came late. Of a source that can go back they
// are the same records; of another one they are records that were never stored.
Status SourceRun::store_left_out(const Stored& stored) {
  if (++collisions_ > 3) {
    return fail(ErrorCode::kSequenceGap,
                fmt::format("another process produces as connector '{}': stop it, or give one of "
                            "them another name",
                            run_.connector.name));
  }
  if (!positions_.back().empty()) return {};
  std::string lines;
  const std::size_t count = std::min(router_->count(), static_cast<std::size_t>(stored.known));
  for (std::size_t i = 0; i < count; ++i) lines += router_->line(i);
  GF_ASSIGN(const Stored again, server_.store(lines, count, ""));
  return {};
}

// The server counts from the line that it was sent.
std::string_view field_of_value(std::string_view field) {
  constexpr std::string_view kValue = "value";
  if (field.starts_with(kValue)) field.remove_prefix(kValue.size());
  if (field.starts_with('.')) field.remove_prefix(1);
  return field;
}

// What a topic does not take. These are told after the fact: a crash in between leaves only the
// count in the log.
Status SourceRun::store_letters(const Stored& stored) {
  std::string letters;
  std::size_t count = 0;
  for (const RejectedLine& error : stored.errors) {
    if (error.index >= router_->count()) continue;
    const std::string_view line = router_->line(error.index);
    if (told_++ < kRejectedToldMax) {
      run_.tell(run_.redact(fmt::format("a record is rejected: {}{}{}", error.field,
                                        error.field.empty() ? "" : ": ", error.message)));
    }
    if (router_->is_dead(error.index)) continue;  // there is no such topic
    GF_ASSIGN(const client::RecordLine sent,
              client::parse_record_line(line.substr(0, line.size() - 1)));
    const std::string topic = client::text_at(sent.head, "topic");
    const std::string key = client::text_at(sent.head, "key");
    const bool has_key = !sent.head.at("key").is_null();
    append_dead_letter({.connector = run_.connector.name,
                        .code = error.code,
                        .field = field_of_value(error.field),
                        .reason = error.message,
                        .topic = topic,
                        .key = has_key ? std::optional<std::string_view>(key) : std::nullopt,
                        .value = sent.value},
                       dead_letter_topic_, letters);
    ++count;
  }
  if (count == 0) return {};
  GF_ASSIGN(const Stored ignored, server_.store(letters, count, positions_.back()));
  return {};
}

Status SourceRun::store(Source& source) {
  const std::string& position = positions_.back();
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; };
  if (position.size() > kPositionBytesMax || std::ranges::any_of(position, is_control)) {
    return fail(ErrorCode::kInternal,
                fmt::format("the source's position, of {} bytes, cannot be stored: it may have {} "
                            "and no control characters",
                            position.size(), kPositionBytesMax));
  }
  if (router_->lines().size() > kRequestBytesMax) {
    return fail(ErrorCode::kPayloadTooLarge,
                fmt::format("a batch of the source has {} bytes as a request, the limit is {}: "
                            "lower 'batch-size', or what a record may have",
                            router_->lines().size(), kRequestBytesMax));
  }
  auto stored = server_.store(router_->lines(), router_->count(), position);
  if (!stored) {
    if (stored.error().code != ErrorCode::kSequenceGap) return fail(std::move(stored).error());
    // The server knows another number: its data was removed, or taken from a copy.
    const auto known = server_.resume();
    if (!known) return fail(known.error());
    if (!position.empty()) throw Retry("the server has another position of this connector");
    run_.tell("the server has lost what it knew of this connector: was its data removed?");
    stored = server_.store(router_->lines(), router_->count(), position);
    if (!stored) return fail(std::move(stored).error());
  }
  if (stored->known > 0 && !stored->was_repeated) GF_TRY(store_left_out(*stored));
  if (stored->rejected > 0) GF_TRY(store_letters(*stored));
  run_.progress.add(
      {.records = records_, .bytes = bytes_, .rejected = router_->count_dead() + stored->rejected});
  position_ = position;
  if (records_ == 0) return {};
  for (const std::string& each : positions_) source.committed(each);
  return {};
}

Status SourceRun::live(const std::function<void()>& is_well) {
  run_.progress.set_state(State::kStarting);
  pending_ = nullptr;
  GF_ASSIGN(position_, server_.resume());
  const Opened source(run_.connector.kind.make_source(run_.connector.settings, host_));
  source->open(position_);
  while (!run_.stop.stop_requested()) {
    GF_ASSIGN(const bool has_more, gather(*source));
    if (!has_more) {
      run_.progress.set_state(State::kRunning);
      continue;
    }
    GF_TRY(store(*source));
    is_well();
  }
  return {};
}

Status SourceRun::run() {
  GF_TRY(check_topics());
  GF_ASSIGN(dead_letter_topic_, server_.dead_letter_topic());
  router_ = std::make_unique<Router>(run_.connector, dead_letter_topic_);
  return attempt_until_stopped(run_, [this](const auto& is_well) { return live(is_well); });
}

}  // namespace

Status run_source(Run& run) {
  return SourceRun(run).run();
}

}  // namespace gameflow::connect
