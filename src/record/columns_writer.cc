// How values become columns.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/bytes.h"
#include "record/columns.h"

namespace gameflow::record {
namespace {

using Form = Column::Form;

// A batch whose values need more is stored as text.
constexpr std::size_t kShapesMax = 32;
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
  Walk(std::string_view value, Outline& outline)
      : at_(value.data()), end_(at_ + value.size()), gap_(at_), outline_(outline) {}

  bool run() {
    space();
    if (peek() != '{' || !value(0)) return false;
    space();
    if (at_ != end_) return false;
    outline_.gap_texts.emplace_back(gap_, end_);
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
    if (after == nullptr || outline_.kinds.size() == Outline::kPartsMax) return false;
    gap_bytes_ += static_cast<std::size_t>(at_ - gap_);
    if (gap_bytes_ > Outline::kGapBytesMax) return false;
    outline_.gap_texts.emplace_back(gap_, at_);
    outline_.kinds.push_back(kind);
    at_ = gap_ = after;
    return true;
  }

  const char* at_;
  const char* const end_;
  const char* gap_;  // where the last part ended
  std::size_t gap_bytes_ = 0;
  Outline& outline_;
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

void ColumnsWriter::Shape::reset(OutlinePtr made, std::size_t count) {
  outline = std::move(made);
  capacity = std::max<std::size_t>(count, 16);
  const std::size_t size = capacity * columns();
  if (parts.size() < size) parts.resize(size);
  records.clear();
}

void ColumnsWriter::Shape::add(std::uint32_t record, const std::string_view* row) {
  const std::size_t count = records.size(), width = columns();
  if (count == capacity) {
    // No power of two: columns that are whole pages apart would share their places in the caches.
    const std::size_t more = 2 * capacity + 5;
    std::vector<std::string_view> wider(more * width);
    for (std::size_t i = 0; i < width; ++i)
      std::ranges::copy(column(i), wider.begin() + static_cast<std::ptrdiff_t>(more * i));
    parts = std::move(wider);
    capacity = more;
  }
  std::string_view* at = parts.data() + count;
  for (std::size_t i = 0; i < width; ++i, at += capacity) *at = row[i];
  records.push_back(record);
}

void ColumnsWriter::begin(std::size_t count) {
  shapes_used_ = 0;
  odd_.reset(nullptr, 0);
  last_ = 0;
  count_ = 0;
  expected_ = count;
  given_up_ = false;
}

std::size_t ColumnsWriter::memory_bytes() const {
  std::size_t parts = odd_.parts.capacity();
  for (const Shape& shape : shapes_) parts += shape.parts.capacity();
  return parts * sizeof(std::string_view) + codes_.capacity();
}

// Each value to the first shape that it fits, beginning with that of the value before; those
// without one that could be learned are a shape of their own, of one column. Given up where too
// many are.
void ColumnsWriter::add(std::string_view value, const Outlined& outlined) {
  if (given_up_) return;
  const std::uint32_t record = count_++;
  const std::size_t number = outlined ? shape_of(*outlined.outline) : shape_of(value);
  if (number < shapes_used_) {
    shapes_[number].add(record, outlined ? outlined.parts : row_.data());
    return;
  }
  odd_.add(record, &value);
  given_up_ = odd_.records.size() > 16 + record / 4;
}

std::size_t ColumnsWriter::shape_of(const OutlinePtr& outline) {
  if (last_ < shapes_used_ && shapes_[last_].outline == outline) return last_;
  for (std::size_t i = 0; i < shapes_used_; ++i) {
    if (shapes_[i].outline == outline) return last_ = i;
  }
  for (std::size_t i = 0; i < shapes_used_; ++i) {
    if (*shapes_[i].outline != *outline) continue;
    shapes_[i].outline = outline;  // found sooner the next time
    return last_ = i;
  }
  return make_shape(outline);
}

std::size_t ColumnsWriter::shape_of(std::string_view value) {
  if (last_ < shapes_used_ && take(*shapes_[last_].outline, value)) return last_;
  for (std::size_t i = 0; i < shapes_used_; ++i) {
    if (i != last_ && take(*shapes_[i].outline, value)) return last_ = i;
  }
  auto outline = std::make_shared<Outline>();
  if (!Walk(value, *outline).run()) return shapes_used_;
  outline->compile();
  return take(*outline, value) ? make_shape(std::move(outline)) : shapes_used_;
}

std::size_t ColumnsWriter::make_shape(OutlinePtr outline) {
  if (shapes_used_ == kShapesMax) return shapes_used_;
  if (shapes_used_ == shapes_.size()) shapes_.emplace_back();
  // The first one is most often that of all.
  shapes_[shapes_used_].reset(std::move(outline), shapes_used_ == 0 ? expected_ : 0);
  last_ = shapes_used_++;
  return last_;
}

// Finds the parts of a value that has this outline.
bool ColumnsWriter::take(const Outline& outline, std::string_view value) {
  const char* at = value.data();
  const char* const end = at + value.size();
  const char* const rests = outline.rests.data();
  row_.clear();
  for (std::size_t i = 0; i < outline.kinds.size(); ++i) {
    if (!outline.gaps[i].begins(at, end, rests)) return false;
    at += outline.gaps[i].size;
    const char* const part_end = end_of_part(outline.kinds[i], at, end);
    if (part_end == nullptr) return false;
    row_.emplace_back(at, static_cast<std::size_t>(part_end - at));
    at = part_end;
  }
  const Gap& last = outline.gaps.back();
  return last.begins(at, end, rests) && at + last.size == end;
}

bool ColumnsWriter::write(const RecordKeys& keys, std::string& out) {
  const std::size_t odd = odd_.records.size();
  if (given_up_ || odd * 4 > count_) return false;
  std::vector<const Shape*> shapes;
  for (std::size_t i = 0; i < shapes_used_; ++i) shapes.push_back(&shapes_[i]);
  if (odd != 0) shapes.push_back(&odd_);
  ByteWriter writer(out);
  writer.varint(shapes.size());
  if (shapes.size() > 1) {
    const std::size_t begin = out.size();
    out.resize(begin + count_);
    for (std::size_t number = 0; number < shapes.size(); ++number) {
      for (const std::uint32_t record : shapes[number]->records)
        out[begin + record] = static_cast<char>(number);
    }
  }
  for (const Shape* shape : shapes) write_shape(*shape, keys, out);
  return true;
}

void ColumnsWriter::write_shape(const Shape& shape, const RecordKeys& keys, std::string& out) {
  ByteWriter writer(out);
  const std::size_t columns = shape.columns();
  writer.varint(columns);
  if (shape.outline == nullptr) {
    writer.text("");
    writer.text("");
  } else {
    for (const std::string& gap : shape.outline->gap_texts) writer.text(gap);
  }
  written_.clear();
  for (std::size_t column = 0; column < columns; ++column) write_column(shape, column, keys, out);
}

void ColumnsWriter::write_column(const Shape& shape, std::size_t number, const RecordKeys& keys,
                                 std::string& out) {
  ByteWriter writer(out);
  const Part kind = shape.outline == nullptr ? Part::kJson : shape.outline->kinds[number];
  const std::size_t count = shape.records.size();
  const auto parts = shape.column(number);
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
