#include "state/sessions.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <tuple>

#include "base/check.h"

namespace gameflow::state {
namespace {

// A key has at most so many sessions that have not closed.
constexpr std::uint32_t kSlotsMax = 4096;

std::string with_slot(std::string_view full_key, std::uint32_t slot) {
  std::string key(full_key.substr(0, full_key.size() - Layout::kSlotBytes));
  Sessions::append_slot(key, static_cast<std::uint16_t>(slot));
  return key;
}

}  // namespace

void Sessions::append_slot(std::string& key, std::uint16_t slot) {
  key += static_cast<char>(slot >> 8);
  key += static_cast<char>(slot & 0xff);
}

std::uint64_t Sessions::shard_hash(std::string_view full_key) {
  return hash_key(with_slot(full_key, 0));
}

// Where the record goes must not depend on whether those before it in the batch fail: it is behind
// all of them, and within the gap of the last one that is certain.
Sessions::Way Sessions::in_order(Entry* latest, Timestamp time) const {
  SessionTimes& session = layout_.session(latest);
  const bool is_first = session.pending == kNoSession;
  const bool is_next = latest->live != 0 && time >= session.last && time >= session.pending &&
                       time < rules_.end_of(session) && within_max(session.first, time);
  if (is_next) {
    session.pending = time;
    return Way::kInPlace;
  }
  if (!is_first) return Way::kWait;
  session.pending = Timestamp{INT64_MAX};
  return Way::kOwnRows;
}

void Sessions::extend(Entry* latest, Timestamp time, std::uint32_t asked, Timestamp now) {
  if (asked == 0) return;
  SessionTimes& session = layout_.session(latest);
  session.last = std::max(session.last, time);
  table_.mark_changed(latest, asked, now);
}

Entry* Sessions::slot(std::string_view full_key, std::uint32_t number) {
  const std::string key = with_slot(full_key, number);
  return table_.find_or_insert(key, hash_key(key));
}

const Entry* Sessions::find_slot(std::string_view full_key, std::uint32_t number) const {
  const std::string key = with_slot(full_key, number);
  return table_.find(key, hash_key(key));
}

// Sessions do not overlap, so that at most two are touched; but with a `max` they may be closer
// than the gap: then it is the nearest ones.
Sessions::Neighbours Sessions::touched(std::string_view full_key, Timestamp time) const {
  Neighbours found;
  for (; found.count < kSlotsMax; ++found.count) {
    const Entry* const entry = find_slot(full_key, found.count);
    if (entry == nullptr) break;
    const SessionTimes& session = layout_.session(entry);
    Entry*& place = session.first <= time ? found.before : found.behind;
    const bool is_touched =
        session.first <= time ? time < rules_.end_of(session) && within_max(session.first, time)
                              : session.first < time + rules_.gap && within_max(time, session.last);
    if (!is_touched) continue;
    const bool is_nearer =
        place == nullptr || (session.first <= time ? layout_.session(place).first < session.first
                                                   : session.first < layout_.session(place).first);
    if (is_nearer) place = const_cast<Entry*>(entry);  // to be found again before it is written
  }
  // Inside of one it touches no other.
  if (found.before != nullptr && time <= layout_.session(found.before).last) found.behind = nullptr;
  const bool would_be_too_long =
      found.before != nullptr && found.behind != nullptr &&
      !within_max(layout_.session(found.before).first, layout_.session(found.behind).last);
  if (would_be_too_long) found.behind = nullptr;
  return found;
}

bool Sessions::is_late(std::string_view full_key, Timestamp time,
                       std::optional<Timestamp> closed_until) const {
  if (!closed_until || time + rules_.gap > *closed_until) return false;
  const Neighbours found = touched(full_key, time);
  return found.before == nullptr && found.behind == nullptr;
}

std::pair<Timestamp, Timestamp> Sessions::bounds_with(std::string_view full_key,
                                                      Timestamp time) const {
  const Neighbours found = touched(full_key, time);
  std::pair bounds(time, time);
  for (const Entry* entry : {found.before, found.behind}) {
    if (entry == nullptr) continue;
    bounds.first = std::min(bounds.first, layout_.session(entry).first);
    bounds.second = std::max(bounds.second, layout_.session(entry).last);
  }
  return bounds;
}

std::optional<std::string> Sessions::take(std::string_view full_key, Timestamp time,
                                          void* const* rows, std::uint32_t asked, Timestamp now,
                                          Arena& arena) {
  if (asked == 0) return std::nullopt;
  const Neighbours found = touched(full_key, time);
  const auto writable = [this](const Entry* entry) {
    const std::string_view key = layout_.key(entry);
    return entry == nullptr ? nullptr : table_.find_or_insert(key, hash_key(key));
  };
  Entry* const before = found.before == nullptr ? nullptr : writable(found.before);
  Entry* const behind = found.behind == nullptr ? nullptr : writable(found.behind);
  if (before == nullptr && behind == nullptr) {
    if (found.count == kSlotsMax) {
      return "the key has 4096 sessions that have not ended, and gets no other one: is a device's "
             "clock wrong?";
    }
    Entry* const made = make(full_key, time, found.count, now);
    merge(made, rows, asked, 0, arena);
    table_.mark_changed(made, asked, now);
    arm(made);
    return std::nullopt;
  }
  // The one of slot 0 stays there.
  const Entry* const latest = find_slot(full_key, 0);
  Entry* const into = behind == nullptr || before == latest   ? before
                      : before == nullptr || behind == latest ? behind
                                                              : before;
  Entry* const other = before == nullptr || behind == nullptr ? nullptr
                       : into == before                       ? behind
                                                              : before;
  std::vector<char> saved(layout_.mutable_bytes());
  std::memcpy(saved.data(), static_cast<void*>(into), saved.size());
  SessionTimes& session = layout_.session(into);
  const auto order = [&session](Timestamp first, Timestamp last) {
    return (first < session.first ? u32{abi::kFromFirst} : 0) |
           (last >= session.last ? u32{abi::kFromLast} : 0);
  };
  std::uint32_t live = into->live | asked;
  bool is_fine = merge(into, rows, asked, order(time, time), arena);
  session.first = std::min(session.first, time);
  session.last = std::max(session.last, time);
  if (is_fine && other != nullptr) {
    const SessionTimes& joined = layout_.session(other);
    std::vector<void*> others;
    for (std::size_t state = 0; state < layout_.state_count(); ++state)
      others.push_back(layout_.row(other, state));
    // What the record has made counts as there.
    const std::uint32_t before_record = std::exchange(into->live, live);
    is_fine = merge(into, others.data(), other->live, order(joined.first, joined.last), arena);
    into->live = before_record;
    session.first = std::min(session.first, joined.first);
    session.last = std::max(session.last, joined.last);
    live |= other->live;
  }
  if (!is_fine) {
    const Entry head = *into;  // what the table keeps of it has not changed
    std::memcpy(static_cast<void*>(into), saved.data(), saved.size());
    into->changed = head.changed;
    into->saved = head.saved;
    return std::exchange(error_, {});
  }
  table_.mark_changed(into, live, now);
  if (other != nullptr) {
    erase(other, now);
    pack(full_key, found.count, now);
  }
  return std::nullopt;
}

// A new session: in slot 0, whose session moves, where it is the last one.
Entry* Sessions::make(std::string_view full_key, Timestamp time, std::uint32_t count,
                      Timestamp now) {
  Entry* const latest = slot(full_key, 0);
  Entry* made = latest;
  if (count != 0) {
    Entry* const free = slot(full_key, count);
    if (time >= layout_.session(latest).last) {
      move(latest, free, now);
    } else {
      made = free;
    }
  }
  SessionTimes& session = layout_.session(made);
  session.first = session.last = time;
  return made;
}

// Rows that are not there yet are those of `rows`.
bool Sessions::merge(Entry* into, void* const* rows, std::uint32_t live, u32 order, Arena& arena) {
  for (std::size_t state = 0; state < layout_.state_count(); ++state) {
    if ((live >> state & 1U) == 0) continue;
    void* const row = layout_.row(into, state);
    if ((into->live >> state & 1U) == 0) {
      std::memcpy(row, rows[state], layout_.codec(state).size());
      continue;
    }
    abi::Call call{};
    call.arena = &arena;
    abi::RecordError error{};
    const void* const from = rows[state];
    if (merges_[state](&call, &row, &from, &order, 1, &error) == 0) continue;
    error_ = error.message.str();
    return false;
  }
  return true;
}

void Sessions::move(Entry* from, Entry* to, Timestamp now) {
  const std::uint32_t live = from->live;
  const Timestamp pending = layout_.session(to).pending;
  std::memcpy(static_cast<void*>(to + 1), from + 1, layout_.mutable_bytes() - sizeof(Entry));
  layout_.session(to).pending = pending;
  table_.mark_changed(to, live, from->updated_at);
  arm(to);
  erase(from, now);
}

void Sessions::erase(Entry* entry, Timestamp now) {
  table_.mark_erased(entry, entry->live, now);
  for (std::size_t state = 0; state < layout_.state_count(); ++state)
    layout_.initialize(entry, state);
  layout_.session(entry).due_at = kNoSession;
}

void Sessions::arm(Entry* entry) {
  SessionTimes& session = layout_.session(entry);
  session.due_at = rules_.end_of(session);
  const std::string_view key = layout_.key(entry);
  timers_.add({session.due_at, *table_.place_of(key, hash_key(key)), 0});
}

void Sessions::tidy(Entry* latest, Timestamp now) {
  if (latest->live != 0) return;
  for (std::size_t state = 0; state < layout_.state_count(); ++state)
    layout_.initialize(latest, state);
  const std::string key(layout_.key(latest));
  std::uint32_t count = 1;
  while (find_slot(key, count) != nullptr) ++count;
  layout_.session(latest).due_at = kNoSession;
  pack(key, count, now);
}

// The sessions in the first `count` slots, some of which are free, move together; slot 0 gets the
// last one.
void Sessions::pack(std::string_view full_key, std::uint32_t count, Timestamp now) {
  const std::string key(full_key);  // may be that of an entry
  std::uint32_t used = 0;
  for (std::uint32_t number = 0; number < count; ++number) {
    if (find_slot(key, number) == nullptr) continue;
    if (number != used) move(slot(key, number), slot(key, used), now);
    ++used;
  }
  std::uint32_t latest = 0;
  for (std::uint32_t number = 1; number < used; ++number) {
    if (layout_.session(find_slot(key, latest)).last < layout_.session(find_slot(key, number)).last)
      latest = number;
  }
  if (latest == 0) return;
  move(slot(key, 0), slot(key, used), now);
  move(slot(key, latest), slot(key, 0), now);
  move(slot(key, used), slot(key, latest), now);
}

void Sessions::pack_all(Timestamp now) {
  std::map<std::string, std::uint32_t> counts;  // up to the last slot that is used
  table_.peek()->for_each([&](const Entry* entry) {
    if (entry->live == 0) return;
    const std::string_view key = layout_.key(entry);
    const auto byte = [key](std::size_t from_end) {
      return static_cast<std::uint8_t>(key[key.size() - from_end]);
    };
    std::uint32_t& count = counts[with_slot(key, 0)];
    count = std::max(count, (std::uint32_t{byte(2)} << 8 | byte(1)) + 1);
  });
  for (const auto& [key, count] : counts) pack(key, count, now);
}

std::vector<const Entry*> Sessions::due(Timestamp until) {
  std::vector<const Entry*> ended;
  timers_.take_due(until, [&](const Timers::Timer& timer) {
    const Entry* const entry = table_.entry_at(timer.place);
    if (entry->live == 0 || layout_.session(entry).due_at != timer.due_at) return;
    Entry* const edited = table_.edit(timer.place);
    if (rules_.end_of(layout_.session(edited)) > until) {
      arm(edited);
    } else {
      layout_.session(edited).due_at = kNoSession;  // another timer may say the same
      ended.push_back(edited);
    }
  });
  std::ranges::sort(ended, {}, [this](const Entry* entry) {
    const SessionTimes& session = layout_.session(entry);
    return std::tuple(session.last, session.first, layout_.key(entry));
  });
  return ended;
}

void Sessions::remove(std::vector<const Entry*> ended, Timestamp now) {
  std::vector<std::pair<std::string, std::uint32_t>> keys;  // and how many sessions they had
  for (const Entry* entry : ended) {
    const std::string key = with_slot(layout_.key(entry), 0);
    std::uint32_t count = 0;
    while (find_slot(key, count) != nullptr) ++count;
    keys.emplace_back(key, count);
  }
  for (const Entry* entry : ended) erase(const_cast<Entry*>(entry), now);
  std::ranges::sort(keys);
  const auto same = std::ranges::unique(keys, {}, &std::pair<std::string, std::uint32_t>::first);
  keys.erase(same.begin(), same.end());
  for (const auto& [key, count] : keys) pack(key, count, now);
}

}  // namespace gameflow::state
