#include "runtime/output.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "record/batch.h"
#include "runtime/keyed.h"
#include "runtime/writer.h"
#include "window/assigner.h"

namespace gameflow::runtime {
namespace {

// In one order, whatever ran on which thread: by input and offset, then in the order of the
// functions.
std::vector<DeadLetter> collect_dead(const Service& service, ServiceEpoch& part) {
  struct Failed {
    std::uint32_t delivery;
    record::Offset offset;
    DeadLetter letter;
  };
  std::vector<Failed> failed;
  for (std::uint32_t d = 0; d < part.deliveries.size(); ++d) {
    for (DeadLetter& letter : part.deliveries[d]->dead)
      failed.push_back({d, letter.origin->offset, std::move(letter)});
  }
  for (ShardOutcome& outcome : part.outcomes) {
    for (FailedUpdate& update : outcome.failed) {
      const Delivery& delivery = *part.deliveries[update.delivery];
      const Origin origin = delivery.chunk->origin(update.record);
      failed.push_back({update.delivery, origin.offset(),
                        dead_letter(service.name, update.op, *delivery.chunk, origin,
                                    std::move(update.reason))});
    }
  }
  std::ranges::stable_sort(failed, {},
                           [](const Failed& f) { return std::tie(f.delivery, f.offset); });
  std::vector<DeadLetter> letters;
  for (Failed& f : failed) letters.push_back(std::move(f.letter));
  for (const FlushedPtr& flushed : part.flushed)
    letters.insert(letters.end(), flushed->dead.begin(), flushed->dead.end());
  return letters;
}

}  // namespace

void write_output(const Service& service, Timestamp now, ServiceEpoch& part, log::Commit& commit) {
  Writer out;
  Counters& counters = part.after.counters;
  for (const DeadLetter& letter : collect_dead(service, part)) {
    out.add(service.dead_letters, letter.origin ? letter.origin->partition : 0, now, std::nullopt,
            to_json(letter));
    ++counters.records_dead;
  }
  for (const FlushedPtr& flushed : part.flushed) {
    const window::Span span = flushed->window.span;
    const auto number = static_cast<std::uint64_t>(service.keyed->assigner.number_of(span));
    for (const Flushed::Record& record : flushed->records) {
      out.add(service.sinks[record.sink].target, number, span.end, std::nullopt, record.value);
      ++counters.records_out;
    }
    erase_rows(service.name, span.start, flushed->window.stored, commit);
    ++counters.windows_closed;
  }
  for (Delivery* delivery : part.deliveries) {
    out.append(std::move(delivery->out));
    for (const Origin& origin : delivery->placement->late) {
      if (!service.keyed->late) break;
      const record::RecordView record = origin.record();
      out.add(*service.keyed->late, delivery->chunk->source().partition, record.timestamp,
              record.key, record.value);
    }
  }
  out.move_to(commit.appends);
}

}  // namespace gameflow::runtime
