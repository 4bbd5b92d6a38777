#include "runtime/service_runner.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gameflow::runtime {
namespace {

// Batches are put together to slices of about this size, so that a stream of small requests does
// not pay the cost of a slice per request; and one slice's events stay in the L2 cache between
// decoding and assigning.
constexpr std::size_t kSliceBytes = 256U << 10;

// A window's changes are rewritten as one full segment after this many, so that a restart has
// little to read.
constexpr std::uint64_t kSegmentsMax = 256;
constexpr std::uint64_t kSegmentBytesMin = 16U << 20;

// Windows that only clocks far ahead ask for stay open until time gets there, maybe for years: so
// many of them, and no more.
constexpr std::ptrdiff_t kFutureWindowsMax = 1000;

state::Layout make_layout(const plan::ServicePlan& service) {
  std::vector<const record::Type*> rows;
  for (const plan::StatePlan& state : service.states) rows.push_back(state.row);
  return state::Layout(rows);
}

}  // namespace

ServiceRunner::ServiceRunner(const plan::Plan& plan, std::size_t service,
                             const abi::Service& functions, log::Store& store)
    : dataflow_(plan),
      plan_(plan.services[service]),
      functions_(functions),
      store_(store),
      layout_(make_layout(plan_)),
      tumbling_{plan_.spec->window.duration, plan_.spec->window.grace},
      flusher_(plan, plan_, functions, layout_),
      watermark_(0, {}, {}) {
  find_inputs();
  for (const std::string& sink : plan_.spec->sinks) sinks_.push_back(target(sink));
  dead_letters_ = target(plan.dataflow->dead_letter_topic);
  if (plan_.spec->window.late == spec::LatePolicy::kTopic)
    late_ = target(plan_.spec->window.late_topic);
  rules_ = {.service = plan_.spec->name,
            .event = plan_.spec->event,
            .functions = &functions_,
            .window = tumbling_,
            .open_from = {},
            .future_from = {}};
}

ServiceRunner::Target ServiceRunner::target(const std::string& topic) const {
  const log::TopicInfo info = *store_.topic(topic);
  return {info.id, info.config.partitions};
}

void ServiceRunner::find_inputs() {
  for (const spec::Source& source : plan_.spec->sources) {
    const log::TopicInfo info = *store_.topic(source.topic);
    for (std::uint32_t partition = 0; partition < info.config.partitions; ++partition) {
      inputs_.push_back({.topic = source.topic,
                         .id = info.id,
                         .partition = partition,
                         .start = source.start,
                         .next = {},
                         .fetched = {}});
    }
  }
}

Status ServiceRunner::restore(Timestamp now) {
  open_from_.reset();
  windows_.clear();
  last_closed_.reset();
  counters_ = {};
  forget_epoch();
  watermark_ = window::Watermark(inputs_.size(), plan_.spec->window.idle_timeout, now);
  GF_ASSIGN(const auto stored, store_.get(service_key(name())));
  former_inputs_.clear();
  has_new_input_ = !stored;
  if (!stored) {
    for (Input& input : inputs_) GF_TRY(place_at(input, input.start));
    return {};
  }
  GF_ASSIGN(const ServiceRecord record, decode_service_record(*stored, name()));
  GF_ASSIGN(const std::vector<int> states, match_states(record, plan_));
  const std::vector<StoredState> wanted = stored_states(plan_);
  rewrite_all_ =
      !std::ranges::equal(record.states, wanted, {}, &StoredState::name, &StoredState::name);
  open_from_ = record.open_from;
  counters_ = record.counters;
  GF_TRY(place_inputs(record, now));
  GF_TRY(restore_windows(states));
  if (!windows_.empty()) tell_changed_states(record.states);
  return {};
}

// What is stored of a state is kept or refused; but one that comes or goes does so in the middle of
// the open windows.
void ServiceRunner::tell_changed_states(const std::vector<StoredState>& stored) const {
  const std::vector<StoredState> wanted = stored_states(plan_);
  for (const StoredState& state : stored) {
    if (std::ranges::count(wanted, state.name, &StoredState::name) != 0) continue;
    spdlog::warn(
        "service '{}': state '{}' is gone from the dataflow, and so are its rows in {} open "
        "windows",
        name(), state.name, windows_.size());
  }
  for (const StoredState& state : wanted) {
    if (std::ranges::count(stored, state.name, &StoredState::name) != 0) continue;
    spdlog::warn(
        "service '{}': state '{}' is new: in the {} windows that are open it has only what "
        "comes from now on",
        name(), state.name, windows_.size());
  }
}

