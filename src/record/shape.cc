#include "record/shape.h"

#include <cstring>

#include "record/base64.h"
#include "record/json_reader.h"

namespace gameflow::record {

using scan::end_of_bool;
using scan::end_of_number;
using scan::end_of_string;

namespace {

// Longer texts gain nothing.
constexpr std::size_t kTextBytesMax = 1U << 20;

// A hit saves a quarter or more of decoding, a miss costs as much again. So a type keeps its shapes
// while far more records fit than do not, and otherwise begins anew, a good while later.
constexpr int kMissCost = 6;
constexpr int kBalanceStart = 512;
constexpr int kBalanceMax = 1024;
constexpr std::uint32_t kRest = 16384;

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
  if (!steps_.empty() && run<true>(0, json.data(), end, out) == end) {
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

Part Shapes::part_for(Take take) {
  switch (take) {
    case Take::kText:
    case Take::kBytes:
    case Take::kWord:
    case Take::kPassText:
      return Part::kText;
    case Take::kBool:
    case Take::kPassBool:
      return Part::kBool;
    case Take::kNumber:
    case Take::kPassNumber:
      return Part::kNumber;
    default:
      return Part::kJson;
  }
}

Outlined Shapes::outlined() const {
  if (*outline_ == nullptr) return {};
  return {outline_, parts_.data(), have_breaks_};
}

void Shapes::forget() {
  steps_.assign(1, Step{});
  lists_.clear();
  outlines_.clear();
  have_breaks_ = false;
  gaps_.clear();
  balance_ = kBalanceStart;
}

template <bool kWhole>
const char* Shapes::run(std::uint32_t before, const char* at, const char* end, char* out) {
  const Step* const steps = steps_.data();
  std::string_view* part = parts_.data();  // a step has one at most
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
            const std::string_view found(begin, static_cast<std::size_t>(next - begin));
            const Text text = Text::view(found);
            std::memcpy(out + step.slot, &text, sizeof text);
            if constexpr (kWhole) *part++ = found;
          }
          break;
        case Take::kPresent:
          next = begin;
          break;
        case Take::kItemEnd:
          return begin;
        case Take::kEnd:
          if (begin == end) {
            if constexpr (kWhole) outline_ = &outlines_[step.list];
            return begin;
          }
          break;
        default:
          next = value(step, begin, end, out);
          if constexpr (kWhole) {
            const char* const opened = begin - step.opened;
            if (next != nullptr) *part++ = {opened, static_cast<std::size_t>(next - opened)};
          }
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
    case Take::kWord:
      after = end_of_string(at, end);
      if (after == nullptr) return nullptr;
      return store_word(*step.type, {at, static_cast<std::size_t>(after - at)}, out + step.slot) ==
                     Fit::kFits
                 ? after
                 : nullptr;
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
      return store_number(*step.type, number, at, after, out + step.slot) == Fit::kFits ? after
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
      at = run<false>(shape.items, at, end, slot);
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
