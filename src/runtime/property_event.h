// The records of all cases, events {name, at, n, depth} or lists of them, and what transforms do
// with them: a few pure functions of an event.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::runtime::property {

inline constexpr std::array<std::string_view, 9> kNames = {
    "",    "a",   "ann", "bob", "player_1", "player_2", "a name of more than sixteen bytes",
    "zoe", "none"};

struct Event {
  std::string_view name;  // of a constant, or in the engine of a record
  std::int64_t at = 0, n = 0, depth = 0;
};

// The constant that equals `name`.
std::string_view constant_name(std::string_view name);

// What a look-up found: a row of a state or of a table, as a number and perhaps a name.
struct Found {
  std::int64_t number = 0;
  std::string_view name = {};
};
// Number `reference` of a service: the tables, then what it has in `references`, or kOwn.
using LookUp = std::function<std::optional<Found>(std::int64_t reference, const Event& by)>;
inline constexpr std::int64_t kOwn = -1;

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
    kLookUp,   // map: another name and n, by the row that it finds
  };
  Op op = Op::kAdd;
  std::int64_t argument = 1;
  friend bool operator==(const Step&, const Step&) = default;
};
std::string_view kind_of(Step::Op op);  // "map", as dead letters say
// Of an event: any but kExplode.
void apply(const Step& step, const Event& event, const LookUp& look_up, std::vector<Event>& out);

// A time, and a key by an integer, or by the name. They may throw where `throws` is set.
std::int64_t time_of(bool throws, const Event& event);
std::string key_text_of(bool throws, const Event& event);
std::int64_t key_number_of(bool throws, const Event& event);

bool is_ignored(const Event& event);  // update-state asks for no row

// Never negative.
inline std::int64_t modulo(std::int64_t n, std::int64_t by) {
  return (n % by + by) % by;
}
inline void throw_if(bool condition) {
  if (condition) throw std::runtime_error("no");
}

}  // namespace gameflow::runtime::property
