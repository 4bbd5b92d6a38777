#include "record/encoder.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "record/padded.h"
#include "record/raw.h"

namespace gameflow::record {
namespace {

// A type whose values have more is stored as columns find them.
constexpr std::size_t kOutlinesMax = 64;
// As in columns: by itself a list is not as deep as within its value, so a deep one is no part.
constexpr int kListDepthMax = 8;

// How deep the JSON of its values is nested; kListDepthMax and more is all the same.
int depth_of(const Type& type) {
  if (type.kind == Kind::kJson) return kListDepthMax;
  int deepest = 0;
  if (type.item != nullptr) deepest = depth_of(*type.item);
  for (const Field& field : type.fields) deepest = std::max(deepest, depth_of(*field.type));
  for (const Variant& variant : type.variants) {
    if (variant.type != nullptr) deepest = std::max(deepest, depth_of(*variant.type));
  }
  return deepest + 1;
}

bool can_have_outlines(const Type& type) {
  return type.kind == Kind::kObject && !type.is_raw && depth_of(type) < kListDepthMax;
}

}  // namespace

Encoder::OfType& Encoder::of(const Type& type) {
  if (&type == last_type_) return *last_;
  const auto [found, is_new] = types_.try_emplace(&type);
  if (is_new) found->second.has_outlines = can_have_outlines(type);
  last_type_ = &type;
  return *(last_ = &found->second);
}

std::string_view Encoder::encode(const Type& type, const void* value, Arena& arena) {
  OfType& of_type = of(type);
  json_.clear();
  notes_.clear();
  if (type.is_raw) {
    encode_raw(type, value, json_);
  } else {
    JsonWriter writer(json_, of_type.has_outlines ? &notes_ : nullptr);
    write_value(type, value, writer);
    writer.flushed();
  }
  const std::string_view made = copy_padded(arena, json_);
  outlined_ = {};
  if (!of_type.has_outlines || !notes_.has_outline()) return made;
  outlined_.outline = outline_of(of_type, made);
  if (outlined_.outline == nullptr) return made;
  parts_.clear();
  for (const PartNotes::Place& place : notes_.places())
    parts_.push_back(made.substr(place.begin, place.end - place.begin));
  outlined_.parts = parts_.data();
  return made;
}

const OutlinePtr* Encoder::outline_of(OfType& of_type, std::string_view text) {
  std::vector<Known>& known = of_type.known;
  if (of_type.last < known.size() && known[of_type.last].choices == notes_.choices())
    return &known[of_type.last].outline;
  const auto found = std::ranges::find(known, notes_.choices(), &Known::choices);
  if (found == known.end()) return learn(of_type, text);
  of_type.last = static_cast<std::size_t>(found - known.begin());
  return &found->outline;
}

// Null where there are too many, or it is too large for one.
const OutlinePtr* Encoder::learn(OfType& of_type, std::string_view text) {
  if (of_type.known.size() == kOutlinesMax || notes_.places().size() > Outline::kPartsMax)
    return nullptr;
  auto outline = std::make_shared<Outline>();
  std::size_t end = 0, gap_bytes = 0;
  for (const PartNotes::Place& place : notes_.places()) {
    outline->gap_texts.emplace_back(text.substr(end, place.begin - end));
    outline->kinds.push_back(place.kind);
    gap_bytes += place.begin - end;
    end = place.end;
  }
  outline->gap_texts.emplace_back(text.substr(end));
  if (gap_bytes > Outline::kGapBytesMax) return nullptr;
  outline->compile();
  of_type.known.push_back({notes_.choices(), std::move(outline)});
  of_type.last = of_type.known.size() - 1;
  return &of_type.known.back().outline;
}

}  // namespace gameflow::record
