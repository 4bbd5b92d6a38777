// `run:` blocks, and the node that keeps rows by key: part of graph.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "record/type.h"
#include "spec/function.h"
#include "spec/model.h"

namespace gameflow::plan {

using NodeId = std::uint32_t;     // index in Graph::nodes
using TopicId = std::uint32_t;    // index in Graph::topics
using TableId = std::uint32_t;    // index in Graph::tables
using ServiceId = std::uint32_t;  // index in Graph::services
using StartOffset = spec::StartOffset;
using ErrorPolicy = spec::ErrorPolicy;
using FunctionKind = spec::FunctionKind;
using Tumbling = spec::Tumbling;
using Sliding = spec::Sliding;
using Session = spec::Session;
using WindowShape = spec::WindowShape;

// Where a `run:` block stands decides what it may use.
enum class Place : std::uint8_t {
  kRecord,   // no key is known: transforms, assign-timestamp, assign-key, sinks of a pipe
  kRows,     // at the rows of its key: row accessors, key(), and window() in a window
  kExpired,  // key()
  kFlush,    // window()
  kEach,     // of a row of a window: window() and key()
  kSink,     // behind the rows: key() without a window
};

// A `run:` block.
struct Step {
  FunctionKind kind;
  std::string_view name;  // what dead letters call it: "filter", "assign-key"
  spec::Code code;
  Place place = Place::kRecord;
  std::vector<spec::Dependency> dependencies = {};
  spec::Position position = {};  // of a package's function: where it is used
  std::shared_ptr<const spec::Signature> signature = {};  // of a package's function; else null
};

struct State {
  std::string name;   // in YAML
  std::string table;  // in SQL, and the accessor in C++: events_per_user
  record::Kind key = record::Kind::kString;
  const record::Type* row = nullptr;
  bool is_primitive = false;         // `row` is its one column, `value`
  std::optional<Duration> ttl = {};  // without a window only
  std::optional<Step> on_expire = {};
  std::string expire_function = {};  // with on_expire: "SERVICE/expire/STATE"
  // By field of `row`. Two rows of one key can become one where every column says how.
  std::vector<std::optional<spec::Merge>> merges = {};
  std::string merge_function = {};  // then; else empty: "SERVICE/merge/STATE"
};

struct WindowRules {
  spec::WindowShape shape;
  Duration grace;       // a window closes when the watermark reaches its end + grace
  Duration reopen_for;  // then late records still change its rows for so long; 0: they do not
  std::optional<Duration> emit_every;  // early results of windows that have changed, by the clock
  // A partition silent for this long no longer holds the watermark back.
  Duration idle_timeout;
  std::optional<TopicId> late_topic;  // where late records go; they are counted anyhow

  Duration duration() const { return spec::length_of(shape); }
  // Null: windows do not go by key.
  const Session* session() const { return std::get_if<Session>(&shape); }
};

// "tumbling 1d, offset 6h, in Europe/Berlin"; with how rows are kept. What is stored says it too:
// rows of other windows cannot be taken over.
std::string text_of(const spec::WindowShape& shape);

struct Keyed {
  std::vector<State> states;          // a state's place is its bit in abi::RowUse
  std::optional<WindowRules> window;  // none: rows live until they are erased or run out
  bool has_event_time = false;        // else `ttl` goes by the clock
  // Transforms, then update-state if there is one. RecordError::step of the update function is an
  // index in them, then in the states whose on-expire it was.
  std::vector<Step> steps;
  bool emits = false;  // without a window: what leaves the transforms goes to the sinks
  std::string update_function;
  std::string flush_function;  // with a window
  std::optional<Step> flush;

  // What the rows belong to.
  std::string windows() const { return window ? text_of(window->shape) : "rows without windows"; }
  // A partition silent for this long no longer holds time back.
  Duration idle_timeout() const {
    return window ? window->idle_timeout : spec::Window().idle_timeout;
  }
  std::size_t transforms() const {
    return steps.size() - (!steps.empty() && steps.back().kind == FunctionKind::kUpdateState);
  }
  // Whether `flush` is for each row, not for the window.
  bool flushes_each() const { return flush && flush->kind == FunctionKind::kFlushEach; }
  bool has_ttl() const {
    return std::ranges::any_of(states, [](const State& state) { return state.ttl.has_value(); });
  }
  bool has_outputs() const {
    return emits || std::ranges::any_of(
                        states, [](const State& state) { return state.on_expire.has_value(); });
  }
};

}  // namespace gameflow::plan
