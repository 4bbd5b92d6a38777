// Words, json, unions and maps.
#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/decoder_impl.h"
#include "record/expected.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

// Of a key that comes again the last value counts, in the place of the first.
void drop_repeated(ListLayout& entries, const Type& entry) {
  const auto at = [&](std::uint32_t i) { return entries.data + std::size_t{i} * entry.size; };
  constexpr std::uint32_t kFew = 16;
  std::unordered_map<std::string_view, std::uint32_t> places;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < entries.size; ++i) {
    const std::string_view key = load<Text>(at(i)).view();
    std::uint32_t place = 0;
    if (entries.size <= kFew) {
      while (place < kept && load<Text>(at(place)).view() != key) ++place;
    } else {
      place = places.try_emplace(key, kept).first->second;
    }
    if (place != i) std::memcpy(at(place), at(i), entry.size);
    if (place == kept) ++kept;
  }
  entries.size = kept;
}

}  // namespace

bool Decoder::Impl::word(const Plan& plan, Position position, char* out) {
  if (reader.at(position) != '"') {
    return takes_number(*plan.type) ? number(plan, position, out) : fail_type(*plan.type, position);
  }
  std::string_view text;
  return short_string(position, text) && check(plan, position, store_word(*plan.type, text, out));
}

bool Decoder::Impl::json(const Plan&, Position position, char* out, std::size_t depth) {
  std::string_view text;
  bool is_copy = false;
  if (!reader.any_value(position, depth, text, is_copy)) return false;
  if (is_copy) text = {lists.arena->copy(text.data(), text.size()), text.size()};
  const JsonSlot value{text.data(), static_cast<u32>(text.size()), 1};
  std::memcpy(out, &value, sizeof value);
  return true;
}

bool Decoder::Impl::union_value(const Plan& plan, Position position, char* out, std::size_t depth) {
  const Type& type = *plan.type;
  std::string_view name;
  const bool is_object = reader.at(position) == '{';
  if (is_object) {
    if (depth >= kJsonDepthMax) return reader.fail_depth(position);
    const Position key = reader.take();
    if (reader.at(key) == '}') return fail_type(type, position);
    if (reader.at(key) != '"') return reader.fail_expected(key, "a key in quotes");
    if (!short_string(key, name)) return false;
  } else if (reader.at(position) != '"') {
    return fail_type(type, position);
  } else if (!short_string(position, name)) {
    return false;
  }
  const auto variant = std::ranges::find(type.variants, name, &Variant::read_name);
  if (variant == type.variants.end() || (!is_object && variant->type != nullptr)) {
    return reader.fail(ErrorCode::kWrongType,
                       fmt::format("expected {}, found {}\"{}\"", variants_of(type),
                                   is_object ? "an object with " : "string ", name.substr(0, 40)));
  }
  const auto number = static_cast<u16>(variant - type.variants.begin());
  std::memcpy(out + type.tag_offset, &number, sizeof number);
  if (!is_object) return true;
  if (const Position colon = reader.take(); reader.at(colon) != ':')
    return reader.fail_expected(colon, "':'");
  if (variant->type == nullptr) {
    const Position value = reader.take();
    if (reader.at(value) != 'n') {
      reader.fail(ErrorCode::kWrongType,
                  fmt::format("expected null, found {}", reader.describe(value)));
      return fail_at(variant->read_name);
    }
    if (!reader.null(value)) return false;
  } else {
    variant->type->clear(out);
    if (!value(*plan.variants[number], out, depth + 1)) return fail_at(variant->read_name);
  }
  const Position after = reader.take();
  if (reader.at(after) == '}') return true;
  if (reader.at(after) != ',') return reader.fail_expected(after, "',' or '}'");
  return reader.fail(
      ErrorCode::kWrongType,
      fmt::format("expected {}, found an object with more than one key", variants_of(type)));
}

bool Decoder::Impl::map(const Plan& plan, Position position, char* out, std::size_t depth) {
  if (reader.at(position) != '{') return fail_type(*plan.type, position);
  if (depth >= kJsonDepthMax) return reader.fail_depth(position);
  const Type& entry = *plan.type->item;
  ListLayout list;
  bool closed = reader.at(reader.peek()) == '}';
  if (closed) reader.take();
  while (!closed) {
    char* const slot = next_slot(list, entry);
    if (slot == nullptr) return false;
    const Position key = reader.take();
    if (reader.at(key) != '"') return reader.fail_expected(key, "a key in quotes");
    Text name;
    if (!string(key, name)) return false;
    std::memcpy(slot, &name, sizeof name);
    if (const Position colon = reader.take(); reader.at(colon) != ':')
      return reader.fail_expected(colon, "':'");
    if (!value(*plan.item, slot + entry.fields[1].offset, depth + 1)) return fail_at(name.view());
    ++list.size;
    const Position after = reader.take();
    closed = reader.at(after) == '}';
    if (!closed && reader.at(after) != ',') return reader.fail_expected(after, "',' or '}'");
  }
  drop_repeated(list, entry);
  std::memcpy(out, &list, sizeof list);
  return true;
}

}  // namespace gameflow::record
