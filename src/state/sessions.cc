#include "state/sessions.h"

#include <algorithm>
#include <cstring>

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

// The rows and times of a session, which move to another entry.
void copy(const Layout& layout, const Entry* from, Entry* to) {
  const SessionTimes before = layout.session(to);
  std::memcpy(static_cast<void*>(to + 1), from + 1, layout.mutable_bytes() - sizeof(Entry));
  SessionTimes& session = layout.session(to);
  session.pending = before.pending;
  session.place = before.place;
  session.place_of_latest = before.place_of_latest;
  session.count = before.count;
}

std::uint32_t slot_of(std::string_view full_key) {
  const auto high = static_cast<std::uint8_t>(full_key[full_key.size() - 2]);
  return std::uint32_t{high} << 8 | static_cast<std::uint8_t>(full_key.back());
}

}  // namespace

// What nearly always decides stands beside the entries, which are far apart (`engine/session`: 8 %
// of its time was two sorts that looked at them; 3 % now).
void sort_sessions(const Layout& layout, std::vector<const Entry*>& sessions) {
  struct Item {
    Timestamp last, first;
    const Entry* entry;
  };
  std::vector<Item> items;
  items.reserve(sessions.size());
  for (const Entry* const entry : sessions) {
    const SessionTimes& session = layout.session(entry);
    items.push_back({session.last, session.first, entry});
  }
  std::ranges::sort(items, [&](const Item& a, const Item& b) {
    if (a.last != b.last) return a.last < b.last;
    if (a.first != b.first) return a.first < b.first;
    return layout.key(a.entry) < layout.key(b.entry);
  });
  std::ranges::transform(items, sessions.begin(), &Item::entry);
}

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

Entry* Sessions::slot(Entry* latest, std::uint32_t number) {
  const std::string key = with_slot(layout_.key(latest), number);
  const std::uint32_t place = table_.place_or_insert(key, hash_key(key));
  Entry* const entry = table_.edit(place);
  layout_.session(entry).place = place;
  layout_.session(entry).place_of_latest = place_of(latest);
  return entry;
}

