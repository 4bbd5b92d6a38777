#include "record/shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <simdjson.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "record/base64.h"
#include "record/batch.h"
#include "record/json_reader.h"

namespace gameflow::record {
namespace {

// Longer texts gain nothing.
constexpr std::size_t kTextBytesMax = 1U << 20;

// A hit saves a quarter or more of decoding, a miss costs as much again. So a type keeps its shapes
// while far more records fit than do not, and otherwise begins anew, a good while later.
constexpr int kMissCost = 6;
constexpr int kBalanceStart = 512;
constexpr int kBalanceMax = 1024;
constexpr std::uint32_t kRest = 16384;

static_assert(std::endian::native == std::endian::little);

// Of a block of kBlock bytes: where quotes, backslashes, control characters and bytes beyond ASCII
// are, kBits for each byte, the first one lowest; exact up to the first one that is set.
#ifdef __SSE2__
constexpr std::size_t kBlock = 16, kBits = 1;

__m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

std::uint64_t stops_of(const char* at) {
  const __m128i block = load(at);
  // Signed, so that all beyond ASCII is less than a blank, too.
  const __m128i odd = _mm_cmplt_epi8(block, _mm_set1_epi8(' '));
  const __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i escapes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(quotes, escapes))));
}

// Whether the kGapHeadBytes at `at` are those of `head` wherever `mask` has ones.
bool is_masked(const char* at, const char* head, const char* mask) {
  const auto differ = [&](std::size_t i) {
    return _mm_xor_si128(_mm_and_si128(load(at + i), load(mask + i)), load(head + i));
  };
  const __m128i none = _mm_cmpeq_epi8(_mm_or_si128(differ(0), differ(16)), _mm_setzero_si128());
  return _mm_movemask_epi8(none) == 0xFFFF;
}
#else
constexpr std::size_t kBlock = 8, kBits = 8;

std::uint64_t stops_of(const char* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t quotes = word ^ (kOnes * '"'), escapes = word ^ (kOnes * '\\');
  return (((quotes - kOnes) & ~quotes) | ((escapes - kOnes) & ~escapes) | (word - kOnes * ' ') |
          word) &
         kHighs;
}

bool is_masked(const char* at, const char* head, const char* mask) {
  char differ = 0;
  for (std::size_t i = 0; i < kGapHeadBytes; ++i) differ |= (at[i] & mask[i]) ^ head[i];
  return differ == 0;
}
#endif
static_assert(kBlock <= kPaddingBytes && kGapHeadBytes + 8 <= kPaddingBytes);

// As end_of_string(), for one that has bytes beyond ASCII.
[[gnu::noinline]] const char* end_of_other_string(const char* begin, const char* end) {
  const std::string_view rest(begin, static_cast<std::size_t>(end - begin));
  const std::string_view text = rest.substr(0, rest.find('"'));
  bool odd = text.size() == rest.size();
  for (const char c : text) odd |= static_cast<unsigned char>(c) < 0x20 || c == '\\';
  if (odd || !simdjson::validate_utf8(text.data(), text.size())) return nullptr;
  return text.data() + text.size();
}

// The closing quote of the string whose first byte is at `begin`; null if there is none before
// `end`, or an escape or a control character before it, or no UTF-8.
inline const char* end_of_string(const char* const begin, const char* end) {
  for (const char* at = begin; at < end; at += kBlock) {
    const std::uint64_t stops = stops_of(at);
    if (stops == 0) continue;
    const char* stop = at + static_cast<std::size_t>(std::countr_zero(stops)) / kBits;
    if (stop >= end) return nullptr;
    if (*stop == '"') return stop;
    return (*stop & 0x80) != 0 ? end_of_other_string(begin, end) : nullptr;
  }
  return nullptr;
}

bool is_of_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

// One past the number at `at`, whether it is right or not; null if it might go on behind `end`.
const char* end_of_number(const char* at, const char* end) {
  while (at < end && is_of_number(*at)) ++at;
  return at < end ? at : nullptr;
}

// One past `true` or `false`, or null. May be behind the end of the text.
const char* end_of_bool(const char* at) {
  if (std::memcmp(at, "true", 4) == 0) return at + 4;
  return std::memcmp(at, "false", 5) == 0 ? at + 5 : nullptr;
}

}  // namespace

bool Shapes::ready(std::string_view json) {
  if (json.size() > kTextBytesMax) return false;
  if (rest_ == 0) return true;
  --rest_;
  return false;
}

