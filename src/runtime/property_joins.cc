// The model's joins: all events that were not late are kept for ever.
#include <algorithm>
#include <iterator>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "runtime/property_model.h"

namespace gameflow::runtime::property {
namespace {

bool has_passed(std::optional<std::int64_t> until, std::int64_t end) {
  return until && end <= *until;
}

}  // namespace

// What a pair, or a left event alone, gives. Returns what failed; or nothing.
std::string_view Model::join(std::size_t service, const Waiting& left, const Waiting* right,
                             std::vector<Emitted>& out) const {
  const Service& of = case_.services[service];
  Event made;
  try {
    made = joined(*of.join, left.event, right == nullptr ? nullptr : &right->event);
  } catch (const std::runtime_error&) {
    return "join";
  }
  std::vector<Emitted> given;
  const std::int64_t time = right == nullptr ? left.time : std::max(left.time, right->time);
  const auto failed = pass_all(of.steps, {made}, look_up_of(service), [&](const Event& event) {
    given.push_back({.event = event,
                     .time = time,
                     .key = left.key,
                     .is_joined = true,
                     .record_key = left.record_key});
    return std::string_view();
  });
  if (failed.empty()) std::ranges::move(given, std::back_inserter(out));
  return failed;
}

void Model::meet(std::size_t service, bool is_left, const std::vector<Emitted>& emitted,
                 std::int64_t now, std::optional<std::int64_t>& progress, Passed& passed,
                 Part& part) {
  const Join& rules = *case_.services[service].join;
  State& state = services_[service];
  const auto closed_until = state.memory.closed_until;
  const Record& record = *passed.record;
  bool is_late = false;
  std::set<std::pair<std::size_t, std::string_view>> failed;  // with however many it does
  for (std::size_t number = 0; number < emitted.size(); ++number) {
    const Emitted& out = emitted[number];
    if (!is_placeable(service, out, record, passed.from, now, progress, part.after.counters,
                      passed.dead))
      continue;
    if (has_passed(closed_until, out.time + rules.after + (is_left ? 0 : rules.before) + 1)) {
      ++part.after.counters.late;
      is_late = true;
      continue;
    }
    const std::int64_t from = out.time - (is_left ? rules.before : rules.after);
    const std::int64_t until = out.time + (is_left ? rules.after : rules.before);
    std::vector<Waiting*> partners;
    for (Waiting& other : is_left ? state.right : state.left) {
      if (other.key != out.key || other.time < from || other.time > until) continue;
      // What a left one meets is decided once its window has closed.
      if (is_left || !has_passed(closed_until, other.time + rules.after + 1))
        partners.push_back(&other);
    }
    std::ranges::stable_sort(partners, {}, &Waiting::time);
    Waiting one{out.time, out.event, out.key, is_left ? record.key : std::nullopt};
    for (Waiting* const other : partners) {
      Waiting& left = is_left ? one : *other;
      left.has_met = true;
      const auto op = join(service, left, is_left ? other : &one, passed.out);
      if (!op.empty()) failed.emplace(number, op);
    }
    (is_left ? state.left : state.right).push_back(std::move(one));
    part.new_buckets.insert(bucket_of(out.time));
  }
  for (const auto& [number, op] : failed)
    passed.failed.push_back(dead_letter(service, op, passed.from, record));
  if (is_late) write_late(service, record, passed.from, part);
}

// Left events that have met none and will not any more; then what can meet nothing is dropped.
void Model::finish_join(std::size_t service, Part& part) {
  const Join& rules = *case_.services[service].join;
  State& state = services_[service];
  move_closed(rules.grace, 0, part.after);
  const auto until = part.after.closed_until;
  std::vector<Expired> lone;
  for (const Waiting& left : state.left) {
    const std::int64_t end = left.time + rules.after + 1;
    if (!rules.is_left || left.has_met || !has_passed(until, end) ||
        has_passed(state.memory.closed_until, end))
      continue;
    Expired& one = lone.emplace_back(
        Expired{left.time, encoded(rules.has_integer_key, left.key), left.record_key});
    std::vector<Emitted> out;
    one.failed = join(service, left, nullptr, out);
    for (const Emitted& said : out) one.said.push_back(said.event);
  }
  std::ranges::stable_sort(lone, {},
                           [](const Expired& one) { return std::tuple(one.at, one.key); });
  part.may_expire = !lone.empty();
  const auto is_gone = [&](std::int64_t bucket) {
    return has_passed(until, bucket + kBucket + rules.before + rules.after);
  };
  part.drops = std::erase_if(state.buckets, is_gone) != 0;
  std::ranges::copy_if(part.new_buckets, std::inserter(state.buckets, state.buckets.end()),
                       [&](std::int64_t bucket) { return !is_gone(bucket); });
  part.new_buckets.clear();
  write_passed(service, lone, part);
  part.passed.clear();
}

}  // namespace gameflow::runtime::property
