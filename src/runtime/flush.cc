#include "runtime/flush.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "query/page.h"
#include "record/codec.h"
#include "record/padded.h"
#include "runtime/tables.h"
#include "state/sessions.h"

namespace gameflow::runtime {
namespace {

// That a function is called for.
constexpr std::size_t kRowsAtOnce = 512;

}  // namespace

Flusher::Flusher(const plan::Graph& graph, const Service& service, const RowSource& source)
    : service_(service), reader_(graph, service.id, &source) {
  const BoundKeyed& keyed = *service.keyed;
  if (keyed.assigner.is_merged()) merger_.emplace(keyed.layout, keyed.merges);
}

void Flusher::release_memory() {
  reader_.release_memory();
  arena_.reset(0);
  if (merger_) merger_->forget();
  std::string().swap(json_);
}

void Flusher::add_failure(std::string_view op, const Error& error, const state::Entry* session,
                          Flushed& flushed) const {
  const BoundKeyed& keyed = *service_.keyed;
  DeadLetter& letter = flushed.dead.emplace_back(DeadLetter{.service = service_.name,
                                                            .op = op,
                                                            .code = error.code,
                                                            .field = {},
                                                            .reason = error.message,
                                                            .origin = std::nullopt,
                                                            .window_start = flushed.window.start});
  if (!keyed.layout.has_sessions()) return;
  letter.window_end = flushed.window.end;
  if (session == nullptr) return;
  letter.window_start = keyed.layout.session(session).first;
  letter.window_end = keyed.layout.session_end(session);
  letter.row_key = query::shown_key(keyed.plan->states.front().key, keyed.layout.user_key(session));
}

// The window's result on its way to the sinks.
class Flusher::Result final : public SinkTaker {
 public:
  Result(Flusher& flusher, Flushed& flushed) : flusher_(flusher), flushed_(flushed) {}

  std::optional<std::string_view> key_of(std::uint32_t) const override { return std::nullopt; }
  void take(const BoundSink& sink, std::uint32_t number, const void* value,
            std::optional<std::string_view> key) override {
    flusher_.add_result(value, static_cast<std::uint32_t>(&sink - flusher_.service_.sinks.data()),
                        key, {flusher_.sinks_.times[number]}, flushed_);
  }
  void fail(std::string_view op, std::uint32_t number, std::string reason) override {
    const auto& sessions = flusher_.sessions_;
    flusher_.add_failure(op, {ErrorCode::kOperatorFailed, std::move(reason)},
                         sessions.empty() ? nullptr : sessions[number], flushed_);
  }

 private:
  Flusher& flusher_;
  Flushed& flushed_;
};

void Flusher::add_result(const void* value, std::uint32_t sink, std::optional<std::string_view> key,
                         Timestamp time, Flushed& flushed) {
  json_.clear();
  record::encode_json(*service_.sinks[sink].type, value, json_);
  if (json_.size() <= kOutputBytesMax) {
    if (key) key = record::copy_padded(flushed.text, *key);
    flushed.records.push_back({sink, key, record::copy_padded(flushed.text, json_), time});
    return;
  }
  ++flushed.counts[service_.flush_number()].failed;
  add_failure("flush",
              {ErrorCode::kPayloadTooLarge,
               fmt::format("the result has {} bytes; the limit is {}: add a limit to the query",
                           json_.size(), kOutputBytesMax)},
              nullptr, flushed);
}

// The window's rows, shard by shard.
query::Shards Flusher::merged(const WindowRows& rows, Flushed& flushed) {
  query::Shards tables(state::kShards);
  std::vector<state::MergeFailure> failures;
  std::vector<state::PaneMerger::Pane> panes;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard) {
    panes.clear();
    for (const auto& pane : rows.panes) {
      const PaneRows::Shard& of_shard = pane->shards[shard];
      if (of_shard.rows != nullptr) panes.push_back({pane->number, &of_shard.rows, of_shard.stamp});
    }
    if (!merger_) {
      if (!panes.empty()) tables[shard] = *panes.front().rows;
    } else if (!panes.empty()) {
      tables[shard] = merger_->merge(shard, panes, failures);
    }
  }
  for (const state::MergeFailure& failure : failures)
    add_failure("merge", {ErrorCode::kOperatorFailed, failure.reason}, nullptr, flushed);
  if (merger_ && rows.kind == window::Kind::kFinal && !rows.panes.empty())
    merger_->forget_before(rows.panes.front()->number);
  return tables;
}

