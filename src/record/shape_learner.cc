// How a record that was decoded becomes steps.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "record/decode_plan.h"
#include "record/shape.h"

namespace gameflow::record {

using scan::is_space;

namespace {

// More than the records of an honest type need: then learning is given up.
constexpr std::size_t kStepsMax = 512;
constexpr std::size_t kGapBytesMax = 16U << 10;
constexpr std::size_t kAlternativesMax = 8;

}  // namespace

// Walks a text that is known to be good and has no escapes, so it looks at nothing but where values
// begin and end. Functions return false where learning is given up: the steps made so far remain,
// and lead nowhere.
class ShapeLearner {
 public:
  ShapeLearner(Shapes& shapes, std::string_view json)
      : shapes_(shapes), at_(json.data()), end_(json.data() + json.size()), gap_(at_) {}

  bool record(const Plan* plan) {
    space();
    if (*at_ != '{' && *at_ != '[') return false;  // nothing stands behind the value, to end it
    is_object_ = *at_ == '{';
    return value(plan, 0, Shapes::kNone) && step(end_, Take::kEnd);
  }

 private:
  using Take = Shapes::Take;

  // The value at at_, of a slot and perhaps a flag of the struct; with no plan that of an unknown
  // field.
  bool value(const Plan* plan, std::uint32_t slot, std::uint32_t flag) {
    const Type* type = plan != nullptr ? plan->type : nullptr;
    const auto take = [&](Take known, Take unknown) {
      return step(at_, plan != nullptr ? known : unknown, type, slot, flag);
    };
    switch (*at_) {
      case '"': {
        ++at_;
        const bool bytes = type != nullptr && type->kind == Kind::kBytes;
        const bool word = type != nullptr && takes_word(*type);
        const Take known = bytes ? Take::kBytes : word ? Take::kWord : Take::kText;
        if (!take(known, Take::kPassText)) return false;
        gap_ = find_quote();
        at_ = gap_ + 1;
        return true;
      }
      case '{':
        ++at_;
        if (flag != Shapes::kNone && !step(at_, Take::kPresent, type, slot, flag)) return false;
        return members(plan, slot);
      case '[':
        return list(plan, slot, flag);
      case 'n':
        at_ += 4;  // null is part of the gap
        return true;
      case 't':
      case 'f':
        if (!take(Take::kBool, Take::kPassBool)) return false;
        gap_ = at_ += *at_ == 't' ? 4 : 5;
        return true;
      default:
        if (!take(Take::kNumber, Take::kPassNumber)) return false;
        while (!is_space(*at_) && *at_ != ',' && *at_ != '}' && *at_ != ']') ++at_;
        gap_ = at_;
        return true;
    }
  }

  bool members(const Plan* plan, std::uint32_t slot) {
    std::vector<bool> seen(plan != nullptr ? plan->fields.size() : 0);
    space();
    while (*at_ != '}') {
      const char* key = at_ + 1;
      ++at_;
      at_ = find_quote() + 1;
      skip_token();
      const std::size_t index = find(plan, key, static_cast<std::size_t>(end_ - key));
      if (index == seen.size()) {
        if (!value(nullptr, 0, Shapes::kNone)) return false;
      } else {
        if (seen[index]) return false;  // the last one counts: leave that to the full way
        seen[index] = true;
        const FieldPlan& field = plan->fields[index];
        const std::uint32_t flag = field.optional ? slot + field.field->flag_offset : Shapes::kNone;
        if (!value(field.value, slot + field.offset, flag)) return false;
      }
      space();
      if (*at_ == ',') skip_token();
    }
    ++at_;
    return true;
  }

  bool list(const Plan* plan, std::uint32_t slot, std::uint32_t flag) {
    skip_token();
    if (!step(at_, plan != nullptr ? Take::kList : Take::kPassList,
              plan != nullptr ? plan->type : nullptr, slot, flag)) {
      return false;
    }
    if (*at_ == ']') {
      gap_ = ++at_;
      return true;
    }
    const std::uint32_t here = last_, index = shapes_.steps_[here].list;
    ++lists_open_;
    for (bool closes = false; !closes;) {
      last_ = shapes_.lists_[index].items;
      if (!value(plan != nullptr ? plan->item : nullptr, 0, Shapes::kNone)) return false;
      if (!step(at_, Take::kItemEnd)) return false;
      space();
      closes = *at_ == ']';
      ++at_;
      if (!closes) space();
      Shapes::List& list = shapes_.lists_[index];
      Gap& gap = closes ? list.close : list.between;
      if (gap.size == 0 && !remember(gap, at_)) return false;
      gap_ = at_;
    }
    --lists_open_;
    last_ = here;
    return true;
  }

