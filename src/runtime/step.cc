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

// Places what left a chain in the windows of a service.
class Placing {
 public:
  Placing(const Chunk& chunk, const Taker& taker, Placement& placement)
      : chunk_(chunk), taker_(taker), placement_(placement) {}

  void run(std::span<const abi::Emitted> emitted) {
    const window::Assigner& assigner = taker_.service->keyed->assigner;
    for (const abi::Emitted& record : emitted) {
      const Timestamp time{record.time};
      if (!is_placeable(record)) continue;
      note_progress(time, record.origin);
      const window::Span span = assigner.span_of(time);
      if (window::Trigger::is_closed(span, taker_.closed_until)) {
        note_late(record.origin);
      } else {
        placement_.exchange.add(record.key.view(), span, record.value, record.origin);
      }
    }
    placement_.exchange.sort();
  }

 private:
  bool is_placeable(const abi::Emitted& record) {
    if (!window::is_event_time({record.time})) {
      add_failed("assign-timestamp", record.origin,
                 fmt::format("event time {} ms is outside years 1 to 9999; is it in another unit?",
                             record.time));
      return false;
    }
    if (record.key.size() > kKeyBytesMax) {
      add_failed(
          "assign-key", record.origin,
          fmt::format("the key has {} bytes; the limit is {}", record.key.size(), kKeyBytesMax));
      return false;
    }
    return true;
  }

  void add_failed(std::string_view op, std::uint32_t record, std::string reason) {
    placement_.failed.push_back({op, chunk_.origin(record), std::move(reason)});
  }

  // An event counts for no more than the time when its record arrived: a fast clock cannot outrun
  // the server. One from far ahead says nothing at all.
  void note_progress(Timestamp time, std::uint32_t record) {
    if (time >= taker_.future_from) {
      ++placement_.records_future;
      return;
    }
    const Timestamp shown = std::min(time, chunk_.origin(record).appended_at());
    if (!placement_.progress || *placement_.progress < shown) placement_.progress = shown;
  }

  void note_late(std::uint32_t record) {
    ++placement_.records_late;
    const Origin& origin = chunk_.origin(record);
    std::vector<Origin>& late = placement_.late;
    const bool is_known =
        !late.empty() && late.back().batch == origin.batch && late.back().index == origin.index;
    if (!is_known) late.push_back(origin);
  }

  const Chunk& chunk_;
  const Taker& taker_;
  Placement& placement_;
};

abi::ChainFn function_of(const Taker& taker) {
  const Input& input = taker.service->inputs[taker.delivery->input];
  return taker.service->sources[input.source].chain.function;
}

// Whether records that left one chain are placed alike.
bool place_alike(const Taker& one, const Taker& other) {
  return other.service->keyed && function_of(one) == function_of(other) &&
         one.service->keyed->assigner.size() == other.service->keyed->assigner.size() &&
         one.closed_until == other.closed_until && one.future_from == other.future_from;
}

// What one service does with a chunk.
class Steps {
 public:
  // `before` have run.
  Steps(const Chunk& chunk, std::span<const Taker> before, const Taker& taker, StepScratch& scratch)
      : chunk_(chunk),
        before_(before),
        taker_(taker),
        service_(*taker.service),
        delivery_(*taker.delivery),
        scratch_(scratch) {}

  void run() {
    delivery_.placement = &delivery_.own_placement;
    for (const Undecoded& record : chunk_.undecoded()) add_undecoded(record);
    const Passed& passed = passed_source();
    const Input& input = service_.inputs[delivery_.input];
    add_errors(service_.sources[input.source].chain, passed.errors, [](u32 i) { return i; });
    if (service_.keyed) {
      place(passed.emitted);
    } else {
      write(passed.emitted);
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

  // `record_of` tells a failed record's number in the chunk.
  template <class RecordOf>
  void add_errors(const BoundChain& chain, std::span<const abi::RecordError> errors,
                  RecordOf&& record_of) {
    for (const abi::RecordError& error : errors) {
      add_dead(chain.operators[error.step], chunk_.origin(record_of(error.index)),
               error.message.str());
    }
  }

  // What left the source's chain, which an earlier service may have run.
  const Passed& passed_source() {
    const abi::ChainFn function = function_of(taker_);
    const auto known = std::ranges::find(scratch_.passed, function, &Passed::function);
    if (known != scratch_.passed.end()) return *known;
    return scratch_.passed.emplace_back(pass(function, chunk_.values(), chunk_.times()));
  }

  Passed pass(abi::ChainFn function, std::span<const void* const> values,
              std::span<const i64> times) {
    const auto count = static_cast<u32>(values.size());
    if (function == nullptr) {
      const std::span emitted(static_cast<abi::Emitted*>(delivery_.arena.allocate(
                                  count * sizeof(abi::Emitted), alignof(abi::Emitted))),
                              count);
      for (u32 i = 0; i < count; ++i) emitted[i] = {values[i], times[i], {}, i};
      return {function, emitted, {}};
    }
    if (scratch_.errors.size() < count) scratch_.errors.resize(count);
    abi::Call call = call_with(delivery_.arena);
    const abi::Records records{values.data(), times.data(), count};
    List<abi::Emitted> out;
    const u32 failures = function(&call, &records, &out, scratch_.errors.data());
    const auto errors = scratch_.errors.begin();
    return {function, {out.begin(), out.size()}, {errors, errors + failures}};
  }

  void place(std::span<const abi::Emitted> emitted) {
    const auto alike = std::ranges::find_if(
        before_, [this](const Taker& before) { return place_alike(taker_, before); });
    if (alike != before_.end()) {
      delivery_.placement = alike->delivery->placement;
    } else {
      Placing(chunk_, taker_, delivery_.own_placement).run(emitted);
    }
    for (const Placement::Failed& failed : delivery_.placement->failed)
      add_dead(failed.op, failed.origin, failed.reason);
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
      if (sink.chain.function == nullptr) {
        for (const abi::Emitted& record : emitted) add(sink, record.value, record.origin);
        continue;
      }
      const auto record_of = [&](u32 i) { return emitted[i].origin; };
      const Passed passed = pass(sink.chain.function, scratch_.values, scratch_.times);
      add_errors(sink.chain, passed.errors, record_of);
      for (const abi::Emitted& record : passed.emitted)
        add(sink, record.value, record_of(record.origin));
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

  const Chunk& chunk_;
  const std::span<const Taker> before_;
  const Taker& taker_;
  const Service& service_;
  Delivery& delivery_;
  StepScratch& scratch_;
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

void run_steps(const Chunk& chunk, StepScratch& scratch) {
  const std::span<const Taker> takers = scratch.takers;
  scratch.passed.clear();
  for (std::size_t i = 0; i < takers.size(); ++i)
    Steps(chunk, takers.first(i), takers[i], scratch).run();
}

}  // namespace gameflow::runtime
