#include "runtime/flush.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"
#include "runtime/step.h"
#include "runtime/tables.h"

namespace gameflow::runtime {

Flusher::Flusher(const plan::Graph& graph, const Service& service)
    : graph_(graph), service_(service), result_bytes_(service.sinks.size()) {
  const std::vector<plan::State>& states = service.keyed->plan->states;
  for (std::uint32_t state = 0; state < states.size(); ++state)
    tables_.push_back(make_table(states[state], state, states[state].table));
}

bool Flusher::run_sql(void* context, const char* text, std::size_t size, u32 type_id, void* list) {
  auto& self = *static_cast<Flusher*>(context);
  const record::Type& item = *self.graph_.types->declared()[type_id];
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

void Flusher::add_result(const void* value, std::uint32_t sink, Flushed& flushed) {
  std::string json;
  std::size_t& bytes_before = result_bytes_[sink];
  json.reserve(bytes_before + bytes_before / 8);
  record::encode_json(*service_.sinks[sink].type, value, json);
  bytes_before = json.size();
  if (json.size() <= kOutputBytesMax) {
    flushed.records.push_back({sink, std::move(json)});
    return;
  }
  add_failure("flush",
              {ErrorCode::kPayloadTooLarge,
               fmt::format("the result has {} bytes; the limit is {}: add a limit to the query",
                           json.size(), kOutputBytesMax)},
              flushed);
}

void Flusher::run_sink(const void* value, std::uint32_t sink, Flushed& flushed) {
  const BoundChain& chain = service_.sinks[sink].chain;
  if (chain.function == nullptr) return add_result(value, sink, flushed);
  abi::Call call = call_with(arena_);
  const i64 time = flushed.window.span.end.ms;
  const abi::Records records{&value, &time, 1};
  List<abi::Emitted> out;
  abi::RecordError error{};
  if (chain.function(&call, &records, &out, &error) != 0) {
    add_failure(chain.operators[error.step], {ErrorCode::kOperatorFailed, error.message.str()},
                flushed);
  }
  for (const abi::Emitted& record : out) add_result(record.value, sink, flushed);
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
           .sql = &run_sql,
           .sql_context = this,
           .sql_error = {}};
  abi::RecordError error{};
  if (const void* const value = service_.keyed->flush(&call_, &error); value != nullptr) {
    for (std::uint32_t sink = 0; sink < service_.sinks.size(); ++sink)
      run_sink(value, sink, flushed);
  } else {
    add_failure("flush", {ErrorCode::kOperatorFailed, error.message.str()}, flushed);
  }
  return result;
}

}  // namespace gameflow::runtime
