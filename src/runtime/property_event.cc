#include "runtime/property_event.h"

#include <algorithm>

namespace gameflow::runtime::property {

std::string_view constant_name(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  return found == kNames.end() ? "?" : *found;
}

std::string_view kind_of(Step::Op op) {
  using Op = Step::Op;
  switch (op) {
    case Op::kAdd:
    case Op::kShift:
    case Op::kRename:
    case Op::kDeeper:
    case Op::kThrow:
    case Op::kLookUp:
      return "map";
    case Op::kKeep:
    case Op::kShallow:
      return "filter";
    case Op::kHalve:
      return "filter-map";
    case Op::kCopies:
    case Op::kExplode:
      break;
  }
  return "flat-map";
}

void apply(const Step& step, const Event& event, const LookUp& look_up, std::vector<Event>& out) {
  using Op = Step::Op;
  Event made = event;
  switch (step.op) {
    case Op::kAdd:
      made.n = modulo(event.n + step.argument, 1'000);
      break;
    case Op::kShift:
      made.at += step.argument;
      break;
    case Op::kRename:
      made.name = kNames[static_cast<std::size_t>(modulo(event.n + step.argument, kNames.size()))];
      break;
    case Op::kDeeper:
      made.depth += step.argument;
      break;
    case Op::kThrow:
      throw_if(modulo(event.n, step.argument) == 0);
      break;
    case Op::kKeep:
      if (modulo(event.n, step.argument) == 0) return;
      break;
    case Op::kShallow:
      if (event.depth >= step.argument) return;
      break;
    case Op::kHalve:
      if (modulo(event.n, 2) != 0) return;
      made.n /= 2;
      break;
    case Op::kCopies:
      for (std::int64_t i = modulo(event.n, step.argument); i > 0; --i) {
        made.n = modulo(event.n * 7 + i, 1'000);
        out.push_back(made);
      }
      return;
    case Op::kLookUp: {
      const auto found = look_up(step.argument, event);
      made.n = modulo(event.n + (found ? found->number + 1 : 500), 1'000);
      if (found && !found->name.empty()) made.name = found->name;
      break;
    }
    case Op::kExplode:
      break;
  }
  out.push_back(made);
}

std::int64_t time_of(bool throws, const Event& event) {
  throw_if(throws && modulo(event.n, 29) == 0);
  return throws && modulo(event.n, 31) == 0 ? INT64_MAX / 2 : event.at;
}

std::string key_text_of(bool throws, const Event& event) {
  throw_if(throws && modulo(event.n, 23) == 0);
  if (throws && event.n == 37) return std::string((32U << 10) + 1, 'k');
  return std::string(event.name);
}

std::int64_t key_number_of(bool throws, const Event& event) {
  throw_if(throws && modulo(event.n, 23) == 0);
  return modulo(event.n, 7) - 3;
}

bool is_ignored(const Event& event) {
  return modulo(event.n, 19) == 0;
}

}  // namespace gameflow::runtime::property