  // Goes on to the step behind last_ that has the gap up to `gap_end` and takes so; makes it if
  // there is none.
  bool step(const char* gap_end, Take take, const Type* type = nullptr, std::uint32_t slot = 0,
            std::uint32_t flag = Shapes::kNone) {
    const std::uint32_t opened = opened_by(take, gap_end);
    if (lists_open_ == 0) outline(take, gap_end - opened);
    auto& steps = shapes_.steps_;
    std::size_t alternatives = 0;
    for (std::uint32_t at = steps[last_].next; at != Shapes::kNone; at = steps[at].other) {
      last_ = at;
      ++alternatives;
      const Shapes::Step& known = steps[at];
      if (known.take == take && known.slot == slot && known.flag == flag && known.type == type &&
          gap_ + known.gap.size == gap_end && shapes_.has(known.gap, gap_, gap_end)) {
        gap_ = gap_end;
        return true;
      }
    }
    if (alternatives >= kAlternativesMax || steps.size() + 2 > kStepsMax) return false;
    Shapes::Step made{.slot = slot, .flag = flag, .opened = opened, .take = take, .type = type};
    if (!remember(made.gap, gap_end)) return false;
    const auto index = static_cast<std::uint32_t>(steps.size());
    const bool is_list = take == Take::kList || take == Take::kPassList;
    if (is_list) {
      made.list = static_cast<std::uint32_t>(shapes_.lists_.size());
      shapes_.lists_.push_back({.items = index + 1});
    } else if (take == Take::kEnd) {
      made.list = static_cast<std::uint32_t>(shapes_.outlines_.size());
      shapes_.outlines_.push_back(finished_outline());
    }
    shapes_.parts_.resize(steps.size() + 2);
    steps.push_back(made);
    if (is_list) steps.emplace_back();
    (alternatives == 0 ? steps[last_].next : steps[last_].other) = index;
    last_ = index;
    gap_ = gap_end;
    return true;
  }

  // A list is a part from its bracket on, though the gap of its step ends where its items begin.
  std::uint32_t opened_by(Take take, const char* gap_end) const {
    if (take != Take::kList && take != Take::kPassList) return 0;
    const char* at = gap_end - 1;
    while (*at != '[') --at;
    return static_cast<std::uint32_t>(gap_end - at);
  }

  // The outline goes on: what is behind the last part, up to `end`, is of the next gap.
  void outline(Take take, const char* end) {
    if (end > gap_) open_gap_.append(gap_, end);
    if (take == Take::kPresent) return;
    outline_.gap_texts.push_back(std::exchange(open_gap_, {}));
    if (take != Take::kEnd) outline_.kinds.push_back(Shapes::part_for(take));
  }

  OutlinePtr finished_outline() {
    std::size_t bytes = 0;
    for (const std::string& gap : outline_.gap_texts) bytes += gap.size();
    if (!is_object_ || bytes > Outline::kGapBytesMax || outline_.kinds.size() > Outline::kPartsMax)
      return nullptr;
    outline_.compile();
    return std::make_shared<const Outline>(std::move(outline_));
  }

  // Remembers the bytes of the gap up to `gap_end`.
  bool remember(Gap& gap, const char* gap_end) {
    const std::string_view text(gap_, static_cast<std::size_t>(gap_end - gap_));
    if (shapes_.gaps_.size() + text.size() > kGapBytesMax + kGapHeadBytes) return false;
    gap = Gap::of(text, shapes_.gaps_);
    return true;
  }

  // The field whose key begins at `key`, or how many there are.
  static std::size_t find(const Plan* plan, const char* key, std::size_t size) {
    if (plan == nullptr) return 0;
    std::size_t index = 0;
    while (index < plan->fields.size() && !plan->fields[index].matches(key, size)) ++index;
    return index;
  }

  const char* find_quote() const {
    return static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
  }
  void space() {
    while (at_ < end_ && is_space(*at_)) ++at_;
  }
  // Past the one-byte token that comes next, and what is blank around it.
  void skip_token() {
    space();
    ++at_;
    space();
  }

  Shapes& shapes_;
  const char* at_;          // what is walked to
  const char* const end_;   // of the text
  const char* gap_;         // where the last value ended
  std::uint32_t last_ = 0;  // the step of the last value
  bool is_object_ = false;
  std::size_t lists_open_ = 0;
  Outline outline_;
  std::string open_gap_;  // of the outline
};

void Shapes::learn(const Plan* plan, std::string_view json) {
  if (steps_.empty()) forget();
  if (plan != nullptr && !plan->has_shapes) return;
  if (json.find('\\') != std::string_view::npos) return;
  have_breaks_ = have_breaks_ || json.find_first_of("\r\n") != std::string_view::npos;
  ShapeLearner(*this, json).record(plan);
}

std::vector<Shapes::Value> Shapes::values() const {
  std::vector<Value> values;
  if (steps_.empty()) return values;
  for (std::uint32_t at = steps_[0].next; at != kNone; at = steps_[at].next) {
    const Step& step = steps_[at];
    if (step.take == Take::kEnd) return values;
    values.push_back({step.take, step.slot, step.flag, step.type});
  }
  return {};
}

}  // namespace gameflow::record