bool Shapes::take(std::string_view json, ListMemory& lists, char* out) {
  const char* const end = json.data() + json.size();
  memory_ = &lists;
  if (!steps_.empty() && run(0, json.data(), end, out) == end) {
    balance_ += balance_ < kBalanceMax ? 1 : 0;
    return true;
  }
  balance_ -= kMissCost;
  if (balance_ < 0) {
    rest_ = steps_.empty() ? 0 : kRest;
    forget();
  }
  return false;
}

void Shapes::forget() {
  steps_.assign(1, Step{});
  lists_.clear();
  gaps_.clear();
  balance_ = kBalanceStart;
}

bool Shapes::has(const Gap& gap, const char* at, const char* end) const {
  if (!is_masked(at, gap.head, gap.mask) || end - at < static_cast<std::ptrdiff_t>(gap.size)) {
    return false;
  }
  return gap.size <= kGapHeadBytes ||
         std::memcmp(at + kGapHeadBytes, gaps_.data() + gap.begin, gap.size - kGapHeadBytes) == 0;
}

const char* Shapes::run(std::uint32_t before, const char* at, const char* end, char* out) {
  const Step* const steps = steps_.data();
  std::uint32_t index = steps[before].next;
  while (index != kNone) {
    const Step& step = steps[index];
    const char* next = nullptr;
    if (has(step.gap, at, end)) {
      const char* const begin = at + step.gap.size;
      switch (step.take) {
        case Take::kText:
          next = end_of_string(begin, end);
          if (next != nullptr) {
            const Text text = Text::view({begin, static_cast<std::size_t>(next - begin)});
            std::memcpy(out + step.slot, &text, sizeof text);
          }
          break;
        case Take::kPresent:
          next = begin;
          break;
        case Take::kItemEnd:
          return begin;
        case Take::kEnd:
          if (begin == end) return begin;
          break;
        default:
          next = value(step, begin, end, out);
      }
    }
    if (next == nullptr) {
      index = step.other;
      continue;
    }
    if (step.flag != kNone) out[step.flag] = 1;
    at = next;
    index = step.next;
  }
  return nullptr;
}

const char* Shapes::value(const Step& step, const char* at, const char* end, char* out) {
  const char* after = nullptr;
  JsonNumber number;
  switch (step.take) {
    case Take::kPassText:
      return end_of_string(at, end);
    case Take::kBytes:
      return bytes(step, at, end, out);
    case Take::kBool:
      after = end_of_bool(at);
      if (after != nullptr) out[step.slot] = static_cast<char>(*at == 't');
      return after;
    case Take::kPassBool:
      return end_of_bool(at);
    case Take::kNumber:
    case Take::kPassNumber:
      after = end_of_number(at, end);
      if (after == nullptr || !JsonReader::parse_number(at, number)) return nullptr;
      if (step.take == Take::kPassNumber) return after;
      return store_number(step.type->kind, number, at, after, out + step.slot) == Fit::kFits
                 ? after
                 : nullptr;
    case Take::kList:
    case Take::kPassList:
      return list(step, at, end, out);
    default:
      return nullptr;  // run() has the others
  }
}

const char* Shapes::bytes(const Step& step, const char* at, const char* end, char* out) {
  const char* const after = end_of_string(at, end);
  if (after == nullptr) return nullptr;
  const std::string_view encoded(at, static_cast<std::size_t>(after - at));
  auto* begin = static_cast<u8*>(memory_->arena->allocate(base64_size_max(encoded), 1));
  const std::ptrdiff_t size = decode_base64(encoded, begin);
  if (size < 0) return nullptr;
  const Bytes value{begin, static_cast<std::size_t>(size)};
  std::memcpy(out + step.slot, &value, sizeof value);
  return after;
}

const char* Shapes::list(const Step& step, const char* at, const char* end, char* out) {
  const List& shape = lists_[step.list];
  ListLayout list;
  if (at < end && *at == ']') {
    ++at;
  } else {
    const bool stored = step.take == Take::kList;
    while (true) {
      char* slot = nullptr;
      if (stored && (slot = memory_->next_slot(list, *step.type->item)) == nullptr) return nullptr;
      at = run(shape.items, at, end, slot);
      if (at == nullptr) return nullptr;
      ++list.size;
      if (shape.between.size != 0 && has(shape.between, at, end)) {
        at += shape.between.size;
      } else if (shape.close.size != 0 && has(shape.close, at, end)) {
        at += shape.close.size;
        break;
      } else {
        return nullptr;
      }
    }
    if (!stored) return at;
  }
  if (step.take == Take::kList) std::memcpy(out + step.slot, &list, sizeof list);
  return at;
}

}  // namespace gameflow::record