abi::Call Flusher::call_for(Flushed& flushed) {
  abi::Call call = call_with(arena_, &reader_);
  call.counts = &flushed.counts[service_.flush_number()];
  call.window_start_ms = flushed.window.start.ms;
  call.window_end_ms = flushed.window.end.ms;
  call.window_kind = static_cast<u32>(flushed.kind);
  return call;
}

// What is in sinks_.
void Flusher::write(Flushed& flushed) {
  Result to_sinks(*this, flushed);
  run_sinks(service_, sinks_, arena_, &reader_, to_sinks, flushed.counts);
}

void Flusher::flush_whole(Flushed& flushed) {
  arena_.reset();
  abi::Call call = call_for(flushed);
  abi::RecordError error{};
  sinks_.clear();
  sessions_.clear();
  if (const void* const value = service_.keyed->flush(&call, &error); value != nullptr) {
    sinks_.add({value, flushed.window.end.ms, {}, 0, nullptr});
    write(flushed);
  } else if (error.index != abi::kNoResult) {
    add_failure("flush", {ErrorCode::kOperatorFailed, error.message.str()}, nullptr, flushed);
  }
}

// Whatever shard a row lies in: in order of key; of sessions in order of their ends, then starts.
std::vector<const state::Entry*> Flusher::in_order(const query::Shards& tables) const {
  const state::Layout& layout = service_.keyed->layout;
  std::vector<const state::Entry*> entries;
  for (const auto& table : tables) {
    if (table == nullptr) continue;
    table->for_each([&](const state::Entry* entry) {
      if (entry->live != 0) entries.push_back(entry);
    });
  }
  if (layout.has_sessions()) {
    state::sort_sessions(layout, entries);
  } else {
    std::ranges::sort(entries, {}, [&](const state::Entry* entry) { return layout.key(entry); });
  }
  return entries;
}

void Flusher::flush_each(const query::Shards& tables, Flushed& flushed) {
  const state::Layout& layout = service_.keyed->layout;
  const std::vector<const state::Entry*> entries = in_order(tables);
  std::vector<const void*> rows;
  std::vector<Text> keys;
  std::vector<abi::WindowSpan> spans;
  std::vector<abi::RecordError> errors(kRowsAtOnce);
  for (std::size_t begin = 0; begin < entries.size(); begin += kRowsAtOnce) {
    arena_.reset();
    rows.clear();
    keys.clear();
    spans.clear();
    const std::size_t end = std::min(begin + kRowsAtOnce, entries.size());
    for (std::size_t i = begin; i < end; ++i) {
      keys.push_back(Text::view(layout.user_key(entries[i])));
      if (layout.has_sessions())
        spans.push_back({layout.session(entries[i]).first.ms, layout.session_end(entries[i]).ms});
      for (std::size_t state = 0; state < layout.state_count(); ++state) {
        const bool is_live = (entries[i]->live >> state & 1U) != 0;
        rows.push_back(is_live ? layout.row(entries[i], state) : nullptr);
      }
    }
    abi::Call call = call_for(flushed);
    const abi::WindowRows of_window{rows.data(), keys.data(), static_cast<u32>(end - begin),
                                    flushed.window.end.ms, spans.empty() ? nullptr : spans.data()};
    List<abi::Emitted> out;
    const u32 failures = service_.keyed->each(&call, &of_window, &out, errors.data());
    const auto session_of = [&](u32 number) {
      return spans.empty() ? nullptr : entries[begin + number];
    };
    for (u32 i = 0; i < failures; ++i) {
      add_failure("each", {ErrorCode::kOperatorFailed, errors[i].message.str()},
                  session_of(errors[i].index), flushed);
    }
    sinks_.clear();
    sessions_.clear();
    for (const abi::Emitted& made : out) {
      sinks_.add(made);
      sinks_.row_keys.push_back(made.key);
      if (!spans.empty()) sessions_.push_back(session_of(made.origin));
    }
    write(flushed);
  }
}

FlushedPtr Flusher::run(const WindowRows& rows) {
  auto flushed = std::make_shared<Flushed>();
  flushed->window = rows.window;
  flushed->kind = rows.kind;
  flushed->windows = rows.windows;
  flushed->counts.resize(service_.operators.size());
  const query::Shards tables = merged(rows, *flushed);
  reader_.begin(true, RowReader::OfWindow{rows.window, rows.kind != window::Kind::kEarly, &tables,
                                          &rows.tables});
  if (service_.keyed->each != nullptr) {
    flush_each(tables, *flushed);
  } else {
    flush_whole(*flushed);
  }
  reader_.begin(false);  // the rows may go
  return flushed;
}

}  // namespace gameflow::runtime
