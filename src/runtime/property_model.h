// What an engine should do, record by record, on one thread: no batches, shards, versions or
// stored bytes. It is told where each epoch was cut, and says what the epoch appends.
// Windows are in property_windows.cc, rows without them in property_views.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/property_case.h"
#include "runtime/property_record.h"

namespace gameflow::runtime::property {

// Past every window.
inline constexpr std::int64_t kEndOfTime = INT64_MAX / 2;

class Model {
 public:
  struct Counters {
    std::uint64_t in = 0, out = 0, late = 0, dead = 0, future = 0, windows_closed = 0;
    std::uint64_t early = 0, corrected = 0;
    bool operator==(const Counters&) const = default;
  };
  struct Outcome {
    bool has_work = false;
    std::map<Partition, std::vector<Record>> appended;  // dead letters: topic dead_topic()
  };
  // By service and input: sources in order, partitions in order.
  using Cut = std::vector<std::vector<std::uint64_t>>;

  explicit Model(const Case& modelled);

  std::size_t dead_topic() const { return case_.topics.size(); }

  // A record came to be in a topic.
  void append(Partition partition, Record record);
  // The file of a table says this from now on; nothing: it is broken.
  void write(std::size_t table, std::optional<std::vector<Event>> rows);
  // The engine was opened: what it had not committed is forgotten. Times are steady.
  void open(std::int64_t steady);
  // An epoch failed.
  void fail(std::int64_t steady);
  // An epoch succeeded that read up to `cut`.
  Outcome run(std::int64_t now, std::int64_t steady, const Cut& cut, bool input_ends);

  // As the last epoch left it.
  Counters counters(std::size_t service) const { return services_[service].memory.counters; }
  std::optional<std::int64_t> watermark(std::size_t service) const;
  std::size_t windows_open(std::size_t service) const;
  std::size_t rows(std::size_t service, std::size_t state) const;
  std::size_t table_rows(std::size_t table) const { return tables_[table].size(); }

 private:
  using Key = std::pair<std::int64_t, std::string>;  // a number, or text
  // Of a window.
  struct Row {
    std::int64_t count = 0, sum = 0, deep = 0, low = 0;
    std::optional<std::pair<std::string_view, std::int64_t>> last;
    std::int64_t first_pane = 0, last_pane = 0;  // that `last` is of
    std::set<std::string_view> names;
    std::vector<std::int64_t> sizes;
  };
  using Rows = std::map<Key, Row>;
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
  };
  struct State {
    Position memory, stored;
    std::vector<std::int64_t> heard;             // steady; by input
    std::map<std::int64_t, OpenWindow> windows;  // whose rows are not gone
    std::set<std::int64_t> panes;                // that the engine has to drop
    std::vector<Result> flushing;                // results that are not committed
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
  };
  // What a record did at the rows of a view.
  struct Passed {
    const Record* record;
    Partition from;
    std::vector<Emitted> out;
    std::vector<std::string> dead, failed;  // before and at the rows
  };
  struct Expired {
    std::int64_t at;
    std::string key;  // encoded
    std::optional<Event> said;
    bool has_failed = false;
  };
  // One service's part of the epoch that is running.
  struct Part {
    bool has_input = false;
    Position after;
    std::vector<Result> flushed;
    std::vector<Result> due;
    bool drops = false;
    std::vector<std::string> dead;
    std::vector<std::pair<Partition, Record>> out;
    // Of a view.
    std::vector<Passed> passed;
    std::set<Key> used;
    bool may_expire = false;

    bool has_work() const {
      return has_input || !flushed.empty() || !due.empty() || drops || may_expire;
    }
  };

  void read(std::size_t service, std::int64_t now, std::int64_t steady, const Cut& cut, Part& part);
  void take(std::size_t service, std::size_t input, const Record& record, std::int64_t now,
            std::optional<std::int64_t>& progress, Part& part);
  std::string_view assign(const Service& service, const Event& event, Emitted& out) const;
  bool is_placeable(std::size_t service, const Emitted& out, const Record& record, Partition from,
                    std::int64_t now, std::optional<std::int64_t>& progress, Counters& counters,
                    std::vector<std::string>& dead) const;
  void write(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
             Partition from, std::vector<std::string>& dead, Part& part);
  void move_watermark(std::size_t service, std::int64_t steady, Part& part) const;
  bool end_next(std::int64_t now, std::vector<Part>& parts);
  std::string dead_letter(std::size_t service, std::string_view op, Partition from,
                          const Record& record) const;
  void refresh_tables();
  LookUp look_up_of(std::size_t service, const Result* window = nullptr) const;
  std::optional<Found> find_in_view(std::size_t owner, const Event& by) const;
  void order(std::size_t service, std::set<std::size_t>& seen);

  // Of windows.
  void place(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
             Partition from, std::int64_t now, std::optional<std::int64_t>& progress, Part& part);
  static void add(const Window& window, const Event& event, std::int64_t pane, Row& row);
  bool update(std::size_t service, const std::vector<std::int64_t>& starts, const Emitted& emitted);
  void close(std::size_t service, std::int64_t now, Part& part);
  void drop(std::size_t service, Part& part);
  void flush(std::size_t service, const Result& result, Part& part);
  std::vector<Event> query(const Window& window, std::int64_t start, const Rows& rows) const;

  // Of views.
  void use(std::size_t service, const std::vector<Emitted>& emitted, std::int64_t now,
           std::optional<std::int64_t>& progress, Passed& passed, Part& part);
  void use(std::size_t service, const Emitted& emitted, std::int64_t seen, Passed& passed,
           std::set<Key>& used);
  void finish_view(std::size_t service, std::int64_t now, Part& part);
  std::vector<Expired> expire(std::size_t service, std::int64_t until);
  void write(std::size_t service, const std::vector<Expired>& expired, Part& part);

  std::vector<Partition> inputs_of(std::size_t service) const;
  const Source& source_of(std::size_t service, std::size_t input) const;
  bool feeds(std::size_t from, std::size_t to) const;

  const Case& case_;
  std::map<Partition, std::vector<Record>> topics_;
  std::vector<TableState> table_states_;
  Tables tables_;
  std::vector<State> services_;
  std::vector<std::size_t> order_;  // of services: those whose states others read first
};

}  // namespace gameflow::runtime::property
