// A random dataflow with its input, as plain data: what the property test runs, and shrinks.
//
// All records are events {name, at, n, depth} or lists of them. The operators are a few pure
// functions of an event, numbered, so that the engine's functions and the model agree on them and
// on nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::runtime::property {

struct Event {
  std::string_view name;  // of a constant, or in the engine of a record
  std::int64_t at = 0, n = 0, depth = 0;
};

// The constant that equals `name`.
std::string_view constant_name(std::string_view name);

// One transform. Where it throws, it throws std::runtime_error.
struct Step {
  enum class Op : std::uint8_t {
    kAdd,      // map: n + argument
    kShift,    // map: at + argument
    kRename,   // map: another name, by n
    kDeeper,   // map: depth + 1, so that what goes round ends
    kThrow,    // map: throws for every argument-th n
    kKeep,     // filter: drops every argument-th n
    kShallow,  // filter: depth below the argument
    kHalve,    // filter-map: even n only, halved
    kCopies,   // flat-map: n % argument copies, numbered
    kExplode,  // flat-map: a list's items
  };
  Op op = Op::kAdd;
  std::int64_t argument = 1;
  friend bool operator==(const Step&, const Step&) = default;
};
std::string_view kind_of(Step::Op op);  // "map", as dead letters say
// Of an event: any but kExplode.
void apply(const Step& step, const Event& event, std::vector<Event>& out);

enum class Content : std::uint8_t { kEvents, kLists, kAny };

struct Topic {
  std::string name;
  Content content = Content::kEvents;
  std::uint32_t partitions = 1;
};

// With a window: the rows of its keys are {count, sum, deep}, and of some services {last, number}.
struct Window {
  std::int64_t size = 100, grace = 0, idle = 1'000;
  std::int64_t slide = 0;  // 0: tumbling
  std::int64_t offset = 0;
  bool in_panes = false;    // sliding: rows are merged; else each window has its own
  std::int64_t reopen = 0;  // closed windows take late events so much longer
  std::int64_t emit = 0;    // early results this often; 0: none
  bool has_integer_key = false;
  bool has_second_state = false;
  bool is_last_ordered = true;  // else `last` is the greatest, whatever the order of records
  bool throws = false;          // its functions throw for some events and windows
  std::int64_t limit = 100;     // rows of a result
  std::optional<std::size_t> late_topic;
};
// From the start of a window to that of the next.
inline std::int64_t step_of(const Window& window) {
  return window.slide == 0 ? window.size : window.slide;
}
// What its functions make of an event. Each may throw.
std::int64_t time_of(const Window& window, const Event& event);
std::string key_text_of(const Window& window, const Event& event);
std::int64_t key_number_of(const Window& window, const Event& event);
void check_update(const Window& window, const Event& event);
bool is_ignored(const Event& event);  // update-state asks for no row
void check_flush(const Window& window, std::int64_t start);

struct Source {
  std::size_t topic = 0;
  std::vector<Step> steps;
};
using Sink = Source;

struct Service {
  std::vector<Source> sources;
  std::vector<Step> steps;
  std::optional<Window> window;
  std::vector<Sink> sinks;
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
    kEndInput,
  };
  Kind kind = Kind::kRun;
  std::size_t topic = 0;
  std::uint32_t partition = 0;
  std::vector<Input> records;
  std::int64_t count = 0;  // epochs, ms
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
  std::vector<Service> services;
  std::vector<Action> actions;
};

inline constexpr std::int64_t kStart = 1'700'000'000'000;
inline constexpr std::int64_t kFutureMax = 1'000;

Case random_case(std::uint64_t seed);
std::string describe(const Case& shown);
// The same dataflow and input, with other epochs.
Case recut(const Case& original);
// Smaller ones: all that one removal gives, the largest removals first.
std::vector<Case> smaller(const Case& original);

}  // namespace gameflow::runtime::property
