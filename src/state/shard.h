// One of the 64 shards of a service: the rows of its keys, by window.
//
// One worker at a time opens, updates and stores it; an epoch ends with commit() or with revert().
// Between epochs seal() makes versions for readers, where there are some. What an epoch costs
// depends on the windows it touches, not on those that are open.
//
// Threads  one at a time; versions belong to everybody.
// Errors   running out of memory throws std::bad_alloc; then only revert() is allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"
#include "state/table.h"
#include "state/timers.h"

namespace gameflow::state {

class Shard {
 public:
  class Window {
   public:
    Window(Timestamp window_start, const Layout& layout) : start(window_start), table(layout) {}

    const Timestamp start;
    Table table;
    Timers timers;  // of rows with a ttl, or of sessions
    // What it holds has a number, which no other content of the shard's windows has, nor a lower
    // one later content.
    std::uint64_t stamp = 0;

    // A timer for each of these, of a table that has just been filled.
    void set_timers(const Layout& layout);

   private:
    friend class Shard;
    std::uint64_t stamp_before_ = 0;  // this epoch
    bool touched_ = false;
    bool is_new_ = true;     // no epoch that knows it was committed
    bool is_sealed_ = true;  // not among unsealed_
    // What the shard's totals hold of this window.
    std::size_t bytes_ = 0, keys_ = 0;
    std::vector<std::size_t> rows_;
  };

  // `layout` outlives the shard and all versions.
  explicit Shard(const Layout& layout) : layout_(layout), rows_(layout.state_count()) {}

  // The window, made if there is none, to be changed in this epoch. Rows that are gone give their
  // memory back when an epoch touches the window, once there are many.
  Window& touch(Timestamp start);
  // Null where the shard has no rows of that window.
  Window* find(Timestamp start);

  // Those that this epoch touches; pointers stay valid until it ends.
  const std::vector<Window*>& touched() const { return touched_; }
  static bool is_touched(const Window& window) { return window.touched_; }
  // Forgets windows that were opened by records which left no row.
  void drop_empty();

  // The epoch is committed: calls visit(start, new keys, whether it was sealed as it was) for each
  // window it changed.
  template <class Visit>
  void commit(Visit&& visit);
  // It is not: everything is as before it.
  void revert();
  // Takes the window out, if it is there. Not while an epoch touches it.
  std::unique_ptr<Window> take(Timestamp start);

  // Calls publish(start, version) for each window that was committed since the last set_sealed().
  template <class Publish>
  void seal(Publish&& publish);
  void set_sealed();

  std::size_t bytes() const { return bytes_; }
  // The first time at which a row of the window may run out, or a session may end.
  std::optional<Timestamp> next_timer(Timestamp start) const;
  // Live rows of a state, in all windows.
  std::size_t rows(std::size_t state) const { return rows_[state]; }

 private:
  void settle(Window& window);
  void tidy(std::unique_ptr<Window>& window);
  void discount(const Window& window);
  void count(Window& window);

  const Layout& layout_;
  std::map<Timestamp, std::unique_ptr<Window>> windows_;
  std::vector<Window*> touched_;
  std::vector<Window*> unsealed_;
  std::size_t bytes_ = 0;  // as are rows_: of the windows as the last epoch left them
  std::vector<std::size_t> rows_;
  std::uint64_t stamps_ = 0;
};

template <class Visit>
void Shard::commit(Visit&& visit) {
  for (Window* window : touched_) {
    if (window->is_sealed_) unsealed_.push_back(window);
    const bool was_sealed = std::exchange(window->is_sealed_, false);
    window->table.commit();
    window->timers.commit();
    visit(window->start, window->table.keys() - window->keys_, was_sealed);
    settle(*window);
  }
  touched_.clear();
}

template <class Publish>
void Shard::seal(Publish&& publish) {
  for (Window* window : unsealed_) publish(window->start, window->table.seal());
}

}  // namespace gameflow::state