Status ServiceRunner::place_at(Input& input, spec::StartOffset start) {
  GF_ASSIGN(const log::TopicInfo info, store_.topic(input.id));
  const log::PartitionInfo& partition = info.partitions[input.partition];
  input.next = start == spec::StartOffset::kEnd ? partition.end : partition.begin;
  return {};
}

Status ServiceRunner::place_inputs(const ServiceRecord& record, Timestamp now) {
  std::vector<std::optional<Timestamp>> progress(inputs_.size());
  std::vector<bool> placed(inputs_.size());
  for (const StoredInput& stored : record.inputs) {
    const auto input = std::ranges::find_if(inputs_, [&stored](const Input& of_now) {
      return of_now.id == stored.topic_id && of_now.partition == stored.partition;
    });
    if (input != inputs_.end()) {
      const auto number = static_cast<std::size_t>(input - inputs_.begin());
      input->next = stored.next;
      progress[number] = stored.progress;
      placed[number] = true;
    } else if (store_.topic(stored.topic_id)) {
      former_inputs_.push_back(stored);
    } else if (stored.partition == 0 && std::ranges::count(inputs_, stored.topic, &Input::topic)) {
      spdlog::warn(
          "service '{}': topic '{}' was deleted and made anew; reading it from the beginning",
          name(), stored.topic);
    }
  }
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (placed[i]) continue;
    Input& input = inputs_[i];
    has_new_input_ = true;
    const bool was_remade =
        std::ranges::count(record.inputs, input.topic, &StoredInput::topic) != 0;
    GF_TRY(place_at(input, was_remade ? spec::StartOffset::kBeginning : input.start));
  }
  watermark_.restore(record.watermark, std::move(progress), now);
  return {};
}

Status ServiceRunner::restore_windows(const std::vector<int>& states) {
  GF_ASSIGN(const auto segments, store_.scan(segments_range(name())));
  for (const auto& [key, value] : segments) {
    const auto id = parse_segment_key(name(), key);
    ByteReader in(value);
    bool good = id.has_value();
    if (good) {
      auto& window = windows_[id->window];
      if (window == nullptr) window = std::make_unique<WindowState>(id->window);
      window->segment_next = id->segment + 1;
      ++window->segment_count;
      window->bytes_since_full += value.size();
      while (good && !in.at_end()) {
        // The shard follows from the key, which load() reads: look ahead.
        ByteReader ahead = in;
        const std::uint32_t shard = state::shard_of(state::hash_key(ahead.text()));
        good = ahead.ok() && window->shard(shard, layout_).load(in, states);
      }
    }
    if (!good) {
      return fail(ErrorCode::kDataCorrupt,
                  fmt::format("a stored window of service '{}' is damaged: restore the data folder "
                              "from a copy, or start "
                              "with --clear-state",
                              name()));
    }
  }
  return {};
}

Status ServiceRunner::read(std::size_t number, std::size_t bytes_max) {
  Input& input = inputs_[number];
  const log::Offset from = input.fetched.empty() ? input.next : input.fetched.back()->end_offset();
  auto batches = store_.read(input.id, input.partition, from, bytes_max);
  if (!batches && batches.error().code == ErrorCode::kOffsetOutOfRange && input.fetched.empty()) {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(input.id));
    const log::PartitionInfo& partition = info.partitions[input.partition];
    if (input.next < partition.begin) input.expired = partition.begin.value - input.next.value;
    spdlog::warn("service '{}': topic '{}' partition {} offset {} is gone; going on at {}", name(),
                 input.topic, input.partition, input.next.value, partition.begin.value);
    input.next = partition.begin;
    batches = store_.read(input.id, input.partition, input.next, bytes_max);
  }
  if (!batches) return fail(std::move(batches).error());
  for (record::BatchPtr& batch : *batches) {
    input.fetched_bytes += batch->memory_bytes();
    input.fetched.push_back(std::move(batch));
  }
  return {};
}

bool ServiceRunner::has_input() const {
  return std::ranges::any_of(
      inputs_, [](const Input& input) { return !input.fetched.empty() || input.expired != 0; });
}

std::size_t ServiceRunner::make_slices(Timestamp now) {
  now_ = now;
  rules_.open_from = open_from_;
  rules_.future_from = now + dataflow_.dataflow->future_max + Duration{1};
  slice_inputs_.clear();
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    std::size_t bytes = kSliceBytes;
    for (const auto& batch : inputs_[i].fetched) {
      if (bytes >= kSliceBytes) {
        slice_inputs_.push_back({i, inputs_[i].topic, inputs_[i].partition, inputs_[i].next, {}});
        bytes = 0;
      }
      slice_inputs_.back().batches.push_back(batch);
      bytes += batch->memory_bytes();
    }
  }
  slice_count_ = slice_inputs_.size();
  while (slices_.size() < slice_count_) slices_.emplace_back();
  return slice_count_;
}

