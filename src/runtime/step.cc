#include "runtime/step.h"

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "record/codec.h"
#include "runtime/join_update.h"
#include "state/layout.h"
#include "state/sessions.h"
#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {
namespace {

// Places what left a chain in the panes of a service.
class Placing {
 public:
  Placing(const Chunk& chunk, const Taker& taker, ExchangeBuilder& exchange, Placement& placement)
      : chunk_(chunk),
        taker_(taker),
        join_(taker.service->join ? &*taker.service->join : nullptr),
        side_(taker.service->side_of(taker.delivery->input)),
        assigner_(join_ != nullptr ? join_->assigner : taker.service->keyed->assigner),
        exchange_(exchange),
        placement_(placement) {}

  void run(std::span<const abi::Emitted> emitted) {
    placement_.emitted = emitted;
    exchange_.begin(placement_.exchange,
                    assigner_.has_sessions() ? state::Sessions::first_slot() : std::string_view());
    for (u32 number = 0; number < emitted.size(); ++number) {
      const abi::Emitted& record = emitted[number];
      const Timestamp time{record.time};
      if (!is_placeable(record)) continue;
      note_progress(time, record.origin);
      if (!alike_.contains(time)) find_panes(time);
      if (panes_.empty() || is_late(time)) {
        note_late(record.origin);
      } else if (assigner_.is_copied()) {
        for (const std::uint32_t pane : panes_) copies_.emplace_back(pane, number);
      } else {
        add(record, panes_.front(), number);
      }
    }
    // Records of one pane together: rows are looked up and changed in batches of one pane.
    std::ranges::stable_sort(copies_, {}, &std::pair<std::uint32_t, u32>::first);
    for (const auto& [pane, number] : copies_) add(emitted[number], pane, number);
    exchange_.finish();
  }

 private:
  // Those that still take records: a window takes them until its rows are gone. Events come nearly
  // in order, so it is mostly done once for many.
  void find_panes(Timestamp time) {
    panes_.clear();
    alike_ = assigner_.for_each_pane(time, [&](window::Span pane) {
      if (join_ != nullptr || !window::has_passed(taker_.gone_until, assigner_.last_end(pane)))
        panes_.push_back(exchange_.number_of(pane));
    });
  }

  // Of a join, where panes do not tell it.
  bool is_late(Timestamp time) const {
    return join_ != nullptr && window::has_passed(taker_.gone_until, join_->end_of(side_, time));
  }

  void add(const abi::Emitted& record, std::uint32_t pane, u32 number) {
    const void* const value = join_ != nullptr ? arrival(record, number) : record.value;
    exchange_.add(record.key.view(), pane, value, {record.time}, record.origin, number);
  }

  const JoinArrival* arrival(const abi::Emitted& record, u32 number) {
    Optional<Text> record_key;
    if (side_ == Side::kLeft) record_key = taker_.delivery->record_key(number);
    stored_.clear();
    ByteWriter out(stored_);
    JoinEntries::write_event(record_key, join_->type_of(side_), record.value, out);
    void* const memory =
        taker_.arena->allocate(sizeof(JoinArrival) + stored_.size(), alignof(JoinArrival));
    auto* const made = static_cast<JoinArrival*>(memory);
    auto* const bytes = reinterpret_cast<char*>(made + 1);
    stored_.copy(bytes, stored_.size());
    return new (memory) JoinArrival{record.value, record_key, {bytes, stored_.size()}};
  }

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
  const BoundJoin* const join_;  // null: there is none
  const Side side_;
  const window::Assigner& assigner_;
  ExchangeBuilder& exchange_;
  Placement& placement_;
  window::Span alike_{};              // times in it have the panes…
  std::vector<std::uint32_t> panes_;  // …with these numbers in the exchange
  std::string stored_;                // of the event at hand, which a join keeps
  // Of records that go to many panes: the pane, and the number among what left the chain.
  std::vector<std::pair<std::uint32_t, u32>> copies_;
};

abi::ChainFn function_of(const Taker& taker) {
  const Input& input = taker.service->inputs[taker.delivery->input];
  return taker.service->sources[input.source].chain.function;
}

// Whether records that left one chain are placed alike.
bool place_alike(const Taker& one, const Taker& other) {
  return one.service->keyed && other.service->keyed && function_of(one) == function_of(other) &&
         one.service->keyed->assigner == other.service->keyed->assigner &&
         one.gone_until == other.gone_until && one.future_from == other.future_from;
}

// Records of a chunk on their way to the sinks of a service.
class ChunkSinks final : public SinkTaker {
 public:
  // `arena`: of what the functions of the sinks make.
  ChunkSinks(const Service& service, RowReader* reader, StepScratch& scratch, Arena& arena,
             Delivery& delivery)
      : service_(service),
        reader_(reader),
        scratch_(scratch),
        arena_(arena),
        delivery_(delivery),
        chunk_(*delivery.chunk) {
    scratch_.sinks.clear();
    scratch_.records.clear();
  }

