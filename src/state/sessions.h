// The sessions of one shard: a key's rows belong to a stretch of event time without a gap.
//
// A record is a session [time, time + gap) of its own, which joins those of its key that it
// touches; two that are exactly a gap apart do not touch. With a `max` a session takes no record at
// or after its first one plus that: such a record begins the next one.
//
//   in_order   before the functions of a record: the row they may change in place, where the record
//              is the last one of its session, whatever becomes of the records of the batch
//   extend     then, once they have run
//   take       for any other record, behind its batch: the rows that its functions have made from
//              empty ones go to the session that it belongs to, or make one, or join two
//   close      sessions that have ended leave the table
//
// A key's sessions are in entries of their own: its key with the number of a slot behind it. They
// have the slots 0, 1, …; slot 0 has the one that was last active, where most records go, and says
// how many there are: a record that begins a session looks at no other. (`engine/session`, where
// most keys have several when an epoch ends: 2.3 M events/s; 1.7 where each was looked at.)
//
// Threads  as state::Table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/abi.h>

#include "base/time.h"
#include "state/layout.h"
#include "state/table.h"
#include "state/timers.h"

namespace gameflow::state {

struct SessionRules {
  Duration gap;  // that of the layout
  std::optional<Duration> max;

  // Half-open, of records from `first` to `last`.
  Timestamp end_of(const SessionTimes& session) const { return session.last + gap; }
};

// Sorts sessions by their end, first record and key, whatever shards they lie in.
void sort_sessions(const Layout& layout, std::vector<const Entry*>& sessions);

// What becomes of two rows of each state; as RowMerger.
using MergeFns = std::vector<abi::MergeFn>;

class Sessions {
 public:
  // All outlive this. The timers are those of the table; nobody else uses them.
  Sessions(const Layout& layout, const SessionRules& rules, const MergeFns& merges, Table& table,
           Timers& timers)
      : layout_(layout), rules_(rules), merges_(merges), table_(table), timers_(timers) {}

  static void append_slot(std::string& key, std::uint16_t slot);
  static constexpr std::string_view first_slot() { return {"\0\0", Layout::kSlotBytes}; }
  static bool is_first_slot(std::string_view full_key) { return full_key.ends_with(first_slot()); }
  // Which shard an entry's key belongs to: all sessions of a key to one.
  static std::uint64_t shard_hash(std::string_view full_key);

  enum class Way : std::uint8_t {
    kInPlace,  // the entry's rows are those to change
    kOwnRows,  // empty ones are
    kWait,     // run the batch at hand first, then ask again
  };
  // `latest`: the entry of slot 0, found or made.
  Way in_order(Entry* latest, Timestamp time) const;
  // Behind the batch: for each record's entry.
  void forget_pending(Entry* latest) const { layout_.session(latest).pending = kNoSession; }

  // A record in place: `asked` and `changed` as in abi::RowUse.
  void extend(Entry* latest, Timestamp time, std::uint32_t asked, Timestamp now);

  // A record with rows of its own, of which those in `asked` are there; they stay readable until
  // the table's own_text(). What the functions that merge make lies in `arena` until then. A sum
  // that does not fit leaves everything as it was: why.
  std::optional<std::string> take(Entry* latest, Timestamp time, void* const* rows,
                                  std::uint32_t asked, Timestamp now, Arena& arena);

  // Rows were erased: a session without any is gone, whatever is in them now.
  void tidy(Entry* latest, Timestamp now);

  // Calls visit(entries) with the sessions that end at or before `until`, in order of their end,
  // first record and key, as those of one key must get their slots in it; then they are gone.
  template <class Visit>
  void close(Timestamp until, Timestamp now, Visit&& visit) {
    const std::vector<const Entry*> ended = due(until);
    visit(std::span<const Entry* const>(ended));
    remove(ended, now);
  }
  // Rows have come from elsewhere: slot 0 of each key says how many slots it has.
  static void count_all(const Layout& layout, Table& table);
  // The same, and states have gone, and with them sessions: leaves no holes between slots.
  void pack_all(Timestamp now);

  // Adds the session to another table of the layout, behind those of its key.
  static void append(const Layout& layout, const Entry* entry, Table& to);

  // From the first to the last record of the session, this one with it.
  std::pair<Timestamp, Timestamp> bounds_with(const Entry* latest, Timestamp time) const;
  // Whether the record alone would be in a session that has ended, and touches none that has not.
  bool is_late(const Entry* latest, Timestamp time, std::optional<Timestamp> closed_until) const;

 private:
  struct Neighbours {
    Entry* before = nullptr;  // begins at or before the record
    Entry* behind = nullptr;  // begins after it
  };
  Neighbours touched(const Entry* latest, Timestamp time) const;
  Entry* slot(Entry* latest, std::uint32_t number);
  bool within_max(Timestamp first, Timestamp time) const {
    return !rules_.max || time < first + *rules_.max;
  }
  Entry* make(Entry* latest, Timestamp time, Timestamp now);
  // False, with `error_`, where a sum does not fit.
  bool merge(Entry* into, void* const* rows, std::uint32_t live, u32 order, Arena& arena);
  void move(Entry* from, Entry* to, Timestamp now);
  void erase(Entry* entry, Timestamp now);
  void arm(Entry* entry);
  std::uint32_t place_of(Entry* entry) const;
  std::uint32_t place_of_latest(Entry* entry) const;
  std::vector<const Entry*> due(Timestamp until);
  void remove(std::span<const Entry* const> ended, Timestamp now);
  void pack(Entry* latest, Timestamp now);

  const Layout& layout_;
  const SessionRules& rules_;
  const MergeFns& merges_;
  Table& table_;
  Timers& timers_;
  std::string error_;
};

}  // namespace gameflow::state
