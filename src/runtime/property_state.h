// What the model knows and makes, as plain data: part of property_model.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/property_case.h"
#include "runtime/property_record.h"

namespace gameflow::runtime::property {

// Past every window.
inline constexpr std::int64_t kEndOfTime = INT64_MAX / 2;
// What a join keeps goes in stretches of so long, where events meet within less than 32 of them.
inline constexpr std::int64_t kBucket = 1'000;
inline std::int64_t bucket_of(std::int64_t time) {
  return time - modulo(time, kBucket);
}

struct Counters {
  std::uint64_t in = 0, out = 0, late = 0, dead = 0, future = 0, windows_closed = 0, skipped = 0;
  std::uint64_t early = 0, corrected = 0;
  bool operator==(const Counters&) const = default;
};
struct Outcome {
  bool has_work = false;
  std::map<Partition, std::vector<Record>> appended;  // dead letters: topic dead_topic()
};
// What the engine says of a service as the epoch ends.
struct Told {
  std::vector<std::uint64_t> next;  // by input: sources in order, partitions in order
  // Of sessions: what is stored of where the service stands has become another.
  bool was_stored = false;
  std::optional<std::int64_t> watermark;  // that is stored
};
using AllTold = std::vector<Told>;  // by service

using Key = std::pair<std::int64_t, std::string>;  // a number, or text
// Of a window.
struct Row {
  std::int64_t count = 0, sum = 0, deep = 0, low = 0;
  std::optional<std::pair<std::string_view, std::int64_t>> last;
  std::int64_t last_deep = 0;
  std::int64_t first_pane = 0, last_pane = 0;  // that `last` is of; of sessions times
  std::set<std::string_view> names;
  std::vector<std::int64_t> sizes;

  bool has_totals() const { return count != 0; }
  bool is_empty() const { return !has_totals() && !last && sizes.empty(); }
};
using Rows = std::map<Key, Row>;
struct Session {
  std::int64_t first, last;  // times of its events
  Row row;
};
using Sessions = std::vector<Session>;  // of a key, in order of time
// Of a join: an event that may meet others.
struct Waiting {
  std::int64_t time;
  Event event;
  Key key;
  std::optional<std::string> record_key;
  bool has_met = false;
};
// Of a view.
struct ViewRow {
  bool is_live = false;
  Kept kept;
  std::optional<std::int64_t> seen;  // when it was last used
  std::int64_t due = 0;              // its timer
  bool has_sketches = false;
};
struct Position {
  std::vector<std::uint64_t> next;
  std::vector<std::optional<std::int64_t>> progress;
  std::optional<std::int64_t> watermark, closed_until, gone_until;
  // Starts of windows that have changed since their last result.
  std::set<std::int64_t> unsaid;
  std::optional<std::int64_t> emit_at;
  Counters counters;
};
struct OpenWindow {
  Rows rows;
  bool has_fired = false;
  bool has_changed = false;  // in this epoch
};
using Tables = std::vector<std::map<std::string_view, Event>>;
struct Result {
  std::int64_t start;
  Rows rows;
  std::uint64_t Counters::*counter;
  Tables tables = {};  // as they were when it was due
  // What has ended together, in order of the ends, then starts, then keys. Then there are no
  // `rows`.
  std::vector<std::pair<Key, Session>> sessions = {};
};
// A row of a result.
struct Line {
  Key key;
  const Row* row;
  std::int64_t start, end;
};
struct State {
  Position memory, stored;
  std::vector<std::int64_t> heard;             // steady; by input
  std::map<std::int64_t, OpenWindow> windows;  // whose rows are not gone
  std::set<std::int64_t> panes;                // that the engine has to drop
  std::vector<Result> flushing;                // results that are not committed
  std::map<Key, Sessions> sessions;            // that are open
  std::set<std::int64_t> ends;       // that sessions have had: one of them may be asked for
  std::vector<Waiting> left, right;  // in order of arrival
  std::set<std::int64_t> buckets;    // of these that the engine has to drop
  std::map<Key, ViewRow> view;
  std::multiset<std::pair<std::int64_t, Key>> timers;  // of rows with a ttl, some long gone
};
struct TableState {
  std::vector<std::uint64_t> next;         // of a topic
  std::optional<std::vector<Event>> file;  // what it says now
};
struct Emitted {
  Event event;
  std::int64_t time = 0;
  Key key;
  bool has_record_key = true;  // on its way to the sinks
  // Of a join: the key of the left record; and it goes by the key of both, at `time`.
  bool is_joined = false;
  std::optional<std::string> record_key = {};
};
// What a record did at the rows of a view, or in a join.
struct Passed {
  const Record* record;
  Partition from;
  std::vector<Emitted> out;
  std::vector<std::string> dead, failed;  // before and at the rows
};
// What has no record at hand: a row that ran out, or a left event without a right one.
struct Expired {
  std::int64_t at;
  std::string key;  // encoded
  std::optional<std::string> record_key = {};
  std::vector<Event> said = {};
  std::string_view failed = {};  // the operator
};
// One service's part of the epoch that is running.
struct Part {
  Told told;
  bool has_input = false;
  Position after;
  std::vector<Result> flushed;
  std::vector<Result> due;
  bool drops = false;
  std::vector<std::string> dead;
  std::vector<std::pair<Partition, Record>> out;
  // Of a view or a join.
  std::vector<Passed> passed;
  std::set<Key> used;
  bool may_expire = false;             // or sessions end, or left events meet none
  std::set<std::int64_t> new_buckets;  // of a join

  bool has_work() const {
    return has_input || !flushed.empty() || !due.empty() || drops || may_expire;
  }
};
// What a flush gives, or says of one row.
struct Said {
  std::vector<Event> events;
  std::int64_t end;   // of what they are about
  std::string about;  // as dead letters tell it
};
// Of sessions.
struct Touched {
  Session *before = nullptr, *behind = nullptr;  // that the event joins
  bool is_last = false;                          // it goes behind all that its key has, to `before`
};

}  // namespace gameflow::runtime::property