// Sessions do not overlap, so that at most two are touched; but with a `max` they may be closer
// than the gap: then it is the nearest ones.
Sessions::Neighbours Sessions::touched(const Entry* latest, Timestamp time) const {
  Neighbours found;
  const std::uint32_t count = layout_.session(latest).count;
  if (count == 0 || time >= rules_.end_of(layout_.session(latest))) return found;
  for (std::uint32_t number = 0; number < count; ++number) {
    const Entry* entry = latest;
    if (number != 0) {
      const std::string key = with_slot(layout_.key(latest), number);
      entry = table_.find(key, hash_key(key));
    }
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

bool Sessions::is_late(const Entry* latest, Timestamp time,
                       std::optional<Timestamp> closed_until) const {
  if (!closed_until || time + rules_.gap > *closed_until) return false;
  const Neighbours found = touched(latest, time);
  return found.before == nullptr && found.behind == nullptr;
}

std::pair<Timestamp, Timestamp> Sessions::bounds_with(const Entry* latest, Timestamp time) const {
  const Neighbours found = touched(latest, time);
  std::pair bounds(time, time);
  for (const Entry* entry : {found.before, found.behind}) {
    if (entry == nullptr) continue;
    bounds.first = std::min(bounds.first, layout_.session(entry).first);
    bounds.second = std::max(bounds.second, layout_.session(entry).last);
  }
  return bounds;
}

std::optional<std::string> Sessions::take(Entry* latest, Timestamp time, void* const* rows,
                                          std::uint32_t asked, Timestamp now, Arena& arena) {
  if (asked == 0) return std::nullopt;
  const Neighbours found = touched(latest, time);
  const auto writable = [&](Entry* entry) {
    if (entry == nullptr || entry == latest) return entry;
    const std::string_view key = layout_.key(entry);
    return table_.find_or_insert(key, hash_key(key));
  };
  Entry* const before = writable(found.before);
  Entry* const behind = writable(found.behind);
  if (before == nullptr && behind == nullptr) {
    if (layout_.session(latest).count == kSlotsMax) {
      return "the key has 4096 sessions that have not ended, and gets no other one: is a device's "
             "clock wrong?";
    }
    Entry* const made = make(latest, time, now);
    merge(made, rows, asked, 0, arena);
    table_.mark_changed(made, asked, now);
    arm(made);
    return std::nullopt;
  }
  // The one of slot 0 stays there.
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
    pack(latest, now);
  }
  return std::nullopt;
}

// A new session: in slot 0, whose session moves, where it is the last one.
Entry* Sessions::make(Entry* latest, Timestamp time, Timestamp now) {
  Entry* made = latest;
  if (const std::uint32_t count = layout_.session(latest).count++; count != 0) {
    Entry* const free = slot(latest, count);
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
  copy(layout_, from, to);
  table_.mark_changed(to, from->live, from->updated_at);
  arm(to);
  erase(from, now);
}

void Sessions::append(const Layout& layout, const Entry* entry, Table& to) {
  const auto slot = [&](std::uint32_t number) {
    const std::string key = with_slot(layout.key(entry), number);
    return to.find_or_insert(key, hash_key(key));
  };
  Entry* const first = slot(0);
  const std::uint32_t count = layout.session(first).count++;
  Entry* const made = count == 0 ? first : slot(count);
  copy(layout, entry, made);
  to.mark_changed(made, entry->live, entry->updated_at);
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
  timers_.add({session.due_at, place_of(entry), 0});
}

std::uint32_t Sessions::place_of(Entry* entry) const {
  std::uint32_t& place = layout_.session(entry).place;
  const std::string_view key = layout_.key(entry);
  if (place == UINT32_MAX) place = *table_.place_of(key, hash_key(key));
  return place;
}

std::uint32_t Sessions::place_of_latest(Entry* entry) const {
  if (is_first_slot(layout_.key(entry))) return place_of(entry);
  std::uint32_t& place = layout_.session(entry).place_of_latest;
  if (place == UINT32_MAX) {
    const std::string key = with_slot(layout_.key(entry), 0);
    place = *table_.place_of(key, hash_key(key));
  }
  return place;
}

void Sessions::tidy(Entry* latest, Timestamp now) {
  if (latest->live != 0) return;
  for (std::size_t state = 0; state < layout_.state_count(); ++state)
    layout_.initialize(latest, state);
  layout_.session(latest).due_at = kNoSession;
  pack(latest, now);
}

// The key's sessions, of which some are gone, move together; slot 0 gets the last one.
void Sessions::pack(Entry* latest, Timestamp now) {
  const std::uint32_t count = std::exchange(layout_.session(latest).count, 0);
  std::vector<Entry*> slots{latest};
  for (std::uint32_t number = 1; number < count; ++number) slots.push_back(slot(latest, number));
  std::uint32_t used = 0;
  std::uint32_t last = 0;
  for (std::uint32_t number = 0; number < count; ++number) {
    if (slots[number]->live == 0) continue;
    if (number != used) move(slots[number], slots[used], now);
    if (layout_.session(slots[last]).last < layout_.session(slots[used]).last) last = used;
    ++used;
  }
  layout_.session(latest).count = used;
  if (last == 0) return;
  Entry* const free = slot(latest, used);
  move(latest, free, now);
  move(slots[last], latest, now);
  move(free, slots[last], now);
}

void Sessions::count_all(const Layout& layout, Table& table) {
  std::vector<std::string> keys;
  table.peek()->for_each([&](const Entry* entry) {
    if (entry->live != 0) keys.emplace_back(layout.key(entry));
  });
  for (const std::string& key : keys) {
    const std::string first = with_slot(key, 0);
    std::uint32_t& count = layout.session(table.find_or_insert(first, hash_key(first))).count;
    count = std::max(count, slot_of(key) + 1);
  }
}

void Sessions::pack_all(Timestamp now) {
  count_all(layout_, table_);
  std::vector<std::uint32_t> places;  // of the slots 0
  table_.peek()->for_each([&](const Entry* entry) {
    if (layout_.session(entry).count == 0) return;
    const std::string_view key = layout_.key(entry);
    places.push_back(*table_.place_of(key, hash_key(key)));
  });
  for (const std::uint32_t place : places) pack(table_.edit(place), now);
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
  sort_sessions(layout_, ended);
  return ended;
}

void Sessions::remove(std::span<const Entry* const> ended, Timestamp now) {
  std::vector<std::uint32_t> places;  // of the slots 0 of their keys
  for (const Entry* const_entry : ended) {
    auto* const entry = const_cast<Entry*>(const_entry);  // due() has edited them
    erase(entry, now);
    places.push_back(place_of_latest(entry));
  }
  std::ranges::sort(places);
  for (auto next = places.begin(); next != places.end();) {
    const auto end = std::ranges::upper_bound(next, places.end(), *next);
    Entry* const latest = table_.edit(*next);
    std::uint32_t& count = layout_.session(latest).count;
    const auto left = count - static_cast<std::uint32_t>(end - next);
    // Mostly nothing is left, or the last one.
    if (left == 0 || (left == 1 && latest->live != 0)) {
      count = left;
    } else {
      pack(latest, now);
    }
    next = end;
  }
}

}  // namespace gameflow::state
