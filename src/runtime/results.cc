#include "runtime/results.h"

#include <algorithm>
#include <map>
#include <utility>

namespace gameflow::runtime {

// Nothing: it gives none now.
std::optional<window::Kind> DecidingResults::kind_of(window::Span window, const Results& before,
                                                     bool is_early_due) const {
  if (!window::has_passed(closed_.until, window.end)) {
    if (is_early_due && !before.in_flight.contains(window.start)) return window::Kind::kEarly;
    return std::nullopt;
  }
  if (!window::has_passed(before.given_until, window.end)) {
    // Only after a restart: it had closed without a row, so what is unsaid of it is no final
    // result.
    const bool had_closed = window::has_passed(before_.until, window.end);
    return had_closed && before.unsaid.contains(window.start) ? window::Kind::kCorrected
                                                              : window::Kind::kFinal;
  }
  if (rules_.reopens && !before.in_flight.contains(window.start)) return window::Kind::kCorrected;
  return std::nullopt;
}

// Windows that close now say it with their final result, and those that were gone take no more.
void DecidingResults::note_changed(window::Span pane, const Results& before,
                                   std::set<Timestamp>& unsaid) const {
  assigner_.for_each_window(pane, [&](window::Span window) {
    const bool is_open = !window::has_passed(closed_.until, window.end);
    const bool was_there = !window::has_passed(before_.gone_until, window.end);
    const bool was_given = window::has_passed(before.given_until, window.end);
    if (is_open ? rules_.emit_every.has_value() : rules_.reopens && was_given && was_there)
      unsaid.insert(window.start);
  });
}

std::vector<DueResult> DecidingResults::may_be_due(std::span<const window::Span> panes,
                                                   std::span<const window::Span> asked,
                                                   Timestamp now, Results& after) const {
  bool is_early_due = false;
  if (rules_.emit_every && after.emit_at && *after.emit_at <= now) {
    is_early_due = !after.unsaid.empty();
    const std::int64_t late = (now - *after.emit_at).ms;
    after.emit_at = now + Duration{rules_.emit_every->ms - late % rules_.emit_every->ms};
  }
  std::map<std::pair<Timestamp, Timestamp>, window::Kind> due;  // by end and start
  const auto add = [&](window::Span window) {
    if (const auto kind = kind_of(window, after, is_early_due))
      due.emplace(std::pair(window.end, window.start), *kind);
  };
  for (const window::Span pane : panes) {
    if (!window::has_passed(closed_.until, assigner_.first_end(pane))) continue;
    if (window::has_passed(after.given_until, assigner_.last_end(pane))) continue;
    assigner_.for_each_window(pane, [&](window::Span window) {
      if (window::has_passed(closed_.until, window.end) &&
          !window::has_passed(after.given_until, window.end))
        add(window);
    });
  }
  if (rules_.follows_changes()) {
    std::set<Timestamp> changed = after.unsaid;
    for (const window::Span pane : asked) note_changed(pane, after, changed);
    for (const Timestamp start : changed) add(assigner_.window_from(start));
  }
  std::vector<DueResult> results;
  for (const auto& [ends, kind] : due) results.push_back({{ends.second, ends.first}, kind});
  return results;
}

}  // namespace gameflow::runtime
