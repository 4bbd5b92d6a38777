// What an engine should do, record by record, on one thread: no batches, shards, versions or
// stored bytes. It is told where each epoch was cut, and says what the epoch appends.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/property_case.h"

namespace gameflow::runtime::property {

// Past every window.
inline constexpr std::int64_t kEndOfTime = INT64_MAX / 2;

struct Record {
  std::uint64_t offset = 0;  // known once it is in a topic, as is the next
  std::int64_t appended_at = 0;
  std::int64_t time = 0;
  std::optional<std::string> key;
  std::string text;
  std::vector<Event> value;  // one, or the items of a list
  bool is_broken = false;
};
using Partition = std::pair<std::size_t, std::uint32_t>;  // topic, number

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

 private:
  struct Row {
    std::int64_t count = 0, sum = 0, deep = 0;
    std::optional<std::pair<std::string_view, std::int64_t>> last;
  };
  using Rows = std::map<std::pair<std::int64_t, std::string>, Row>;  // by key: number or text
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
  struct Result {
    std::int64_t start;
    Rows rows;
    std::uint64_t Counters::*counter;
  };
  struct State {
    Position memory, stored;
    std::vector<std::int64_t> heard;             // steady; by input
    std::map<std::int64_t, OpenWindow> windows;  // whose rows are not gone
    std::set<std::int64_t> panes;                // that the engine has to drop
    std::vector<Result> flushing;                // results that are not committed
  };
  struct Emitted {
    Event event;
    std::int64_t time = 0;
    std::string key;
    std::int64_t number = 0;  // of an integer key
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

    bool has_work() const { return has_input || !flushed.empty() || !due.empty() || drops; }
  };

  void read(std::size_t service, std::int64_t now, std::int64_t steady, const Cut& cut, Part& part);
  void take(std::size_t service, std::size_t input, const Record& record, std::int64_t now,
            std::optional<std::int64_t>& progress, Part& part);
  void place(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
             Partition from, std::int64_t now, std::optional<std::int64_t>& progress, Part& part);
  void write(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
             Partition from, Part& part);
  bool update(std::size_t service, const std::vector<std::int64_t>& starts, const Emitted& emitted);
  void move_watermark(std::size_t service, std::int64_t steady, Part& part) const;
  void close(std::size_t service, std::int64_t now, Part& part);
  void drop(std::size_t service, Part& part);
  bool end_next(std::int64_t now, std::vector<Part>& parts);
  void flush(std::size_t service, const Result& result, Part& part);
  std::vector<Event> query(const Window& window, std::int64_t start, const Rows& rows) const;
  void add_dead(std::size_t service, std::string_view op, Partition from, const Record& record,
                Part& part) const;
  std::vector<Partition> inputs_of(std::size_t service) const;
  const Source& source_of(std::size_t service, std::size_t input) const;
  bool feeds(std::size_t from, std::size_t to) const;

  const Case& case_;
  std::map<Partition, std::vector<Record>> topics_;
  std::vector<State> services_;
};

std::string json_of(const Event& event);
std::string json_of(const std::vector<Event>& events);

}  // namespace gameflow::runtime::property
