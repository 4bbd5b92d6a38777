// The model's sessions: those of a key lie in order of time, and never overlap.
#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "runtime/property_model.h"

namespace gameflow::runtime::property {
namespace {

bool within_max(const Window& window, std::int64_t first, std::int64_t last) {
  return window.max == 0 || last < first + window.max;
}

}  // namespace

// An event is [time, time + gap). One inside a session touches no other; one between two joins them
// unless that is too long, then it goes to the earlier one.
Touched Model::touched(const Window& window, Sessions& sessions, std::int64_t time) {
  Touched found;
  for (Session& session : sessions) {
    if (session.first <= time) {
      if (time < session.last + window.gap && within_max(window, session.first, time))
        found.before = &session;
    } else if (found.behind == nullptr && session.first < time + window.gap &&
               within_max(window, time, session.last)) {
      found.behind = &session;
    }
  }
  const auto& [before, behind, is_last] = found;
  if (before != nullptr && behind != nullptr &&
      (time <= before->last || !within_max(window, before->first, behind->last)))
    found.behind = nullptr;
  found.is_last = before != nullptr && before == &sessions.back() && time >= before->last;
  return found;
}

// It alone would be a session that has ended, and it touches none.
bool Model::is_late_for_sessions(std::size_t service, const Emitted& emitted) {
  const Window& window = *case_.services[service].window;
  State& state = services_[service];
  const auto closed_until = state.memory.closed_until;
  if (!closed_until || emitted.time + window.gap > *closed_until) return false;
  const auto known = state.sessions.find(emitted.key);
  if (known == state.sessions.end()) return true;
  const Touched found = touched(window, known->second, emitted.time);
  return found.before == nullptr && found.behind == nullptr;
}

void Model::merge(const Window& window, const Row& from, Row& into) {
  if (from.has_totals()) {
    into.low = into.has_totals() ? std::min(into.low, from.low) : from.low;
    into.count += from.count;
    into.sum += from.sum;
    into.deep = std::max(into.deep, from.deep);
  }
  into.names.insert(from.names.begin(), from.names.end());
  into.sizes.insert(into.sizes.end(), from.sizes.begin(), from.sizes.end());
  if (!from.last) return;
  into.last_deep = std::max(into.last_deep, from.last_deep);
  if (!into.last) {
    into.last = from.last;
    into.first_pane = from.first_pane;
    into.last_pane = from.last_pane;
  } else if (window.lasts == Lasts::kGreatest) {
    into.last = std::max(*into.last, *from.last);
  } else {
    if (from.first_pane < into.first_pane) into.last->second = from.last->second;
    if (from.last_pane >= into.last_pane) into.last->first = from.last->first;
    into.first_pane = std::min(into.first_pane, from.first_pane);
    into.last_pane = std::max(into.last_pane, from.last_pane);
  }
}

// False: its function throws. An event that uses no row is in no session.
bool Model::join_session(std::size_t service, const Emitted& emitted) {
  const Window& window = *case_.services[service].window;
  const Event& event = emitted.event;
  const std::int64_t time = emitted.time;
  try {
    check_update(window, event);
  } catch (const std::runtime_error&) {
    return false;
  }
  if (is_ignored(event)) return true;
  State& state = services_[service];
  Sessions& sessions = state.sessions[emitted.key];
  const auto [before, behind, is_last] = touched(window, sessions, time);
  Session made{time, time, {}};
  for (const Session* const session : {before, behind}) {
    if (session == nullptr) continue;
    made.first = std::min(made.first, session->first);
    made.last = std::max(made.last, session->last);
  }
  add(window, event, summand(window, event, made.first, made.last + window.gap), time, made.row);
  // In order it erases the row of the session, else only what would have been merged.
  const auto erase_totals = [](Row& row) { row.count = row.sum = row.deep = row.low = 0; };
  const bool is_erased = erases(window, event);
  if (is_erased) erase_totals(made.row);
  if (is_erased && is_last) erase_totals(before->row);
  if (!window.has_sketches) made.row.sizes.clear();
  if (made.row.is_empty()) {
    if (is_last && before->row.is_empty()) sessions.pop_back();
    if (sessions.empty()) state.sessions.erase(emitted.key);
    return true;
  }
  state.ends.insert(time + window.gap);
  if (before == nullptr && behind == nullptr) {
    sessions.insert(std::ranges::upper_bound(sessions, time, {}, &Session::first), made);
    return true;
  }
  Session& into = before != nullptr ? *before : *behind;
  merge(window, made.row, into.row);
  into.first = made.first;
  into.last = made.last;
  if (before == nullptr || behind == nullptr) return true;
  merge(window, behind->row, into.row);
  sessions.erase(sessions.begin() + (behind - sessions.data()));
  return true;
}

// Those that have ended give one result. The engine looks for them where one that is there now, or
// was, may have ended, which it remembers in its own way: whether it has is told.
void Model::end_sessions(std::size_t service, Part& part) {
  const Window& window = *case_.services[service].window;
  State& state = services_[service];
  part.due.clear();
  const auto until = part.after.closed_until;
  if (!until) return;
  const auto is_between = [&](std::int64_t end) {
    return end <= *until && (!state.memory.closed_until || end > *state.memory.closed_until);
  };
  part.may_expire = part.told.was_stored && part.told.watermark == part.after.watermark &&
                    std::ranges::any_of(state.ends, is_between);
  Result result{.start = INT64_MAX, .rows = {}, .counter = &Counters::windows_closed};
  for (auto& [key, sessions] : state.sessions) {
    std::erase_if(sessions, [&, &of = key](const Session& session) {
      if (session.last + window.gap > *until) return false;
      result.start = std::min(result.start, session.first);
      result.sessions.emplace_back(of, session);
      return true;
    });
  }
  std::erase_if(state.sessions, [](const auto& of_key) { return of_key.second.empty(); });
  if (result.sessions.empty()) return;
  std::ranges::sort(result.sessions, {}, [](const auto& session) {
    return std::tuple(session.second.last, session.second.first, session.first);
  });
  part.due.push_back(std::move(result));
}

}  // namespace gameflow::runtime::property
