#include "runtime/output.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "plan/graph.h"
#include "record/batch.h"
#include "record/codec.h"
#include "runtime/keyed.h"
#include "runtime/sinks.h"
#include "runtime/writer.h"
#include "state/layout.h"
#include "window/assigner.h"

namespace gameflow::runtime {
namespace {

// What goes to many windows may fail in each of them, and what meets many events with each.
void tell_once(std::vector<FailedUpdate>& failed) {
  const auto what = [](const FailedUpdate& f) {
    return std::tie(f.delivery, f.number, f.op, f.reason);
  };
  std::ranges::stable_sort(failed, {}, what);
  const auto is_same = [&](const auto& a, const auto& b) { return what(a) == what(b); };
  failed.erase(std::unique(failed.begin(), failed.end(), is_same), failed.end());
}

// In one order, whatever ran on which thread: by input and offset, then in the order of the
// functions; of what one record has become, in the order in which it left the chain.
std::vector<DeadLetter> collect_dead(const Service& service, ServiceEpoch& part) {
  struct Failed {
    std::uint32_t delivery;
    record::Offset offset;
    std::uint32_t number;
    DeadLetter letter;
  };
  std::vector<Failed> failed;
  for (std::uint32_t d = 0; d < part.deliveries.size(); ++d) {
    for (DeadLetter& letter : part.deliveries[d]->dead)
      failed.push_back({d, letter.origin->offset.value(), 0, std::move(letter)});
  }
  for (ShardOutcome& outcome : part.outcomes) {
    const bool may_repeat = service.join || service.keyed->assigner.is_copied();
    if (may_repeat && !outcome.failed.empty()) tell_once(outcome.failed);
    for (FailedUpdate& update : outcome.failed) {
      const Delivery& delivery = *part.deliveries[update.delivery];
      const Origin origin = delivery.chunk->origin(update.record);
      failed.push_back({update.delivery, origin.offset(), update.number,
                        dead_letter(service.name, update.op, *delivery.chunk, origin,
                                    std::move(update.reason))});
    }
  }
  std::ranges::stable_sort(
      failed, {}, [](const Failed& f) { return std::tie(f.delivery, f.offset, f.number); });
  std::vector<DeadLetter> letters = std::move(part.expired_dead);
  for (Failed& f : failed) letters.push_back(std::move(f.letter));
  for (const FlushedPtr& flushed : part.flushed)
    letters.insert(letters.end(), flushed->dead.begin(), flushed->dead.end());
  return letters;
}

// In order of the records, whatever shard they went to.
std::vector<ShardOutcome::Late> late_for_sessions(const ServiceEpoch& part) {
  std::vector<ShardOutcome::Late> late;
  for (const ShardOutcome& outcome : part.outcomes)
    late.insert(late.end(), outcome.late.begin(), outcome.late.end());
  std::ranges::sort(late, {}, [](const auto& one) { return std::tie(one.delivery, one.record); });
  return late;
}

std::uint64_t& counter_of(window::Kind kind, Counters& counters) {
  switch (kind) {
    case window::Kind::kEarly:
      return counters.results_early;
    case window::Kind::kCorrected:
      return counters.results_corrected;
    case window::Kind::kFinal:
      break;
  }
  return counters.windows_closed;
}

// The results are many where sessions end, and stay where they are until they are columns.
void write_results(const Service& service, ServiceEpoch& part, Writer& out) {
  Counters& counters = part.after.counters;
  std::size_t count = 0;
  for (const FlushedPtr& flushed : part.flushed) count += flushed->records.size();
  out.seal();  // a batch is of copies or of what is lent
  out.expect(count);
  for (const FlushedPtr& flushed : part.flushed) {
    const auto number =
        static_cast<std::uint64_t>(service.keyed->assigner.window_number(flushed->window.start));
    for (const Flushed::Record& record : flushed->records)
      out.lend(service.sinks[record.sink].target, number, record.time, record.key, record.value,
               {});
    counters.records_out += flushed->records.size();
    counter_of(flushed->kind, counters) += flushed->windows;
  }
  out.seal();
}

}  // namespace

void write_output(const Service& service, Timestamp now, ServiceEpoch& part, log::Commit& commit) {
  Writer out;
  Counters& counters = part.after.counters;
  for (const DeadLetter& letter : collect_dead(service, part)) {
    if (service.on_error == plan::ErrorPolicy::kSkip) {
      ++counters.records_skipped;
      continue;
    }
    out.add(service.dead_letters, letter.origin ? letter.origin->partition : 0, now, std::nullopt,
            to_json(letter));
    ++counters.records_dead;
  }
  write_results(service, part, out);
  const std::vector<ShardOutcome::Late> late = late_for_sessions(part);
  counters.records_late += late.size();
  for (std::uint32_t d = 0; d < part.deliveries.size(); ++d) {
    Delivery& delivery = *part.deliveries[d];
    counters.records_out += delivery.records_out;
    out.append(std::move(delivery.out));
    if (service.late() == nullptr) continue;
    const auto add = [&](const Origin& origin) {
      const record::RecordView record = origin.record();
      out.add(*service.late(), delivery.chunk->source().partition, record.timestamp, record.key,
              record.value);
    };
    for (const Origin& origin : delivery.placement->late) add(origin);
    auto one = std::ranges::lower_bound(late, d, {}, &ShardOutcome::Late::delivery);
    std::optional<std::uint32_t> last;  // with a flat-map several are of one record
    for (; one != late.end() && one->delivery == d; ++one) {
      if (last != one->record) add(delivery.chunk->origin(one->record));
      last = one->record;
    }
  }
  out.append(std::move(part.expired_out));
  counters.records_out += part.expired_records_out;
  out.move_to(commit.appends);
}

std::optional<Stop> first_failure(const Service& service, const ServiceEpoch& part) {
  for (std::uint32_t d = 0; d < part.deliveries.size(); ++d) {
    const Delivery& delivery = *part.deliveries[d];
    std::optional<DeadLetter> first;
    const auto take = [&first](const DeadLetter& letter) {
      if (!first || letter.origin->offset < first->origin->offset) first = letter;
    };
    for (const DeadLetter& letter : delivery.dead) take(letter);
    for (const ShardOutcome& outcome : part.outcomes) {
      for (const FailedUpdate& update : outcome.failed) {
        if (update.delivery == d)
          take(dead_letter(service.name, update.op, *delivery.chunk,
                           delivery.chunk->origin(update.record), update.reason));
      }
    }
    if (first) return stop_at(*first);
  }
  if (!part.expired_dead.empty()) return stop_at(part.expired_dead.front());
  for (const FlushedPtr& flushed : part.flushed) {
    if (!flushed->dead.empty()) return stop_at(flushed->dead.front());
  }
  return std::nullopt;
}

void write_keyed_outputs(const Service& service, std::uint32_t delivery, RowReader* reader,
                         StepScratch& scratch, ServiceEpoch& part) {
  std::vector<KeyedOutput> outputs;
  for (const ShardOutcome& outcome : part.outcomes) {
    auto output =
        std::ranges::lower_bound(outcome.outputs, delivery, {}, &ShardOutcome::Output::delivery);
    for (; output != outcome.outputs.end() && output->delivery == delivery; ++output)
      outputs.push_back(output->output);
  }
  // In the order in which they left the chain, where one record may have made several that went to
  // different shards; what each gave came from one shard, in its order.
  std::ranges::stable_sort(outputs, {}, &KeyedOutput::number);
  if (!outputs.empty())
    write_outputs(service, outputs, reader, scratch, *part.deliveries[delivery]);
}

namespace {

// Rows that ran out have no record: their time is when they did, and those of one key stay in
// order.
class ExpiredTaker final : public SinkTaker {
 public:
  ExpiredTaker(const Service& service, const std::vector<const ExpiredRow*>& rows,
               ServiceEpoch& part)
      : service_(service), rows_(rows), part_(part) {}

