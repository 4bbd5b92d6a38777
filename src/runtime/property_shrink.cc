// Cases made of other cases.
#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "runtime/property_case.h"

namespace gameflow::runtime::property {
namespace {

// Every case that has one element less in the vector which `get` finds.
template <class Get>
void without_one(const Case& original, std::size_t size, Get&& get, std::vector<Case>& out) {
  for (std::size_t i = 0; i < size; ++i) {
    Case less = original;
    auto& items = get(less);
    items.erase(items.begin() + static_cast<std::ptrdiff_t>(i));
    out.push_back(std::move(less));
  }
}

// Runs of actions, the longest first. The end of input, and the run behind it, stay.
void without_actions(const Case& original, std::vector<Case>& out) {
  const std::size_t count = original.actions.size() - 1;
  for (std::size_t part = count / 2; part > 0; part /= 2) {
    for (std::size_t begin = 0; begin + part <= count; begin += part) {
      Case less = original;
      const auto from = less.actions.begin() + static_cast<std::ptrdiff_t>(begin);
      const auto to = from + static_cast<std::ptrdiff_t>(part);
      if (std::ranges::count(from, to, Action::Kind::kEndInput, &Action::kind) != 0) continue;
      less.actions.erase(from, to);
      out.push_back(std::move(less));
    }
  }
}

void without_steps(const Case& original, std::vector<Case>& out) {
  const auto is_needed = [](const Step& step) {
    return step.op == Step::Op::kExplode || step.op == Step::Op::kShallow ||
           step.op == Step::Op::kDeeper;
  };
  const auto remove = [&](auto&& get) {
    Case probe = original;
    const std::vector<Step> steps = get(probe);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (is_needed(steps[i])) continue;
      Case less = original;
      get(less).erase(get(less).begin() + static_cast<std::ptrdiff_t>(i));
      out.push_back(std::move(less));
    }
  };
  for (std::size_t s = 0; s < original.services.size(); ++s) {
    const Service& service = original.services[s];
    remove([s](Case & c) -> auto& { return c.services[s].steps; });
    for (std::size_t i = 0; i < service.sources.size(); ++i)
      remove([ s, i ](Case & c) -> auto& { return c.services[s].sources[i].steps; });
    for (std::size_t i = 0; i < service.sinks.size(); ++i)
      remove([ s, i ](Case & c) -> auto& { return c.services[s].sinks[i].steps; });
  }
}

template <class Visit>
void for_each_steps(Service& service, Visit&& visit) {
  visit(service.steps);
  for (Source& source : service.sources) visit(source.steps);
  for (Sink& sink : service.sinks) visit(sink.steps);
}

// What it reads under this number is gone, and so are the look-ups.
void forget_reference(Service& service, std::int64_t number) {
  for_each_steps(service, [number](std::vector<Step>& steps) {
    std::erase(steps, Step{Step::Op::kLookUp, number});
    for (Step& step : steps) {
      if (step.op == Step::Op::kLookUp && step.argument > number) --step.argument;
    }
  });
}

Case without_service(Case less, std::size_t gone) {
  less.services.erase(less.services.begin() + static_cast<std::ptrdiff_t>(gone));
  for (Service& service : less.services) {
    auto& references = service.references;
    const auto known = std::ranges::find(references, gone);
    if (known != references.end()) {
      forget_reference(
          service, static_cast<std::int64_t>(less.tables.size()) + (known - references.begin()));
      references.erase(known);
    }
    for (std::size_t& owner : references) owner -= owner > gone ? 1 : 0;
  }
  return less;
}

Case without_table(Case less, std::size_t gone) {
  less.tables.erase(less.tables.begin() + static_cast<std::ptrdiff_t>(gone));
  for (Service& service : less.services) forget_reference(service, static_cast<std::int64_t>(gone));
  const auto is_write = [](const Action& action) { return action.kind == Action::Kind::kWrite; };
  std::erase_if(less.actions, [&](const Action& a) { return is_write(a) && a.topic == gone; });
  for (Action& action : less.actions) action.topic -= is_write(action) && action.topic > gone;
  return less;
}

}  // namespace

Case recut(const Case& original) {
  Case other = original;
  other.threads = original.threads == 1 ? 4 : 1;
  other.epoch_bytes = original.epoch_bytes == 1 ? 32U << 20 : 1;
  other.flushes_beside = !original.flushes_beside;
  std::mt19937_64 random(original.seed);
  std::vector<Action> actions;
  for (const Action& action : original.actions) {
    const bool is_cut = action.kind == Action::Kind::kRun || action.kind == Action::Kind::kRestart;
    if (!is_cut || action.count == 1'000 || random() % 2 == 0) actions.push_back(action);
    if (random() % 4 == 0)
      actions.push_back({.kind = Action::Kind::kRun, .records = {}, .count = 1});
  }
  other.actions = std::move(actions);
  return other;
}

std::vector<Case> smaller(const Case& original) {
  std::vector<Case> all;
  for (std::size_t i = 0; i < original.services.size() && original.services.size() > 1; ++i)
    all.push_back(without_service(original, i));
  for (std::size_t i = 0; i < original.tables.size(); ++i)
    all.push_back(without_table(original, i));
  without_actions(original, all);
  for (std::size_t s = 0; s < original.services.size(); ++s) {
    const Service& service = original.services[s];
    if (service.sources.size() > 1 && !service.join)
      without_one(
          original,
          service.sources.size(), [s](Case & c) -> auto& { return c.services[s].sources; }, all);
    if (service.sinks.size() > 1)
      without_one(
          original, service.sinks.size(), [s](Case & c) -> auto& { return c.services[s].sinks; },
          all);
  }
  without_steps(original, all);
  for (std::size_t a = 0; a < original.actions.size(); ++a) {
    const std::size_t records = original.actions[a].records.size();
    if (records > 1)
      without_one(
          original, records, [a](Case & c) -> auto& { return c.actions[a].records; }, all);
  }
  const auto with = [&](auto&& change) {
    Case less = original;
    change(less);
    all.push_back(std::move(less));
  };
  if (original.gaps) with([](Case& c) { c.gaps.reset(); });
  if (original.threads != 1) with([](Case& c) { c.threads = 1; });
  if (original.flushes_beside) with([](Case& c) { c.flushes_beside = false; });
  for (std::size_t i = 0; i < original.topics.size(); ++i) {
    if (original.topics[i].partitions > 1 &&
        std::ranges::none_of(original.actions,
                             [i](const Action& a) { return a.topic == i && a.partition > 0; }))
      with([i](Case& c) { c.topics[i].partitions = 1; });
  }
  for (std::size_t a = 0; a < original.actions.size(); ++a) {
    if (original.actions[a].failures > 0) with([a](Case& c) { c.actions[a].failures = 0; });
  }
  return all;
}

}  // namespace gameflow::runtime::property
