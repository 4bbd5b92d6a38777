#include "runtime/step.h"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"
#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {
namespace {

class Steps {
 public:
  Steps(const Service& service, const StepRules& rules, StepScratch& scratch, Delivery& delivery)
      : service_(service),
        rules_(rules),
        scratch_(scratch),
        delivery_(delivery),
        chunk_(*delivery.chunk) {}

  void run() {
    for (const Undecoded& record : chunk_.undecoded()) add_undecoded(record);
    const Input& input = service_.inputs[delivery_.input];
    const auto emitted = through(service_.sources[input.source].chain, chunk_.values(),
                                 chunk_.times(), [this](u32 i) { return i; });
    if (service_.keyed) {
      place(emitted);
    } else {
      write(emitted);
    }
  }

 private:
  void add_undecoded(const Undecoded& record) {
    add_dead("decode", record.origin, record.error.message);
    delivery_.dead.back().code = record.error.code;
    delivery_.dead.back().field = record.error.field;
  }

  void add_dead(std::string_view op, const Origin& origin, std::string reason) {
    delivery_.dead.push_back(dead_letter(service_.name, op, chunk_, origin, std::move(reason)));
  }

  // What leaves the chain. A record that failed becomes a dead letter; `record_of` tells its number
  // in the chunk. Valid until the next call.
  template <class RecordOf>
  std::span<const abi::Emitted> through(const BoundChain& chain,
                                        std::span<const void* const> values,
                                        std::span<const i64> times, RecordOf&& record_of) {
    const auto count = static_cast<u32>(values.size());
    if (chain.function == nullptr) {
      scratch_.emitted.resize(count);
      for (u32 i = 0; i < count; ++i) scratch_.emitted[i] = {values[i], times[i], {}, i};
      return scratch_.emitted;
    }
    scratch_.errors.resize(count);
    abi::Call call = call_with(delivery_.arena);
    const abi::Records records{values.data(), times.data(), count};
    List<abi::Emitted> out;
    const u32 failures = chain.function(&call, &records, &out, scratch_.errors.data());
    for (u32 i = 0; i < failures; ++i) {
      const abi::RecordError& error = scratch_.errors[i];
      add_dead(chain.operators[error.step], chunk_.origin(record_of(error.index)),
               error.message.str());
    }
    return {out.begin(), out.size()};
  }

  void place(std::span<const abi::Emitted> emitted) {
    const BoundKeyed& keyed = *service_.keyed;
    for (const abi::Emitted& record : emitted) {
      const Timestamp time{record.time};
      if (!is_placeable(record)) continue;
      note_progress(time, record.origin);
      const window::Span span = keyed.assigner.span_of(time);
      if (window::Trigger::is_closed(span, rules_.closed_until)) {
        note_late(record.origin);
      } else {
        delivery_.exchange.add(record.key.view(), span, record.value, record.origin);
      }
    }
    delivery_.exchange.sort();
  }

  bool is_placeable(const abi::Emitted& record) {
    if (!window::is_event_time({record.time})) {
      add_dead("assign-timestamp", chunk_.origin(record.origin),
               fmt::format("event time {} ms is outside years 1 to 9999; is it in another unit?",
                           record.time));
      return false;
    }
    if (record.key.size() > kKeyBytesMax) {
      add_dead(
          "assign-key", chunk_.origin(record.origin),
          fmt::format("the key has {} bytes; the limit is {}", record.key.size(), kKeyBytesMax));
      return false;
    }
    return true;
  }

  // An event counts for no more than the time when its record arrived: a fast clock cannot outrun
  // the server. One from far ahead says nothing at all.
  void note_progress(Timestamp time, std::uint32_t record) {
    if (time >= rules_.future_from) {
      ++delivery_.records_future;
      return;
    }
    const Timestamp shown = std::min(time, chunk_.origin(record).appended_at());
    if (!delivery_.progress || *delivery_.progress < shown) delivery_.progress = shown;
  }

  void note_late(std::uint32_t record) {
    ++delivery_.records_late;
    const Origin& origin = chunk_.origin(record);
    const bool is_known = !delivery_.late.empty() && delivery_.late.back().batch == origin.batch &&
                          delivery_.late.back().index == origin.index;
    if (!is_known) delivery_.late.push_back(origin);
  }

  // Each sink takes all of what left the source's chain, through a chain of its own.
  void write(std::span<const abi::Emitted> emitted) {
    scratch_.values.clear();
    scratch_.times.clear();
    for (const abi::Emitted& record : emitted) {
      scratch_.values.push_back(record.value);
      scratch_.times.push_back(record.time);
    }
    for (const BoundSink& sink : service_.sinks) {
      const auto record_of = [&](u32 i) { return emitted[i].origin; };
      if (sink.chain.function == nullptr) {
        for (const abi::Emitted& record : emitted) add(sink, record.value, record.origin);
        continue;
      }
      for (const abi::Emitted& record :
           through(sink.chain, scratch_.values, scratch_.times, record_of)) {
        add(sink, record.value, record_of(record.origin));
      }
    }
  }

  // A record keeps the time and the key of the one it came from.
  void add(const BoundSink& sink, const void* value, std::uint32_t record) {
    scratch_.json.clear();
    record::encode_json(*sink.type, value, scratch_.json);
    const Origin& origin = chunk_.origin(record);
    delivery_.out.add(sink.target, chunk_.source().partition, origin.batch->timestamp(origin.index),
                      origin.batch->key(origin.index), scratch_.json);
    ++delivery_.records_out;
  }

  const Service& service_;
  const StepRules& rules_;
  StepScratch& scratch_;
  Delivery& delivery_;
  const Chunk& chunk_;
};

}  // namespace

abi::Call call_with(Arena& arena) {
  return {.arena = &arena,
          .window_start_ms = 0,
          .window_end_ms = 0,
          .sql = nullptr,
          .sql_context = nullptr,
          .sql_error = {}};
}

void run_steps(const Service& service, const StepRules& rules, StepScratch& scratch,
               Delivery& delivery) {
  Steps(service, rules, scratch, delivery).run();
}

}  // namespace gameflow::runtime