  void add(const abi::Emitted& value, std::uint32_t record) {
    scratch_.sinks.add(value);
    scratch_.records.push_back(record);
  }
  void add(const KeyedOutput& output) {
    add(output.made, output.record);
    scratch_.sinks.row_keys.push_back(output.row_key);
  }
  void run() {
    delivery_.counts.resize(service_.operators.size());
    delivery_.out.expect(scratch_.records.size());
    run_sinks(service_, scratch_.sinks, arena_, reader_, *this, delivery_.counts);
    delivery_.out.seal();
  }

  std::optional<std::string_view> key_of(std::uint32_t number) const override {
    const Origin& origin = origin_of(number);
    return origin.batch->key(origin.index);
  }
  // A record keeps the time of the one it came from; one of a join has that of the later event.
  void take(const BoundSink& sink, std::uint32_t number, const void* value,
            std::optional<std::string_view> key) override {
    const std::string_view json = scratch_.encoder.encode(*sink.type, value, scratch_.passing);
    const Origin& origin = origin_of(number);
    std::uint64_t spread = chunk_.source().partition;
    Timestamp time = origin.batch->timestamp(origin.index);
    if (service_.join) {
      spread = state::hash_key(scratch_.sinks.row_keys[number].view());
      time = {scratch_.sinks.times[number]};
    }
    delivery_.out.lend(sink.target, spread, time, key, json, scratch_.encoder.outlined());
    ++delivery_.records_out;
  }
  void fail(std::string_view op, std::uint32_t number, std::string reason) override {
    delivery_.dead.push_back(
        dead_letter(service_.name, op, chunk_, origin_of(number), std::move(reason)));
  }

 private:
  const Origin& origin_of(std::uint32_t number) const {
    return chunk_.origin(scratch_.records[number]);
  }

  const Service& service_;
  RowReader* const reader_;
  StepScratch& scratch_;
  Arena& arena_;
  Delivery& delivery_;
  const Chunk& chunk_;
};

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
    delivery_.counts.resize(service_.operators.size());
    for (const Undecoded& record : chunk_.undecoded()) add_undecoded(record);
    const Input& input = service_.inputs[delivery_.input];
    const BoundChain& chain = service_.sources[input.source].chain;
    const Passed& passed = passed_through(chain);
    std::ranges::copy(passed.counts,
                      delivery_.counts.begin() + static_cast<std::ptrdiff_t>(chain.first));
    for (const abi::RecordError& error : passed.errors)
      add_dead(chain.operators[error.step], chunk_.origin(error.index), error.message.str());
    if (service_.keyed || service_.join) return place(passed.emitted);
    ChunkSinks sinks(service_, taker_.reader, scratch_, *taker_.arena, delivery_);
    for (const abi::Emitted& record : passed.emitted) sinks.add(record, record.origin);
    sinks.run();
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

