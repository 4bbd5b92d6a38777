#include "runtime/flush.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"
#include "runtime/tables.h"

namespace gameflow::runtime {

Flusher::Flusher(const plan::Graph& graph, const Service& service)
    : graph_(graph), service_(service), result_bytes_(service.sinks.size()) {
  const std::vector<plan::State>& states = service.keyed->plan->states;
  for (std::uint32_t state = 0; state < states.size(); ++state)
    tables_.push_back(make_table(*service.keyed->plan, state, states[state].table));
}

bool Flusher::run_sql(void* context, const char* text, std::size_t size,
                      const abi::SqlArgument*, u32, u32 type_id, void* list) {
  auto& self = *static_cast<Flusher*>(context);
  const record::Type& item = *self.graph_.types->objects()[type_id];
  const Status status = self.database_.select_into({text, size}, item, self.arena_, list);
  if (status) return true;
  const std::string& message = status.error().message;
  self.call_.sql_error =
      Text::view({self.arena_.copy(message.data(), message.size()), message.size()});
  return false;
}

void Flusher::release_memory() {
  for (query::Table& table : tables_) table.segments.clear();
  database_.release_memory();
  arena_.reset(0);
  std::ranges::fill(result_bytes_, 0);
}

Status Flusher::set_tables(const ClosedWindow& window) {
  for (query::Table& table : tables_) {
    table.segments = {make_segment(window.span, true, window.tables)};
    GF_TRY(database_.set_table(&table));
  }
  return {};
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

void Flusher::add_result(const void* value, std::uint32_t sink,
                         std::optional<std::string_view> key, Flushed& flushed) {
  std::string json;
  std::size_t& bytes_before = result_bytes_[sink];
  json.reserve(bytes_before + bytes_before / 8);
  record::encode_json(*service_.sinks[sink].type, value, json);
  bytes_before = json.size();
  if (json.size() <= kOutputBytesMax) {
    flushed.records.push_back({sink, key ? std::optional(std::string(*key)) : std::nullopt,
                               std::move(json)});
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
  if (const Status ready = set_tables(flushed.window); !ready) {
    add_failure("flush", ready.error(), flushed);
    return result;
  }
  arena_.reset();
  call_ = {.arena = &arena_,
           .window_start_ms = span.start.ms,
           .window_end_ms = span.end.ms,
           .window_kind = 0,
           .sql = &run_sql,
           .find = nullptr,
           .context = this,
           .sql_error = {}};
  abi::RecordError error{};
  if (const void* const value = service_.keyed->flush(&call_, &error); value != nullptr) {
    sinks_.clear();
    sinks_.add({value, span.end.ms, {}, 0, nullptr});
    Result to_sinks(*this, flushed);
    run_sinks(service_, sinks_, arena_, to_sinks);
  } else if (error.index != abi::kNoResult) {
    add_failure("flush", {ErrorCode::kOperatorFailed, error.message.str()}, flushed);
  }
  return result;
}

}  // namespace gameflow::runtime
