// How the Decoder walks tokens by the plan of a type. Internal to src/record.
//
// codec.cc has what most records are made of, decode_values.cc the other kinds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "record/batch.h"
#include "record/codec.h"
#include "record/decode_plan.h"
#include "record/json_reader.h"
#include "record/shape.h"
#include "record/slot.h"

namespace gameflow::record {

struct Decoder::Impl {
  using Position = JsonReader::Position;

  JsonReader reader;
  Plans plans;
  Shapes any_shapes;  // of check()
  ListMemory lists;   // of the record at hand
  std::string scratch;
  Outlined outlined;  // of the record at hand

  template <class Start, class Value>
  bool read(Shapes& shapes, const Plan* plan, std::string_view json, char* out, const Start& start,
            const Value& value);
  // Decodes the value whose first token is next into `out`, cleared. `depth` containers are open.
  bool value(const Plan& plan, char* out, std::size_t depth);
  bool boolean(const Plan& plan, Position position, char* out);
  bool number(const Plan& plan, Position position, char* out);
  bool check(const Plan& plan, Position position, Fit fit);
  bool text(const Plan& plan, Position position, char* out);
  bool bytes(const Plan& plan, Position position, char* out);
  bool word(const Plan& plan, Position position, char* out);
  bool json(const Plan& plan, Position position, char* out, std::size_t depth);
  bool union_value(const Plan& plan, Position position, char* out, std::size_t depth);
  bool map(const Plan& plan, Position position, char* out, std::size_t depth);
  // The text of the string at `position`, in the arena if it has escapes.
  bool string(Position position, Text& value);
  // The same, to look at: until the next call.
  bool short_string(Position position, std::string_view& value);
  bool list(const Plan& plan, Position position, char* out, std::size_t depth);
  char* next_slot(ListLayout& list, const Type& item);
  bool object(const Plan& plan, Position position, char* out, std::size_t depth);
  bool texts(const Plan& plan, std::size_t& guess, std::uint64_t* seen, char* out, bool& closed);
  bool member(const FieldPlan& plan, char* object, bool repeated, std::size_t depth);
  bool check_all_present(const Plan& plan, std::span<const std::uint64_t> seen);

  // The key whose opening quote is at `position`: its index in the plan, or fields.size() if there
  // is none; nothing if the key is invalid.
  std::optional<std::size_t> find_field(const Plan& plan, Position position, std::size_t guess);

  bool fail_type(const Type& type, Position position);
  bool fail_range(const Type& type, Position position);
  bool fail_at(std::string_view step);
};

// Whether the value at `position` fits.
inline bool Decoder::Impl::check(const Plan& plan, Position position, Fit fit) {
  if (fit == Fit::kFits) return true;
  return fit == Fit::kNotOfType ? fail_type(*plan.type, position)
                                : fail_range(*plan.type, position);
}

// The slot behind the last item; null, and an error, where there is no room for it.
inline char* Decoder::Impl::next_slot(ListLayout& list, const Type& item) {
  char* const slot = lists.next_slot(list, item);
  if (slot == nullptr)
    reader.fail(ErrorCode::kPayloadTooLarge, "the record's lists take more than 256 MiB");
  return slot;
}

inline bool Decoder::Impl::string(Position position, Text& value) {
  const std::string_view raw = reader.raw_string(position);
  value = Text::view(raw);
  if (!reader.has_escape(raw)) return true;
  char* begin = static_cast<char*>(lists.arena->allocate(raw.size() + kPaddingBytes, 1));
  const char* end = reader.unescape(raw, begin);
  if (end == nullptr) return false;
  const auto size = static_cast<std::size_t>(end - begin);
  lists.arena->cursor = begin + size;  // gives back what unescape() needed beyond the text
  value = Text::view({begin, size});
  return true;
}

inline bool Decoder::Impl::short_string(Position position, std::string_view& value) {
  value = reader.raw_string(position);
  if (!reader.has_escape(value)) return true;
  scratch.resize(value.size() + kPaddingBytes);
  const char* end = reader.unescape(value, scratch.data());
  if (end == nullptr) return false;
  value = {scratch.data(), static_cast<std::size_t>(end - scratch.data())};
  return true;
}

}  // namespace gameflow::record