  // What left the source's chain, which an earlier service may have run.
  const Passed& passed_through(const BoundChain& chain) {
    const auto known = std::ranges::find(scratch_.passed, chain.function, &Passed::function);
    if (known != scratch_.passed.end()) return *known;
    return scratch_.passed.emplace_back(pass(chain));
  }

  Passed pass(const BoundChain& chain) {
    const auto values = chunk_.values();
    const auto times = chunk_.times();
    const auto count = static_cast<u32>(values.size());
    if (chain.function == nullptr) {
      const std::span emitted(static_cast<abi::Emitted*>(taker_.arena->allocate(
                                  count * sizeof(abi::Emitted), alignof(abi::Emitted))),
                              count);
      for (u32 i = 0; i < count; ++i) emitted[i] = {values[i], times[i], {}, i, nullptr};
      return {chain.function, emitted, {}, {}};
    }
    if (scratch_.errors.size() < count) scratch_.errors.resize(count);
    abi::Call call = call_with(*taker_.arena, taker_.reader);
    const std::span counts = no_counts(chain.operators.size());
    call.counts = counts.data();
    const abi::Records records{values.data(), times.data(), count, record_keys(chain), nullptr};
    List<abi::Emitted> out;
    const u32 failures = chain.function(&call, &records, &out, scratch_.errors.data());
    const auto errors = scratch_.errors.begin();
    return {chain.function, {out.begin(), out.size()}, {errors, errors + failures}, counts};
  }

  std::span<abi::StepCount> no_counts(std::size_t steps) {
    auto* const counts = static_cast<abi::StepCount*>(
        taker_.arena->allocate(steps * sizeof(abi::StepCount), alignof(abi::StepCount)));
    std::uninitialized_value_construct_n(counts, steps);
    return {counts, steps};
  }

  // Of the chunk's records, for a chain that asks. They last as long as the epoch.
  const Optional<Text>* record_keys(const BoundChain& chain) {
    if ((chain.asks & abi::kRecordKeys) == 0) return nullptr;
    using Key = Optional<Text>;
    auto* const keys =
        static_cast<Key*>(taker_.arena->allocate(sizeof(Key) * (chunk_.size() + 1), alignof(Key)));
    for (u32 i = 0; i < chunk_.size(); ++i) {
      const Origin& origin = chunk_.origin(i);
      const auto key = origin.batch->key(origin.index);
      new (keys + i) Key(key ? Key(Text::view(*key)) : Key());
    }
    return keys;
  }

  void place(std::span<const abi::Emitted> emitted) {
    const auto alike = std::ranges::find_if(
        before_, [this](const Taker& before) { return place_alike(taker_, before); });
    if (alike != before_.end()) {
      delivery_.placement = alike->delivery->placement;
    } else {
      Placing(chunk_, taker_, scratch_.exchange, delivery_.own_placement).run(emitted);
    }
    for (const Placement::Failed& failed : delivery_.placement->failed) {
      service_.add_failure(delivery_.input, failed.op, delivery_.counts);
      add_dead(failed.op, failed.origin, failed.reason);
    }
  }

  const Chunk& chunk_;
  const std::span<const Taker> before_;
  const Taker& taker_;
  const Service& service_;
  Delivery& delivery_;
  StepScratch& scratch_;
};

}  // namespace

void StepScratch::begin() {
  constexpr std::size_t kKept = std::size_t{16} << 20;
  passing.reset(kKept);
}

void run_steps(const Chunk& chunk, StepScratch& scratch) {
  const std::span<const Taker> takers = scratch.takers;
  scratch.passed.clear();
  for (std::size_t i = 0; i < takers.size(); ++i)
    Steps(chunk, takers.first(i), takers[i], scratch).run();
}

void write_outputs(const Service& service, const std::vector<KeyedOutput>& outputs,
                   RowReader* reader, StepScratch& scratch, Delivery& delivery) {
  scratch.begin();
  ChunkSinks sinks(service, reader, scratch, delivery.arena, delivery);
  for (const KeyedOutput& output : outputs) sinks.add(output);
  sinks.run();
}

}  // namespace gameflow::runtime
