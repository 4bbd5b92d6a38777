// How values become columns.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "record/columns.h"

namespace gameflow::record {
namespace {

using Form = Column::Form;
using Part = Column::Part;

// A batch whose values need more is stored as text.
constexpr std::size_t kShapesMax = 32;
constexpr std::size_t kColumnsMax = 128;
constexpr std::size_t kGapBytesMax = 8U << 10;
// A list nested deeper stays within its value: by itself it is not as deep.
constexpr int kListDepthMax = 8;
constexpr std::size_t kDictionaryMax = 256;

void put_code(std::string& out, Part part, Form form) {
  out.push_back(static_cast<char>(part));
  out.push_back(static_cast<char>(form));
}

// One past the list at `at`, whatever is in it; null if it does not end before `end`, or is deep.
const char* end_of_list(const char* at, const char* end) {
  int depth = 0;
  for (; at < end; ++at) {
    switch (*at) {
      case '"':
        for (++at; at < end && *at != '"'; ++at) at += *at == '\\' ? 1 : 0;
        break;
      case '[':
      case '{':
        if (++depth > kListDepthMax) return nullptr;
        break;
      case ']':
      case '}':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
  }
  return nullptr;
}

// Where the part that begins at `at` ends; null if there is none that is right.
const char* end_of_part(Part part, const char* at, const char* end) {
  switch (part) {
    case Part::kText:
      return scan::end_of_string(at, end);
    case Part::kNumber:
      return scan::end_of_number(at, end);
    case Part::kBool:
      return scan::end_of_bool(at);
    case Part::kJson:
      return at < end && *at == '[' ? end_of_list(at, end) : nullptr;
  }
  return nullptr;
}

// Finds gaps and parts of an object without knowing its type. Not a check: what it takes for JSON
// need not be, but its gaps and parts are all of its bytes.
class Walk {
 public:
  Walk(std::string_view value, std::vector<std::string>& gaps, std::vector<Part>& kinds)
      : at_(value.data()), end_(at_ + value.size()), gap_(at_), gaps_(gaps), kinds_(kinds) {}

  bool run() {
    space();
    if (peek() != '{' || !value(0)) return false;
    space();
    if (at_ != end_) return false;
    gaps_.emplace_back(gap_, end_);
    return true;
  }

 private:
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  void space() {
    while (at_ < end_ && scan::is_space(*at_)) ++at_;
  }
  bool skip(char c) {
    space();
    if (peek() != c) return false;
    ++at_;
    space();
    return true;
  }

  bool value(int depth) {
    switch (peek()) {
      case '"':
        ++at_;
        if (!part(Part::kText)) return false;
        ++at_;  // the quote is the gap's
        return true;
      case '{':
        return depth < kListDepthMax && members(depth + 1);
      case '[':
        return part(Part::kJson);
      case 't':
      case 'f':
        return end_ - at_ >= 5 && part(Part::kBool);
      case 'n':
        if (end_ - at_ < 5 || std::memcmp(at_, "null", 4) != 0) return false;
        at_ += 4;  // part of the gap
        return true;
      default:
        return scan::is_of_number(peek()) && part(Part::kNumber);
    }
  }

  bool members(int depth) {
    ++at_;
    space();
    if (peek() == '}') return ++at_, true;
    while (true) {
      if (peek() != '"') return false;
      const char* const key_end = scan::end_of_string(at_ + 1, end_);
      if (key_end == nullptr) return false;
      at_ = key_end + 1;
      if (!skip(':') || !value(depth)) return false;
      space();
      if (peek() == '}') return ++at_, true;
      if (!skip(',')) return false;
    }
  }

  // The part at at_ ends the gap before it.
  bool part(Part kind) {
    const char* const after = end_of_part(kind, at_, end_);
    if (after == nullptr || kinds_.size() == kColumnsMax) return false;
    gap_bytes_ += static_cast<std::size_t>(at_ - gap_);
    if (gap_bytes_ > kGapBytesMax) return false;
    gaps_.emplace_back(gap_, at_);
    kinds_.push_back(kind);
    at_ = gap_ = after;
    return true;
  }

  const char* at_;
  const char* const end_;
  const char* gap_;  // where the last part ended
  std::size_t gap_bytes_ = 0;
  std::vector<std::string>& gaps_;
  std::vector<Part>& kinds_;
};

// A part by its first and last eight bytes: all of it, where it has up to 16.
struct Word {
  std::uint64_t first = 0, last = 0;
  std::string_view part;

  Word() = default;
  // `part` is readable for 8 bytes.
  explicit Word(std::string_view text) : part(text) {
    std::memcpy(&first, text.data(), 8);
    if (text.size() >= 8) {
      std::memcpy(&last, text.data() + text.size() - 8, 8);
    } else {
      first &= (std::uint64_t{1} << 8 * text.size()) - 1;
    }
  }
  friend bool operator==(const Word& a, const Word& b) {
    return a.first == b.first && a.last == b.last && a.part.size() == b.part.size() &&
           (a.part.size() <= 16 || a.part == b.part);
  }
  std::uint64_t hash() const {
    return (first * 0x9E37'79B9'7F4A'7C15 ^ last ^ part.size()) * 0xD6E8'FEB8'6659'FD93;
  }
};

}  // namespace

bool ColumnsWriter::Shape::take(std::string_view value) {
  const char* at = value.data();
  const char* const end = at + value.size();
  const std::size_t before = parts.size();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const char* part_end = nullptr;
    if (gaps[i].begins(at, end, gap_rests.data())) {
      at += gaps[i].size;
      part_end = end_of_part(kinds[i], at, end);
    }
    if (part_end == nullptr) {
      parts.resize(before);
      return false;
    }
    parts.emplace_back(at, static_cast<std::size_t>(part_end - at));
    at = part_end;
  }
  if (gaps.back().begins(at, end, gap_rests.data()) && at + gaps.back().size == end) return true;
  parts.resize(before);
  return false;
}

bool ColumnsWriter::write(std::span<const std::string_view> values, const RecordKeys& keys,
                          std::string& out) {
  shapes_.clear();
  last_ = 0;
  if (!sort_into_shapes(values)) return false;
  ByteWriter writer(out);
  writer.varint(shapes_.size());
  if (shapes_.size() > 1) {
    const std::size_t begin = out.size();
    out.resize(begin + values.size());
    for (std::size_t number = 0; number < shapes_.size(); ++number) {
      for (const std::uint32_t record : shapes_[number].records)
        out[begin + record] = static_cast<char>(number);
    }
  }
  for (const Shape& shape : shapes_) write_shape(shape, keys, out);
  return true;
}

// Each value to the first shape that it fits, beginning with that of the value before; those
// without one that could be learned are a shape of their own, of one column. False where too many
// are.
bool ColumnsWriter::sort_into_shapes(std::span<const std::string_view> values) {
  Shape odd{.gap_texts = {"", ""}, .kinds = {Part::kJson}};
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    const std::size_t number = shape_of(values[i]);
    if (number < shapes_.size()) {
      shapes_[number].records.push_back(i);
      continue;
    }
    odd.parts.push_back(values[i]);
    odd.records.push_back(i);
    if (odd.records.size() > 16 + i / 4) return false;
  }
  if (odd.records.size() * 4 > values.size()) return false;
  if (!odd.records.empty()) shapes_.push_back(std::move(odd));
  return true;
}

std::size_t ColumnsWriter::shape_of(std::string_view value) {
  if (last_ < shapes_.size() && shapes_[last_].take(value)) return last_;
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    if (i != last_ && shapes_[i].take(value)) return last_ = i;
  }
  if (shapes_.size() == kShapesMax) return SIZE_MAX;
  Shape made;
  if (!Walk(value, made.gap_texts, made.kinds).run()) return SIZE_MAX;
  for (const std::string& text : made.gap_texts) made.gaps.push_back(Gap::of(text, made.gap_rests));
  if (!made.take(value)) return SIZE_MAX;
  shapes_.push_back(std::move(made));
  return last_ = shapes_.size() - 1;
}

