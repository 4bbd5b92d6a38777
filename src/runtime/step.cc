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

// The key of a record of the chunk.
std::optional<std::string_view> key_of(const Origin& origin) {
  return origin.batch->key(origin.index);
}

class Steps : public SinkTaker {
 public:
  Steps(const Service& service, const StepRules& rules, StepScratch& scratch, Delivery& delivery)
      : service_(service),
        rules_(rules),
        scratch_(scratch),
        delivery_(delivery),
        chunk_(*delivery.chunk),
        records_(scratch.records) {}

  void run() {
    for (const Undecoded& record : chunk_.undecoded()) add_undecoded(record);
    const Input& input = service_.inputs[delivery_.input];
    const auto emitted = through(service_.sources[input.source].chain, chunk_.values(),
                                 chunk_.times());
    if (service_.keyed) {
      place(emitted);
    } else {
      write(emitted);
    }
  }

  // What the rows of the service gave, in order: `outputs` of all shards.
  void run(const std::vector<KeyedOutput>& outputs) {
    SinkScratch& values = scratch_.sinks;
    values.clear();
    records_.clear();
    for (const KeyedOutput& output : outputs) {
      values.add(output.made);
      values.row_keys.push_back(output.row_key);
      records_.push_back(output.record);
    }
    run_sinks(service_, values, delivery_.arena, *this);
  }

  std::optional<std::string_view> key_of(std::uint32_t number) const override {
    return runtime::key_of(chunk_.origin(records_[number]));
  }
  // A record keeps the time of the one it came from.
  void take(const BoundSink& sink, std::uint32_t number, const void* value,
            std::optional<std::string_view> key) override {
    scratch_.json.clear();
    record::encode_json(*sink.type, value, scratch_.json);
    const Origin& origin = chunk_.origin(records_[number]);
    delivery_.out.add(sink.target, chunk_.source().partition, origin.batch->timestamp(origin.index),
                      key, scratch_.json);
    ++delivery_.records_out;
  }
  void fail(std::string_view op, std::uint32_t number, std::string reason) override {
    add_dead(op, chunk_.origin(records_[number]), std::move(reason));
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

  // What leaves the chain. A record that failed becomes a dead letter. Valid until the next call.
  std::span<const abi::Emitted> through(const BoundChain& chain,
                                        std::span<const void* const> values,
                                        std::span<const i64> times) {
    const auto count = static_cast<u32>(values.size());
    if (chain.function == nullptr) {
      scratch_.emitted.resize(count);
      for (u32 i = 0; i < count; ++i) scratch_.emitted[i] = {values[i], times[i], {}, i, nullptr};
      return scratch_.emitted;
    }
    scratch_.errors.resize(count);
    abi::Call call = call_with(delivery_.arena);
    const abi::Records records{values.data(), times.data(), count, record_keys(chain), nullptr};
    List<abi::Emitted> out;
    const u32 failures = chain.function(&call, &records, &out, scratch_.errors.data());
    for (u32 i = 0; i < failures; ++i) {
      const abi::RecordError& error = scratch_.errors[i];
      add_dead(chain.operators[error.step], chunk_.origin(error.index), error.message.str());
    }
    return {out.begin(), out.size()};
  }

  // Of the chunk's records, for a chain that asks. They last as long as the epoch.
  const Optional<Text>* record_keys(const BoundChain& chain) {
    if ((chain.asks & abi::kRecordKeys) == 0) return nullptr;
    using Key = Optional<Text>;
    auto* const keys = static_cast<Key*>(
        delivery_.arena.allocate(sizeof(Key) * (chunk_.size() + 1), alignof(Key)));
    for (u32 i = 0; i < chunk_.size(); ++i) {
      const auto key = runtime::key_of(chunk_.origin(i));
      new (keys + i) Key(key ? Key(Text::view(*key)) : Key());
    }
    return keys;
  }

  void place(std::span<const abi::Emitted> emitted) {
    const BoundKeyed& keyed = *service_.keyed;
    delivery_.emitted = emitted;
    for (u32 number = 0; number < emitted.size(); ++number) {
      const abi::Emitted& record = emitted[number];
      const Timestamp time{record.time};
      if (!is_placeable(record)) continue;
      note_progress(time, record.origin);
      const window::Span span = keyed.assigner.span_of(time);
      if (window::Trigger::is_closed(span, rules_.closed_until)) {
        note_late(record.origin);
      } else {
        delivery_.exchange.add(record.key.view(), span, record.value, record.origin, number);
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

  void write(std::span<const abi::Emitted> emitted) {
    SinkScratch& values = scratch_.sinks;
    values.clear();
    records_.clear();
    for (const abi::Emitted& record : emitted) {
      values.add(record);
      records_.push_back(record.origin);
    }
    run_sinks(service_, values, delivery_.arena, *this);
  }

  const Service& service_;
  const StepRules rules_;
  StepScratch& scratch_;
  Delivery& delivery_;
  const Chunk& chunk_;
  std::vector<std::uint32_t>& records_;  // of the chunk: where the values for the sinks came from
};

}  // namespace

void run_steps(const Service& service, const StepRules& rules, StepScratch& scratch,
               Delivery& delivery) {
  Steps(service, rules, scratch, delivery).run();
}

void write_outputs(const Service& service, const std::vector<KeyedOutput>& outputs,
                   StepScratch& scratch, Delivery& delivery) {
  Steps(service, {}, scratch, delivery).run(outputs);
}

}  // namespace gameflow::runtime
