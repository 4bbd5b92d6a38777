// A random dataflow with its input, as plain data: what the property test runs, and shrinks.
//
// What its windows and views do with an event and a row is pure functions, as transforms are, so
// that the engine's functions and the model agree on them and on nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/property_event.h"

namespace gameflow::runtime::property {

enum class Content : std::uint8_t { kEvents, kLists, kAny };

struct Topic {
  std::string name;
  Content content = Content::kEvents;
  std::uint32_t partitions = 1;
};

// What becomes of {last, number} where a key has several events.
enum class Lasts : std::uint8_t {
  kByArrival,  // those of the last one
  kGreatest,   // the greatest name, whatever the order
  kByTime,     // in panes and sessions: the name of the last one, the number of the first
};

// With a window: the rows of its keys are {count, sum, deep, low}, and of some services {last,
// number} and sketches {names, sizes}.
struct Window {
  std::int64_t size = 100, grace = 0, idle = 1'000;
  std::int64_t slide = 0;  // 0: tumbling
  std::int64_t offset = 0;
  bool is_local = false;      // tumbling: by the clocks of kZone
  bool in_panes = false;      // sliding: rows are merged; else each window has its own
  std::int64_t reopen = 0;    // closed windows take late events so much longer
  std::int64_t emit = 0;      // early results this often; 0: none
  std::int64_t gap = 0;       // of sessions, which have nothing of the above; 0: it is no session
  std::int64_t max = 0;       // that a session may have; 0: it has none
  bool tells_bounds = false;  // its functions at the rows use window()
  bool erases = false;        // for some events they erase the first row
  bool flushes_each = false;  // else whole, with SQL
  bool has_integer_key = false;
  bool has_second_state = false;
  bool has_sketches = false;
  Lasts lasts = Lasts::kByArrival;
  bool throws = false;       // its functions throw for some events and windows
  std::int64_t limit = 100;  // rows of a result
  std::optional<std::size_t> late_topic;

  bool has_sessions() const { return gap != 0; }
};
inline constexpr std::string_view kZone = "Asia/Kolkata";  // the same all year
inline constexpr std::int64_t kZoneOffset = 19'800'000;
// From the start of a window to that of the next.
inline std::int64_t step_of(const Window& window) {
  return window.slide == 0 ? window.size : window.slide;
}
// What its functions make of an event. Each may throw.
void check_update(const Window& window, const Event& event);
void check_flush(const Window& window, std::int64_t start);
void check_each(const Window& window, std::int64_t number);
// What is added for the event to the sum of a row of the window or session [start, end).
std::int64_t summand(const Window& window, const Event& event, std::int64_t start,
                     std::int64_t end);
bool erases(const Window& window, const Event& event);
bool uses_lasts(const Window& window, const Event& event);

// With rows by key without a window: {count, sum, deep, last} and sketches {names, sizes}, or a
// number alone.
struct View {
  bool has_integer_key = false;
  bool is_primitive = false;
  bool has_event_time = false;
  bool has_transform = false;  // a filter-map; else update-state does its work
  std::int64_t ttl = 0;        // of kTtls
  bool has_on_expire = false;  // with `ttl`
  bool throws = false;
};
inline constexpr std::int64_t kTtls[] = {60, 250};
// Of a primitive one only `sum`.
struct Kept {
  std::int64_t count = 0, sum = 0, deep = 0;
  std::string_view last = {};
};
// What is done with an event at the row of its key. It may throw when it has changed the row.
struct KeepResult {
  enum class Row : std::uint8_t { kStays, kIsErased, kBeginsAnew } row = Row::kStays;
  std::optional<Event> passed;
};
KeepResult keep(const View& view, const Event& event, Kept& row);
// What on-expire says of it.
std::optional<Event> expired(const View& view, const Kept& row);
Found found_in(const Kept& row);
Found found_in(const Event& row);  // of a table

// Puts two sources together, the first of which is the left one.
struct Join {
  std::int64_t before = 0, after = 0, grace = 0, idle = 1'000;
  bool is_left = false;  // a left event that meets none gives something, too
  bool has_integer_key = false;
  bool throws = false;        // its functions throw for some events…
  bool throws_pairs = false;  // …and some pairs
  std::optional<std::size_t> late_topic;
};
// What becomes of a left event and a right one, or none. It may throw.
Event joined(const Join& join, const Event& left, const Event* right);

struct Source {
  std::size_t topic = 0;
  std::vector<Step> steps;
};
using Sink = Source;

struct Service {
  std::vector<Source> sources;
  std::vector<Step> steps;       // of a join behind it
  std::optional<Window> window;  // or
  std::optional<View> view;      // or
  std::optional<Join> join;
  std::vector<Sink> sinks;
  std::vector<std::size_t> references;  // services whose first state it reads; each has a view
  bool skips = false;                   // what fails leaves nothing but a number

  bool is_pipe() const { return !window && !view && !join; }
  // A list for each window, or for what has ended together.
  bool gives_lists() const { return window && !window->flushes_each; }
  const std::optional<std::size_t>& late_topic() const;
};
// How its sources give time and key, unless it is a pipe.
struct Assigning {
  bool has_time, has_integer_key, throws;
  friend bool operator==(const Assigning&, const Assigning&) = default;
};
Assigning assigning_of(const Service& service);

// Rows by name: events of a file, or of a topic.
struct Table {
  std::optional<std::size_t> topic;
  std::vector<Event> rows;  // of the file, in the beginning
};

struct Input {
  std::optional<std::string> key;
  std::int64_t time = 0;
  Event event;
  std::string broken;  // instead of the event, if not empty
};

struct Action {
  enum class Kind : std::uint8_t {
    kSend,     // a batch of records
    kRun,      // so many epochs, the first of which fail
    kAdvance,  // time passes
    kRestart,  // the engine
    kWrite,    // the file of a table
    kEndInput,
  };
  Kind kind = Kind::kRun;
  std::size_t topic = 0;  // or table
  std::uint32_t partition = 0;
  std::vector<Input> records;  // a file with a broken one is not read
  std::int64_t count = 0;      // epochs, ms
  std::uint32_t failures = 0;
};

struct Case {
  std::uint64_t seed = 0;
  std::uint32_t threads = 1;
  std::size_t epoch_bytes = 32U << 20;
  bool flushes_beside = false;
  std::optional<std::uint32_t> gaps;
  // Nothing is late but by the end of input, nor does anything depend on the order in which records
  // of different partitions come: outputs do not depend on where epochs are cut.
  bool is_calm = false;
  std::vector<Topic> topics;
  std::vector<Table> tables;
  std::vector<Service> services;
  std::vector<Action> actions;
};

inline constexpr std::int64_t kStart = 1'700'000'000'000;
inline constexpr std::int64_t kFutureMax = 1'000;
// How far a partition's events are out of order.
inline constexpr std::int64_t kDisorder = 30;

Case random_case(std::uint64_t seed);
std::string describe(const Case& shown);
// The same dataflow and input, with other epochs.
Case recut(const Case& original);
// Smaller ones: all that one removal gives, the largest removals first.
std::vector<Case> smaller(const Case& original);

}  // namespace gameflow::runtime::property