void ColumnsWriter::write_shape(const Shape& shape, const RecordKeys& keys, std::string& out) {
  ByteWriter writer(out);
  const std::size_t columns = shape.kinds.size(), count = shape.records.size();
  writer.varint(columns);
  for (const std::string& gap : shape.gap_texts) writer.text(gap);
  parts_.resize(shape.parts.size());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t column = 0; column < columns; ++column)
      parts_[column * count + i] = shape.parts[i * columns + column];
  }
  written_.clear();
  for (std::size_t column = 0; column < columns; ++column) write_column(shape, column, keys, out);
}

void ColumnsWriter::write_column(const Shape& shape, std::size_t number, const RecordKeys& keys,
                                 std::string& out) {
  ByteWriter writer(out);
  const Part kind = shape.kinds[number];
  const std::size_t count = shape.records.size();
  const auto parts = std::span<const std::string_view>(parts_).subspan(number * count, count);
  if (std::ranges::all_of(parts, [&](std::string_view part) { return part == parts[0]; })) {
    put_code(out, kind, Form::kSame);
    writer.text(parts[0]);
    return;
  }
  const auto is_key = [&](std::size_t i) {
    const std::uint32_t record = shape.records[i];
    return keys.has(record) && keys[record] == parts[i];
  };
  std::size_t same = 0;
  while (same < count && is_key(same)) ++same;
  if (same == count) return put_code(out, kind, Form::kKey);
  for (const Written& before : written_) {
    if (!std::ranges::equal(before.parts, parts)) continue;
    put_code(out, kind, Form::kCopy);
    writer.varint(before.number);
    return;
  }
  written_.push_back({number, parts});
  const std::size_t begin = out.size();
  put_code(out, kind, Form::kDictionary);
  if (write_dictionary(parts, out)) return;
  out.resize(begin);

  std::size_t bytes = 0, longest = 0, shortest = SIZE_MAX;
  for (const std::string_view part : parts) {
    bytes += part.size();
    longest = std::max(longest, part.size());
    shortest = std::min(shortest, part.size());
  }
  if (longest == shortest) {
    put_code(out, kind, Form::kFixed);
    writer.varint(longest);
  } else if (longest < 256) {
    put_code(out, kind, Form::kSized);
    for (const std::string_view part : parts) out.push_back(static_cast<char>(part.size()));
  } else {
    put_code(out, kind, Form::kSizedWide);
    for (const std::string_view part : parts) writer.fixed(static_cast<std::uint32_t>(part.size()));
  }
  std::size_t at = out.size();
  out.resize(at + bytes);
  for (const std::string_view part : parts) at += part.copy(out.data() + at, part.size());
}

