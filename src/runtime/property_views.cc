// The model's views: rows by key without a window.
#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "log/partitioning.h"
#include "runtime/property_model.h"
#include "state/layout.h"

namespace gameflow::runtime::property {
void Model::use(std::size_t service, const std::vector<Emitted>& emitted, std::int64_t now,
                std::optional<std::int64_t>& progress, Passed& passed, Part& part) {
  const View& view = *case_.services[service].view;
  for (const Emitted& out : emitted) {
    if (!is_placeable(service, out, *passed.record, passed.from, now, progress, part.after.counters,
                      passed.dead))
      continue;
    // An event counts for no more than the time when its record arrived.
    const std::int64_t event_time = std::min(out.time, passed.record->appended_at);
    use(service, out, view.has_event_time ? event_time : now, passed, part.used);
  }
}

// What is done to the row of an event's key, which was used at `seen`.
void Model::use(std::size_t service, const Emitted& emitted, std::int64_t seen, Passed& passed,
                std::set<Key>& used) {
  const View& view = *case_.services[service].view;
  const bool emits = view.has_transform || !view.has_on_expire;
  ViewRow row = services_[service].view[emitted.key];
  std::vector<Emitted> out;
  const auto fail = [&](std::string_view op) {
    passed.failed.push_back(dead_letter(service, op, passed.from, *passed.record));
  };
  // It may have run out before this event.
  if (row.is_live && row.seen && *row.seen + view.ttl <= seen) {
    try {
      const auto said = view.has_on_expire ? expired(view, row.kept) : std::nullopt;
      if (said) out.push_back({*said, 0, {}, false});
    } catch (const std::runtime_error&) {
      return fail("on-expire");
    }
    row = {.kept = {}, .seen = {}, .has_sketches = row.has_sketches};
  }
  Emitted left = emitted;
  bool is_kept = true;
  if (!is_ignored(emitted.event)) {
    KeepResult result;
    try {
      Kept kept = view.is_primitive ? Kept{.sum = row.kept.sum} : row.kept;
      result = keep(view, emitted.event, kept);
      row.kept = kept;
    } catch (const std::runtime_error&) {
      return fail(view.has_transform ? "filter-map" : "update-state");
    }
    row.is_live = result.row != KeepResult::Row::kIsErased;
    if (result.row != KeepResult::Row::kStays) row.kept = {};
    if (result.row == KeepResult::Row::kBeginsAnew) row.kept = {.count = 1, .sum = emitted.event.n};
    if (view.is_primitive) row.kept = {.sum = row.kept.sum};
    if (view.ttl != 0) row.seen = std::max(row.seen.value_or(seen), seen);
    if (!row.is_live) row.seen.reset();
    if (!row.is_live) row.due = 0;
    used.insert(emitted.key);
    is_kept = !view.has_transform || result.passed;
    if (view.has_transform && result.passed) left.event = *result.passed;
  }
  if (is_kept && !view.is_primitive) row.has_sketches = true;
  if (is_kept && emits) out.push_back(left);
  std::ranges::move(out, std::back_inserter(passed.out));
  services_[service].view[emitted.key] = row;
}

// Behind all records of the epoch: what runs out, and then the sinks.
void Model::finish_view(std::size_t service, std::int64_t now, Part& part) {
  const View& view = *case_.services[service].view;
  State& state = services_[service];
  std::optional<std::int64_t> until;
  if (view.ttl != 0 && !view.has_event_time) until = now;
  // The end of input is no time.
  if (view.ttl != 0 && view.has_event_time && part.after.watermark != kEndOfTime)
    until = part.after.watermark;
  part.may_expire = until && !state.timers.empty() && state.timers.begin()->first <= *until;
  for (const Key& key : part.used) {
    ViewRow& row = state.view[key];
    if (!row.seen) continue;
    const std::int64_t due = *row.seen + view.ttl;
    if (row.due != 0 && row.due <= due) continue;
    row.due = due;
    state.timers.emplace(due, key);
  }
  std::vector<Expired> expired;
  if (until) expired = expire(service, *until);
  write_passed(service, expired, part);
}

void Model::write_passed(std::size_t service, const std::vector<Expired>& expired, Part& part) {
  std::vector<std::string> dead;
  for (Passed& passed : part.passed) {
    write(service, passed.out, *passed.record, passed.from, passed.dead, part);
    std::ranges::move(passed.dead, std::back_inserter(dead));
    std::ranges::move(passed.failed, std::back_inserter(dead));
  }
  write(service, expired, part);
  std::ranges::move(dead, std::back_inserter(part.dead));
}

// Rows that were last used a ttl before `until` are gone.
std::vector<Expired> Model::expire(std::size_t service, std::int64_t until) {
  const View& view = *case_.services[service].view;
  State& state = services_[service];
  std::vector<Expired> all;
  while (!state.timers.empty() && state.timers.begin()->first <= until) {
    const auto [due, key] = *state.timers.begin();
    state.timers.erase(state.timers.begin());
    ViewRow& row = state.view[key];
    if (!row.is_live || row.due != due) continue;
    const std::int64_t at = *row.seen + view.ttl;
    if (at > until) {
      row.due = at;
      state.timers.emplace(at, key);
      continue;
    }
    Expired one{at, encoded(view.has_integer_key, key)};
    try {
      const auto said = view.has_on_expire ? property::expired(view, row.kept) : std::nullopt;
      if (said) one.said.push_back(*said);
    } catch (const std::runtime_error&) {
      one.failed = "on-expire";
    }
    all.push_back(std::move(one));
    row = {.kept = {}, .seen = {}, .has_sketches = row.has_sketches};
  }
  std::ranges::sort(all, {}, [](const Expired& row) { return std::tuple(row.at, row.key); });
  return all;
}

// What was said without a record goes to the sinks.
void Model::write(std::size_t service, const std::vector<Expired>& expired, Part& part) {
  const auto fail = [&](std::string_view op) {
    part.dead.push_back(fmt::format(R"({{"service":"s{}","operator":"{}"}})", service, op));
  };
  for (const Expired& one : expired) {
    if (!one.failed.empty()) fail(one.failed);
  }
  for (const Sink& sink : case_.services[service].sinks) {
    const Topic& topic = case_.topics[sink.topic];
    for (const Expired& one : expired) {
      const auto& key = one.record_key;
      const auto to = key ? log::partition_of(*key, topic.partitions)
                          : static_cast<std::uint32_t>(state::hash_key(one.key) % topic.partitions);
      for (const Event& said : one.said) {
        std::vector<Event> made;
        const auto failed =
            pass_all(sink.steps, {said}, look_up_of(service), [&made](const Event& event) {
              made.push_back(event);
              return std::string_view();
            });
        if (!failed.empty()) {
          fail(failed);
          continue;
        }
        for (const Event& event : made) {
          ++part.after.counters.out;
          part.out.push_back({{sink.topic, to},
                              {.time = one.at,
                               .key = key,
                               .text = text_of(topic.content, {event}, false),
                               .value = {event}}});
        }
      }
    }
  }
}

}  // namespace gameflow::runtime::property
