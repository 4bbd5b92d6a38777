// From topics into a sink. Where to go on is kept by the other side, if it can, and else stored
// here once the sink has said that all is durable.
#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "connect/attempts.h"
#include "connect/dead_letter.h"
#include "connect/server.h"
#include "connect/support/positions_json.h"
#include "connect/topic_reader.h"

namespace gameflow::connect {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// What comes while the sink is slow is waited for as long as it takes for a batch, up to this: then
// it has fewer and larger ones, and one that is quick has its records at once.
constexpr milliseconds kGatherMax{100};
// How often a position is noted that the other side keeps, too.
constexpr milliseconds kNoteEvery{1'000};

class SinkRun {
 public:
  explicit SinkRun(Run& run)
      : run_(run),
        host_(run),
        server_(run),
        reader_(server_, run.connector.topics, run.connector.partition,
                run.connector.kind.takes_bytes, run.tell) {}

  Status run();

 private:
  Status live(const std::function<void()>& is_well);
  Status deliver(Sink& sink, std::span<const Delivery> records, bool is_kept_there);
  Status commit(Sink& sink, const std::string& letters, std::size_t count, bool is_kept_there);

  Run& run_;
  RunHost host_;
  Server server_;
  TopicReader reader_;
  std::string dead_letter_topic_;
  Positions done_;    // behind what is durable
  Positions stored_;  // what the server knows
  SteadyClock::time_point noted_at_;
};

// Dead letters go with the position behind their records in one commit, so that none comes twice:
// before the sink's commit where that keeps the position (then a crash between the two repeats the
// records, and the letters are known), else after it.
Status SinkRun::commit(Sink& sink, const std::string& letters, std::size_t count,
                       bool is_kept_there) {
  const auto note = [&]() -> Status {
    const auto stored = server_.store(letters, count, to_json(done_));
    if (!stored && stored.error().code == ErrorCode::kSequenceGap)
      throw Retry("the server has another position of this connector");
    if (!stored) return fail(stored.error());
    stored_ = done_;
    noted_at_ = SteadyClock::now();
    return {};
  };
  if (!is_kept_there) {
    sink.commit(done_);
    return note();
  }
  if (count > 0) GF_TRY(note());
  sink.commit(done_);
  return count == 0 && SteadyClock::now() - noted_at_ >= kNoteEvery ? note() : Status();
}

Status SinkRun::deliver(Sink& sink, std::span<const Delivery> records, bool is_kept_there) {
  const std::vector<Refused> refused = sink.write(records);
  std::string letters;
  std::size_t count = 0;
  for (const Refused& each : refused) {
    if (each.index >= records.size()) {
      return fail(ErrorCode::kInternal, "the sink refuses a record that it was not given");
    }
    const Delivery& record = records[each.index];
    const auto known = stored_.find({std::string(record.topic), record.partition});
    if (known != stored_.end() && record.offset < known->second) continue;
    append_dead_letter(
        {.connector = run_.connector.name,
         .code = "invalid_argument",
         .reason = run_.redact(each.reason),
         .topic = record.topic,
         .place = DeadLetter::Place{record.partition, record.offset, record.timestamp_ms},
         .key = record.key,
         .value = record.value},
        dead_letter_topic_, letters);
    ++count;
  }
  std::uint64_t bytes = 0;
  for (const Delivery& record : records) {
    bytes += record.value.size();
    done_[{std::string(record.topic), record.partition}] = record.offset + 1;
  }
  GF_TRY(commit(sink, letters, count, is_kept_there));
  run_.progress.add(
      {.records = records.size() - refused.size(), .bytes = bytes, .rejected = refused.size()});
  return {};
}

// Of what the server has stored, which is empty at first.
Result<Positions> parse_positions(std::string_view json) {
  if (json.empty()) return Positions();
  if (auto positions = positions_from_json(json)) return *std::move(positions);
  return fail(ErrorCode::kDataCorrupt,
              "the stored position of this connector is not that of a sink: another connector "
              "has had its name. Choose another one, or remove it with 'gameflow connector "
              "delete'");
}

Status SinkRun::live(const std::function<void()>& is_well) {
  run_.progress.set_state(State::kStarting);
  GF_ASSIGN(const std::string stored, server_.resume());
  GF_ASSIGN(stored_, parse_positions(stored));
  const Opened sink(run_.connector.kind.make_sink(run_.connector.settings, host_));
  const std::optional<Positions> kept = sink->open();
  done_ = kept ? *kept : stored_;
  Positions next = done_;
  run_.progress.set_state(State::kRunning);
  milliseconds took{0};  // the last page
  while (!run_.stop.stop_requested()) {
    GF_ASSIGN(const Page page, reader_.read(next, run_.connector.batch_bytes));
    if (page.records.empty()) {
      run_.wait_for_records(run_.stop);
      if (took.count() > 0) run_.pause(std::min(took, kGatherMax), run_.stop);
      continue;
    }
    const auto begin = SteadyClock::now();
    std::span<const Delivery> rest = page.records;
    while (!rest.empty() && !run_.stop.stop_requested()) {
      std::size_t count = 0, bytes = 0;
      while (count < rest.size() && bytes < run_.connector.batch_bytes)
        bytes += rest[count++].value.size();
      GF_TRY(deliver(*sink, rest.first(count), kept.has_value()));
      rest = rest.subspan(count);
      is_well();
    }
    took = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin);
  }
  return {};
}

Status SinkRun::run() {
  for (const std::string& topic : run_.connector.topics) GF_TRY(server_.check_topic(topic));
  GF_ASSIGN(dead_letter_topic_, server_.dead_letter_topic());
  return attempt_until_stopped(run_, [this](const auto& is_well) { return live(is_well); });
}

}  // namespace

Status run_sink(Run& run) {
  return SinkRun(run).run();
}

}  // namespace gameflow::connect