// Given up as soon as a fourth of the parts are known to differ: then it saves little.
bool ColumnsWriter::write_dictionary(std::span<const std::string_view> parts, std::string& out) {
  constexpr std::size_t kBuckets = 2 * kDictionaryMax;
  const std::size_t size_max = std::min(kDictionaryMax, parts.size() / 4);
  std::array<std::uint16_t, kBuckets> buckets{};  // of the words, counted from 1
  std::array<Word, kDictionaryMax> words;
  std::size_t size = 0;
  codes_.resize(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Word word(parts[i]);
    std::size_t bucket = word.hash() >> 55;
    static_assert(kBuckets == 1U << (64 - 55));
    while (buckets[bucket] != 0 && !(words[buckets[bucket] - 1U] == word))
      bucket = (bucket + 1) % kBuckets;
    if (buckets[bucket] == 0) {
      if (size == size_max) return false;
      words[size++] = word;
      buckets[bucket] = static_cast<std::uint16_t>(size);
    }
    codes_[i] = static_cast<char>(buckets[bucket] - 1);
  }
  ByteWriter writer(out);
  writer.varint(size);
  for (std::size_t i = 0; i < size; ++i) writer.text(words[i].part);
  writer.bytes(codes_);
  return true;
}

}  // namespace gameflow::record