  std::optional<std::string_view> key_of(std::uint32_t) const override { return std::nullopt; }
  void take(const BoundSink& sink, std::uint32_t number, const void* value,
            std::optional<std::string_view> key) override {
    json_.clear();
    record::encode_json(*sink.type, value, json_);
    const ExpiredRow& row = *rows_[number];
    part_.expired_out.add(sink.target, state::hash_key(row.key.view()), row.at, key, json_);
    ++part_.expired_records_out;
  }
  void fail(std::string_view op, std::uint32_t number, std::string reason) override {
    fail(op, *rows_[number], std::move(reason));
  }
  void fail(std::string_view op, const ExpiredRow& row, std::string reason) {
    DeadLetter& letter = part_.expired_dead.emplace_back(DeadLetter{.service = service_.name,
                                                                    .op = op,
                                                                    .field = {},
                                                                    .reason = std::move(reason),
                                                                    .origin = std::nullopt,
                                                                    .window_start = std::nullopt});
    if (!service_.join) return;
    letter.subject =
        fmt::format("a left event without a right one, of {}", format_timestamp(row.at));
  }

 private:
  const Service& service_;
  const std::vector<const ExpiredRow*>& rows_;
  ServiceEpoch& part_;
  std::string json_;
};

}  // namespace

void write_expired(const Service& service, RowReader* reader, StepScratch& scratch,
                   ServiceEpoch& part) {
  std::vector<const ExpiredRow*> rows;
  for (const ShardOutcome& outcome : part.outcomes) {
    for (const ExpiredRow& row : outcome.expired) rows.push_back(&row);
  }
  if (rows.empty()) return;
  std::ranges::stable_sort(rows, {}, [](const ExpiredRow* row) {
    return std::tuple(row->at, row->key.view(), row->state);
  });
  std::vector<const ExpiredRow*> made;
  scratch.sinks.clear();
  for (const ExpiredRow* const row : rows) {
    if (row->made.value == nullptr) continue;
    scratch.sinks.add(row->made);
    scratch.sinks.row_keys.push_back(row->key);
    made.push_back(row);
  }
  ExpiredTaker taker(service, made, part);
  for (const ExpiredRow* const row : rows) {
    if (row->made.value == nullptr) taker.fail(row->op, *row, row->reason);
  }
  record::BlockArena arena;
  part.expired_counts.resize(service.operators.size());
  run_sinks(service, scratch.sinks, arena, reader, taker, part.expired_counts);
}

}  // namespace gameflow::runtime
