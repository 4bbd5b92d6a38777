#include "state/shard.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "state/sessions.h"

namespace gameflow::state {
namespace {

// A window mostly gets about as many keys as the one before, so its index has room for them from
// the start (the update of `engine/sliding`, where a pane of a shard has 150: 0.21 s, 0.19 so). One
// that gets fewer has wasted up to 2 KiB a shard.
constexpr std::size_t kKeysExpectedMax = 256;

}  // namespace

Shard::Window& Shard::touch(Timestamp start) {
  auto place = windows_.find(start);
  const bool is_new = place == windows_.end();
  if (is_new) place = windows_.emplace(start, std::make_unique<Window>(start, layout_)).first;
  std::unique_ptr<Window>& window = place->second;
  if (!window->touched_ && window->table.is_mostly_dead()) tidy(window);
  if (!std::exchange(window->touched_, true)) {
    touched_.push_back(window.get());
    window->stamp_before_ = std::exchange(window->stamp, ++stamps_);
  }
  if (is_new && place != windows_.begin())
    window->table.reserve(std::min(std::prev(place)->second->table.keys(), kKeysExpectedMax));
  return *window;
}

void Shard::Window::set_timers(const Layout& layout) {
  if (layout.timed() == 0 && !layout.has_sessions()) return;
  if (layout.has_sessions()) Sessions::count_all(layout, table);
  table.peek()->for_each([&](const Entry* const_entry) {
    const std::string_view key = layout.key(const_entry);
    if (layout.has_sessions() && const_entry->live != 0) {
      const std::uint32_t place = *table.place_of(key, hash_key(key));
      const Timestamp due_at = layout.session_end(const_entry);
      SessionTimes& session = layout.session(table.edit(place));
      session.due_at = due_at;
      session.place = place;
      session.place_of_latest = UINT32_MAX;
      timers.add({due_at, place, 0});
    }
    for (std::uint32_t state = 0; state < layout.state_count(); ++state) {
      if ((const_entry->live & layout.timed() & 1U << state) == 0) continue;
      const std::uint32_t place = *table.place_of(key, hash_key(key));
      const Timestamp due_at = layout.runs_out_at(const_entry, state);
      layout.times(table.edit(place), state).due_at = due_at.ms;
      timers.add({due_at, place, state});
    }
  });
}

// Its rows go to a table that has room for nothing else. What is seen of it stays what it was.
void Shard::tidy(std::unique_ptr<Window>& window) {
  auto made = std::make_unique<Window>(window->start, layout_);
  made->table.copy_rows(window->table);
  made->set_timers(layout_);
  made->table.commit();
  made->timers.commit();
  made->stamp = window->stamp;
  made->is_new_ = window->is_new_;
  made->is_sealed_ = window->is_sealed_;
  if (!window->is_sealed_) std::ranges::replace(unsealed_, window.get(), made.get());
  discount(*window);
  window = std::move(made);
  count(*window);
}

std::optional<Timestamp> Shard::next_timer(Timestamp start) const {
  const auto found = windows_.find(start);
  return found == windows_.end() ? std::nullopt : found->second->timers.next();
}

Shard::Window* Shard::find(Timestamp start) {
  const auto found = windows_.find(start);
  return found == windows_.end() ? nullptr : found->second.get();
}

void Shard::drop_empty() {
  std::erase_if(touched_, [this](const Window* window) {
    bool is_empty = window->is_new_;
    for (std::size_t state = 0; is_empty && state < layout_.state_count(); ++state)
      is_empty = window->table.rows(state) == 0;
    if (is_empty) windows_.erase(window->start);
    return is_empty;
  });
}

void Shard::discount(const Window& window) {
  bytes_ -= window.bytes_;
  for (std::size_t state = 0; state < window.rows_.size(); ++state)
    rows_[state] -= window.rows_[state];
}

void Shard::count(Window& window) {
  window.bytes_ = window.table.bytes();
  window.keys_ = window.table.keys();
  window.rows_.resize(layout_.state_count());
  for (std::size_t state = 0; state < window.rows_.size(); ++state) {
    window.rows_[state] = window.table.rows(state);
    rows_[state] += window.rows_[state];
  }
  bytes_ += window.bytes_;
}

// The window as it is now is what the next epoch finds.
void Shard::settle(Window& window) {
  discount(window);
  window.touched_ = window.is_new_ = false;
  count(window);
}

void Shard::set_sealed() {
  for (Window* window : unsealed_) window->is_sealed_ = true;
  unsealed_.clear();
}

void Shard::revert() {
  for (Window* window : touched_) {
    if (window->is_new_) {
      windows_.erase(window->start);
      continue;
    }
    window->table.revert();
    window->timers.revert();
    window->stamp = window->stamp_before_;
    window->touched_ = false;
  }
  touched_.clear();
}

std::unique_ptr<Shard::Window> Shard::take(Timestamp start) {
  const auto found = windows_.find(start);
  if (found == windows_.end()) return nullptr;
  GF_CHECK(!found->second->touched_);
  discount(*found->second);
  auto window = std::move(found->second);
  windows_.erase(found);
  if (!window->is_sealed_) std::erase(unsealed_, window.get());
  return window;
}

}  // namespace gameflow::state
