#include "runtime/flush.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"
#include "runtime/tables.h"

namespace gameflow::runtime {

Flusher::Flusher(const plan::Graph& graph, const Service& service, const RowSource& source)
    : service_(service), reader_(graph, service.id, &source), result_bytes_(service.sinks.size()) {}

void Flusher::release_memory() {
  reader_.release_memory();
  arena_.reset(0);
  std::ranges::fill(result_bytes_, 0);
}

void Flusher::add_failure(std::string_view op, const Error& error, Flushed& flushed) const {
  flushed.dead.push_back({.service = service_.name,
                          .op = op,
                          .code = error.code,
                          .field = {},
                          .reason = error.message,
                          .origin = std::nullopt,
                          .window_start = flushed.window.span.start});
}

// The window's result on its way to the sinks.
class Flusher::Result final : public SinkTaker {
 public:
  Result(Flusher& flusher, Flushed& flushed) : flusher_(flusher), flushed_(flushed) {}

  std::optional<std::string_view> key_of(std::uint32_t) const override { return std::nullopt; }
  void take(const BoundSink& sink, std::uint32_t, const void* value,
            std::optional<std::string_view> key) override {
    flusher_.add_result(value, static_cast<std::uint32_t>(&sink - flusher_.service_.sinks.data()),
                        key, flushed_);
  }
  void fail(std::string_view op, std::uint32_t, std::string reason) override {
    flusher_.add_failure(op, {ErrorCode::kOperatorFailed, std::move(reason)}, flushed_);
  }

 private:
  Flusher& flusher_;
  Flushed& flushed_;
};

void Flusher::add_result(const void* value, std::uint32_t sink, std::optional<std::string_view> key,
                         Flushed& flushed) {
  std::string json;
  std::size_t& bytes_before = result_bytes_[sink];
  json.reserve(bytes_before + bytes_before / 8);
  record::encode_json(*service_.sinks[sink].type, value, json);
  bytes_before = json.size();
  if (json.size() <= kOutputBytesMax) {
    flushed.records.push_back(
        {sink, key ? std::optional(std::string(*key)) : std::nullopt, std::move(json)});
    return;
  }
  add_failure("flush",
              {ErrorCode::kPayloadTooLarge,
               fmt::format("the result has {} bytes; the limit is {}: add a limit to the query",
                           json.size(), kOutputBytesMax)},
              flushed);
}

FlushedPtr Flusher::run(ClosedWindow window) {
  auto result = std::make_shared<Flushed>();
  Flushed& flushed = *result;
  flushed.window = std::move(window);
  const window::Span span = flushed.window.span;
  reader_.begin(true, RowReader::OfWindow{span, &flushed.window.tables});
  arena_.reset();
  abi::Call call = call_with(arena_, &reader_);
  call.window_start_ms = span.start.ms;
  call.window_end_ms = span.end.ms;
  abi::RecordError error{};
  if (const void* const value = service_.keyed->flush(&call, &error); value != nullptr) {
    sinks_.clear();
    sinks_.add({value, span.end.ms, {}, 0, nullptr});
    Result to_sinks(*this, flushed);
    run_sinks(service_, sinks_, arena_, &reader_, to_sinks);
  } else if (error.index != abi::kNoResult) {
    add_failure("flush", {ErrorCode::kOperatorFailed, error.message.str()}, flushed);
  }
  return result;
}

}  // namespace gameflow::runtime
