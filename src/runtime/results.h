// Which results a service's windows have given, and which they give in an epoch.
//
// A window gives a final result once, when it has closed. It may give early ones before, by the
// clock, and corrected ones behind, when late records have changed it: each at most once an epoch,
// and only where it has changed since the one before. What is known of that is a value that an
// epoch works on a copy of; it is stored with the epoch, so a restart says nothing twice.
//
// Threads  the thread that runs epochs.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/time.h"
#include "window/assigner.h"
#include "window/trigger.h"

namespace gameflow::runtime {

struct DueResult {
  window::Span window;
  window::Kind kind;
};

struct Results {
  // Windows that end at or before this have been flushed, or are being flushed beside the epochs…
  std::optional<Timestamp> given_until;
  // …and their final results are committed.
  std::optional<Timestamp> fired_until;
  // Starts of windows that have changed since their last result. Only where windows give others
  // than final ones.
  std::set<Timestamp> unsaid;
  // Starts of windows whose early or corrected result is being made beside the epochs: stored among
  // the unsaid, as a restart has to make it again.
  std::set<Timestamp> in_flight;
  std::optional<Timestamp> emit_at;  // when early results are given next
};

// What a service says of results, besides that of windows that close.
struct ResultRules {
  std::optional<Duration> emit_every;
  bool reopens = false;

  // Whether windows give others than final results.
  bool follows_changes() const { return emit_every || reopens; }
};

// The results of an epoch, decided in two steps: before the rows change, and behind that.
class DecidingResults {
 public:
  // `before`, `closed`: as the epoch begins and ends.
  DecidingResults(const window::Assigner& assigner, const ResultRules& rules,
                  const window::Closed& before, const window::Closed& closed)
      : assigner_(assigner), rules_(rules), before_(before), closed_(closed) {}

  // What may be due, in order of the windows' ends. `panes`: all that have or may get rows;
  // `asked`: those that records of this epoch go to. `after` moves on to the next early results.
  std::vector<DueResult> may_be_due(std::span<const window::Span> panes,
                                    std::span<const window::Span> asked, Timestamp now,
                                    Results& after) const;
  // `changed`: the panes whose rows the epoch has changed. Leaves in `due`, which may_be_due gave,
  // what is due; has_rows(window) says whether there is anything to tell.
  template <class HasRows>
  void settle(std::span<const window::Span> changed, Timestamp now, HasRows&& has_rows,
              std::vector<DueResult>& due, Results& after) const;

 private:
  std::optional<window::Kind> kind_of(window::Span window, const Results& before,
                                      bool is_early_due) const;
  void note_changed(window::Span pane, const Results& before, std::set<Timestamp>& unsaid) const;

  const window::Assigner& assigner_;
  const ResultRules& rules_;
  const window::Closed& before_;
  const window::Closed& closed_;
};

template <class HasRows>
void DecidingResults::settle(std::span<const window::Span> changed, Timestamp now,
                             HasRows&& has_rows, std::vector<DueResult>& due,
                             Results& after) const {
  if (rules_.follows_changes()) {
    for (const window::Span pane : changed) note_changed(pane, after, after.unsaid);
    if (rules_.emit_every && !after.emit_at && !after.unsaid.empty())
      after.emit_at = now + *rules_.emit_every;
  }
  std::erase_if(due, [&](const DueResult& result) {
    const bool is_final = result.kind == window::Kind::kFinal;
    const bool was_unsaid = after.unsaid.erase(result.window.start) != 0;
    return (!is_final && !was_unsaid) || !has_rows(result.window);
  });
  std::erase_if(after.unsaid, [&](Timestamp start) {
    return window::has_passed(closed_.gone_until, assigner_.window_from(start).end);
  });
  after.given_until = closed_.until;
}

}  // namespace gameflow::runtime
