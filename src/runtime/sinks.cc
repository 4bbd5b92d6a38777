#include "runtime/sinks.h"

namespace gameflow::runtime {
namespace {

std::optional<std::string_view> view_of(const Optional<Text>& key) {
  if (!key) return std::nullopt;
  return key->view();
}

class Sinks {
 public:
  Sinks(SinkScratch& values, Arena& arena, RowReader* reader, SinkTaker& taker,
        OperatorCounts& counts)
      : values_(values), arena_(arena), reader_(reader), taker_(taker), counts_(counts) {}

  void run(const BoundSink& sink) {
    const auto count = static_cast<u32>(values_.values.size());
    if (sink.chain.function == nullptr) {
      for (u32 i = 0; i < count; ++i) taker_.take(sink, i, values_.values[i], key_of(i));
      counts_[sink.chain.first].in += count;
      return;
    }
    values_.errors.resize(count);
    abi::Call call = call_with(arena_, reader_);
    call.counts = &counts_[sink.chain.first];
    abi::Records records{values_.values.data(), values_.times.data(), count, nullptr, nullptr};
    if ((sink.chain.asks & abi::kRecordKeys) != 0) records.record_keys = known_keys();
    if (!values_.row_keys.empty()) records.row_keys = values_.row_keys.data();
    List<abi::Emitted> out;
    const u32 failures = sink.chain.function(&call, &records, &out, values_.errors.data());
    for (u32 i = 0; i < failures; ++i) {
      const abi::RecordError& error = values_.errors[i];
      taker_.fail(sink.chain.operators[error.step], error.index, error.message.str());
    }
    // The sink itself is numbered behind its functions.
    counts_[sink.chain.first + sink.chain.operators.size()].in += out.size();
    for (const abi::Emitted& made : out) {
      taker_.take(sink, made.origin, made.value,
                  made.record_key == nullptr ? key_of(made.origin) : view_of(*made.record_key));
    }
  }

 private:
  std::optional<std::string_view> key_of(u32 number) const {
    const Optional<Text>* const said = values_.record_keys[number];
    return said == nullptr ? taker_.key_of(number) : view_of(*said);
  }
  const Optional<Text>* known_keys() {
    values_.known_keys.clear();
    for (u32 i = 0; i < values_.values.size(); ++i) {
      const auto key = key_of(i);
      values_.known_keys.push_back(key ? Optional<Text>(Text::view(*key)) : Optional<Text>());
    }
    return values_.known_keys.data();
  }

  SinkScratch& values_;
  Arena& arena_;
  RowReader* const reader_;
  SinkTaker& taker_;
  OperatorCounts& counts_;
};

}  // namespace

void SinkScratch::clear() {
  values.clear();
  times.clear();
  record_keys.clear();
  row_keys.clear();
}

abi::Call call_with(Arena& arena, RowReader* reader) {
  abi::Call call{};
  call.arena = &arena;
  if (reader != nullptr) reader->set_up(call);
  return call;
}

void run_sinks(const Service& service, SinkScratch& values, Arena& arena, RowReader* reader,
               SinkTaker& taker, OperatorCounts& counts) {
  for (const BoundSink& sink : service.sinks) Sinks(values, arena, reader, taker, counts).run(sink);
}

}  // namespace gameflow::runtime
