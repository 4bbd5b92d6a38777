// Where encode_json() writes to. Internal to src/record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/outline.h"
#include "record/type.h"

namespace gameflow::record {

// What the JSON of a value is made of: its parts, and by which choices (a field that is there, the
// variant of a union) its gaps came about. Equal choices of a type are equal gaps.
class PartNotes {
 public:
  struct Place {
    Part kind;
    std::size_t begin, end;
  };
  static constexpr unsigned kBitsMax = 63;

  void clear() {
    places_.clear();
    choices_ = 1;
    bits_ = 0;
    is_spoilt_ = false;
  }
  void add(Part kind, std::size_t begin, std::size_t end) { places_.push_back({kind, begin, end}); }
  void choose(std::uint64_t choice, unsigned bits) {
    bits_ += bits;
    choices_ = choices_ << bits | choice;
  }
  // It has no outline.
  void spoil() { is_spoilt_ = true; }

  bool has_outline() const { return !is_spoilt_ && bits_ <= kBitsMax; }
  std::uint64_t choices() const { return choices_; }
  const std::vector<Place>& places() const { return places_; }

 private:
  std::vector<Place> places_;
  std::uint64_t choices_ = 1;  // in front of them a 1, so that their number counts
  unsigned bits_ = 0;
  bool is_spoilt_ = false;
};

// JSON on its way to the end of a string, by way of a buffer: values are small, and asking a
// std::string for room and then copying takes twice as long as they do (an event of 8 texts 250
// instead of 100 ns).
class JsonWriter {
 public:
  // `parts`: notes what values are made of; null: nobody asks.
  explicit JsonWriter(std::string& out, PartNotes* parts = nullptr) : out_(out), parts_(parts) {}

  // Where the next `size` bytes go, which are at most kRoomMax; advance() says how many it were.
  static constexpr std::size_t kRoomMax = 1024;
  char* room(std::size_t size) {
    if (static_cast<std::size_t>(buffer_ + sizeof buffer_ - end_) < size) flush();
    return end_;
  }
  void advance(std::size_t size) { end_ += size; }

  void append(char c) {
    *room(1) = c;
    advance(1);
  }
  void append(std::string_view text) {
    if (text.size() > kRoomMax) {
      flushed() += text;
      return;
    }
    std::memcpy(room(text.size()), text.data(), text.size());
    advance(text.size());
  }

  // How long the string is, with all that was appended.
  std::size_t size() const { return out_.size() + static_cast<std::size_t>(end_ - buffer_); }
  PartNotes* parts() const { return parts_; }
  // Nothing is noted until they are given back.
  PartNotes* take_parts() { return std::exchange(parts_, nullptr); }
  void give_back(PartNotes* parts) { parts_ = parts; }

  // The string, with all that was appended.
  std::string& flushed() {
    flush();
    return out_;
  }

 private:
  void flush() {
    out_.append(buffer_, static_cast<std::size_t>(end_ - buffer_));
    end_ = buffer_;
  }

  std::string& out_;
  PartNotes* parts_;
  char* end_ = buffer_;
  char buffer_[4 * kRoomMax];
};

// Writes a value that is not raw.
void write_value(const Type& type, const void* value, JsonWriter& out);

}  // namespace gameflow::record