void ServiceRunner::run_slice(std::size_t slice, record::Decoder& decoder) {
  slices_[slice].run(std::move(slice_inputs_[slice]), rules_, decoder);
}

// Records of windows that are not opened here become dead letters: update_shard finds none.
void ServiceRunner::open_windows(const Slice& slice, std::ptrdiff_t& far_ahead) {
  for (const Timestamp start : slice.window_starts()) {
    if (windows_.contains(start)) continue;
    if (start >= rules_.future_from && ++far_ahead > kFutureWindowsMax) continue;
    windows_.emplace(start, std::make_unique<WindowState>(start));
  }
}

void ServiceRunner::merge(Timestamp now) {
  auto far_ahead = std::distance(windows_.lower_bound(rules_.future_from), windows_.end());
  for (std::size_t s = 0; s < slice_count_; ++s) {
    const Slice& slice = slices_[s];
    if (slice.progress()) watermark_.observe(slice.input().input, *slice.progress(), now);
    counters_.records_in += slice.records_in();
    counters_.records_future += slice.records_future();
    counters_.records_late += slice.late().size();
    open_windows(slice, far_ahead);
  }
  watermark_.advance(now, now + dataflow_.dataflow->future_max);
  close_windows();
}

void ServiceRunner::finish() {
  watermark_.finish();
  close_windows();
}

bool ServiceRunner::feeds(const ServiceRunner& other) const {
  const auto is_read = [&other](log::TopicId topic) {
    return std::ranges::count(other.inputs_, topic, &Input::id) != 0;
  };
  return std::ranges::any_of(sinks_, is_read, &Target::id) || (late_ && is_read(late_->id));
}

void ServiceRunner::close_windows() {
  closing_.clear();
  if (const auto watermark = watermark_.value()) {
    const Timestamp open_from = tumbling_.open_from(*watermark);
    open_from_ = std::max(open_from_.value_or(open_from), open_from);
  }
  for (const auto& [start, window] : windows_) {
    if (!open_from_ || start >= *open_from_) break;
    closing_.push_back(start);
  }
}

void ServiceRunner::update_shard(std::uint32_t shard, ShardUpdate& worker) {
  if (slice_count_ == 0) return;
  const ShardUpdate::Target target{.functions = &functions_,
                                   .layout = &layout_,
                                   .windows = &windows_,
                                   .window_size = tumbling_.size,
                                   .now = now_,
                                   .open_from = open_from_};
  worker.run(shard, slices_, slice_count_, target, shard_results_[shard]);
}

// Dead letters in one order, whoever found them: by slice, decoding first, then by record.
void ServiceRunner::collect_failures() {
  std::vector<FailedUpdate> failed;
  for (ShardUpdateResult& result : shard_results_) {
    std::ranges::move(result.failed, std::back_inserter(failed));
    result.failed.clear();
  }
  std::ranges::sort(failed, [](const FailedUpdate& a, const FailedUpdate& b) {
    return std::tie(a.slice, a.record) < std::tie(b.slice, b.record);
  });
  auto next = failed.begin();
  for (std::size_t s = 0; s < slice_count_; ++s) {
    std::ranges::move(slices_[s].dead(), std::back_inserter(dead_));
    for (; next != failed.end() && next->slice == s; ++next) {
      dead_.push_back(slices_[s].dead_letter(next->record, next->op, std::move(next->reason)));
    }
  }
}

void ServiceRunner::flush() {
  collect_failures();
  for (const Timestamp start : closing_) {
    auto json = flusher_.run(*windows_.at(start));
    if (!json) {
      dead_.push_back({.service = plan_.spec->name,
                       .op = "flush",
                       .code = json.error().code,
                       .field = {},
                       .reason = std::move(json.error().message),
                       .origin = {},
                       .window_start = start});
    } else if (json->has_value()) {
      outputs_.push_back({start, std::move(**json)});
    }
  }
}

