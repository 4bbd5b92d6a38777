// Whether a record, key or row is about one player, and what is left of it without them: what
// `gameflow player forget` goes by. Which fields name players, the dataflow says.
//
// Threads  immutable once made.
// Errors   none: whatever is no JSON is looked at as text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "record/type.h"

namespace gameflow::record {

class Player {
 public:
  // `id` is not empty. Fields by their names in JSON: `fields` have the id, `mentions` have it
  // among other words.
  Player(std::string id, std::vector<std::string> fields, std::vector<std::string> mentions = {})
      : id_(std::move(id)), fields_(std::move(fields)), mentions_(std::move(mentions)) {}

  const std::string& id() const { return id_; }

  // False: nothing of the text can be the player. A look at its bytes only, for JSON and keys.
  bool may_be_in(std::string_view text) const;
  // Whether the text is the id or holds it as a word. Words are of letters, digits, '_', '-', '.',
  // '@' and what is not ASCII: "p-7/2" holds "p-7", and "p-71" does not.
  bool is_word_of(std::string_view text) const;

  // What of a JSON value is the player's.
  enum class Part : std::uint8_t {
    kNone,
    kSome,  // items of lists, members of an object that a field names: `rest` is without them
    kAll,   // a field of it, or of an object inside, has the id
  };
  // Of text that is no JSON: all, where the player is a word of it.
  Part part_of(std::string_view json, std::string& rest) const;

  // Empties the fields of a row that name the player: text, and items of lists, which stay where
  // they are, as lists may go together by place; numbers become 0, what is optional is absent.
  // Whether there was one.
  bool empty_fields(const Type& row, void* slot) const;
  bool has_field(const Type& row) const;

 private:
  enum class Naming : std::uint8_t { kNot, kId, kWord };
  Naming naming_of(std::string_view name) const;
  Naming naming_of(const Field& field) const;
  bool is_named(Naming naming, std::string_view text) const;
  bool is_value(Naming naming, const Type& type, const void* slot) const;
  bool empty_field(Naming naming, const Type& type, void* slot) const;
  class Cutter;

  std::string id_;
  std::vector<std::string> fields_, mentions_;
};

}  // namespace gameflow::record