void ServiceRunner::add_records(log::Commit& commit) {
  const auto add = [&commit](const Target& to, std::uint64_t spread, Timestamp time,
                             std::optional<std::string_view> key, std::string_view value) {
    const auto partition = static_cast<std::uint32_t>(spread % to.partitions);
    auto found = std::ranges::find_if(commit.appends, [&](const log::Append& append) {
      return append.topic == to.id && append.partition == partition &&
             append.batch.fits((key ? key->size() : 0) + value.size());
    });
    if (found == commit.appends.end()) {
      commit.appends.push_back({to.id, partition, {}});
      found = commit.appends.end() - 1;
    }
    found->batch.add(time, key, value);
  };
  for (const Output& output : outputs_) {
    const auto number = static_cast<std::uint64_t>(output.window.ms / tumbling_.size.ms);
    for (const Target& sink : sinks_)
      add(sink, number, tumbling_.end_of(output.window), std::nullopt, output.json);
  }
  for (const DeadLetter& letter : dead_) {
    add(dead_letters_, letter.origin ? letter.origin->partition : 0, now_, std::nullopt,
        to_json(letter));
  }
  if (late_) {
    for (std::size_t s = 0; s < slice_count_; ++s) {
      for (const std::uint32_t number : slices_[s].late()) {
        const record::RecordView record = slices_[s].origin(number).record();
        add(*late_, slices_[s].input().partition, record.timestamp, record.key, record.value);
      }
    }
  }
  counters_.records_out += outputs_.size() * sinks_.size();
  counters_.records_dead += dead_.size();
  counters_.windows_closed += closing_.size();
}

void ServiceRunner::add_segments(log::Commit& commit) {
  for (const Timestamp start : closing_) {
    if (windows_.at(start)->segment_count != 0) commit.erase.push_back(window_range(name(), start));
  }
  for (auto& [start, window] : windows_) {
    if (open_from_ && start < *open_from_) continue;
    std::string changes;
    for (ShardUpdateResult& result : shard_results_) {
      if (const auto found = result.changes.find(start); found != result.changes.end())
        changes += found->second;
    }
    const bool too_many =
        window->segment_count >= kSegmentsMax ||
        window->bytes_since_full + changes.size() > kSegmentBytesMin + 4 * window->bytes_full;
    if (changes.empty() && !rewrite_all_) continue;
    if (too_many || rewrite_all_) {
      changes.clear();
      ByteWriter out(changes);
      for (const auto& shard : window->shards) {
        if (shard != nullptr) shard->take_all(out);
      }
      if (window->segment_count != 0) commit.erase.push_back(window_range(name(), start));
      window->segment_count = 0;
      window->bytes_since_full = 0;
      window->bytes_full = changes.size();
    } else {
      window->bytes_since_full += changes.size();
    }
    ++window->segment_count;
    commit.put.push_back({segment_key(name(), start, window->segment_next++), std::move(changes)});
  }
  rewrite_all_ = false;
}

void ServiceRunner::add_state(log::Commit& commit) {
  add_segments(commit);
  commit.put.push_back({service_key(name()), encode(record())});
}

void ServiceRunner::add_to(log::Commit& commit) {
  for (Input& input : inputs_) {
    if (!input.fetched.empty()) input.next = input.fetched.back()->end_offset();
    counters_.records_expired += std::exchange(input.expired, 0);
  }
  add_records(commit);
  add_state(commit);
}

ServiceRecord ServiceRunner::record() const {
  ServiceRecord record{.window_size = tumbling_.size,
                       .states = stored_states(plan_),
                       .watermark = watermark_.value(),
                       .open_from = open_from_,
                       .inputs = {},
                       .counters = counters_};
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Input& input = inputs_[i];
    record.inputs.push_back(
        {input.topic, input.id, input.partition, input.next, watermark_.partitions()[i].progress});
  }
  std::ranges::copy(former_inputs_, std::back_inserter(record.inputs));
  return record;
}

std::size_t ServiceRunner::committed() {
  std::size_t bytes = 0;
  has_new_input_ = false;
  for (const Timestamp start : closing_) {
    auto closed = windows_.extract(start);
    bytes += closed.mapped()->bytes() + (last_closed_ == nullptr ? 0 : last_closed_->bytes());
    last_closed_ = std::move(closed.mapped());
  }
  forget_epoch();
  return bytes;
}

void ServiceRunner::forget_epoch() {
  closing_.clear();
  outputs_.clear();
  dead_.clear();
  for (std::size_t s = 0; s < slice_count_; ++s) slices_[s].clear();
  slice_count_ = 0;
  for (ShardUpdateResult& result : shard_results_) result = {};
  for (Input& input : inputs_) {
    input.fetched.clear();
    input.fetched_bytes = 0;
    input.expired = 0;
  }
}

void ServiceRunner::release_memory() {
  slices_.clear();
  flusher_.release_memory();
}

}  // namespace gameflow::runtime
