#include "runtime/schedules.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/bytes.h"

namespace gameflow::runtime {
namespace {

constexpr std::uint8_t kFormat = 1;

std::string encode(Timestamp given_until) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kFormat);
  out.signed_varint(given_until.ms);
  return bytes;
}

Result<Timestamp> decode(std::string_view bytes, std::string_view name) {
  ByteReader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  const Timestamp given_until{in.signed_varint()};
  if (format == kFormat && in.ok() && in.at_end()) return given_until;
  return fail(ErrorCode::kDataCorrupt,
              fmt::format("what is stored of schedule '{}' is damaged: restore the data folder "
                          "from a copy, or start with --clear-state SCHEDULE",
                          name));
}

}  // namespace

std::string schedule_key(std::string_view name) {
  return fmt::format("schedule/{}", name);
}

void Schedules::set_given(Schedule& schedule, Timestamp until) const {
  schedule.given_until = until;
  schedule.next = schedule.plan->cron.next(until, *schedule.plan->zone);
}

Status Schedules::restore(const log::Store& store, Timestamp now, log::Commit& commit) {
  for (const plan::Schedule& plan : graph_.schedules) {
    GF_ASSIGN(const log::TopicInfo info, store.topic(graph_.topics[plan.topic].name));
    Schedule schedule{&plan, info.id, {}, {}};
    GF_ASSIGN(const auto stored, store.get(schedule_key(plan.name)));
    Timestamp given_until = now;
    if (stored) {
      GF_ASSIGN(const Timestamp before, decode(*stored, plan.name));
      const bool makes_up = plan.catches_up || takes_over_;
      // The clock may have been set back: nothing is given twice.
      given_until = makes_up ? before : std::max(before, now);
      const auto missed = plan.cron.next(before, *plan.zone);
      if (!makes_up && missed && *missed <= now) {
        spdlog::info("schedule '{}': times since {} are left out, as its 'catch-up' is not true",
                     plan.name, format_timestamp(*missed));
      }
    }
    commit.put.push_back({schedule_key(plan.name), encode(given_until)});
    set_given(schedule, given_until);
    schedules_.push_back(schedule);
  }
  return {};
}

std::vector<DueTimes> Schedules::due(Timestamp now) {
  looked_at_ = now;
  std::vector<DueTimes> due;
  for (std::size_t i = 0; i < schedules_.size(); ++i) {
    const plan::Schedule& plan = *schedules_[i].plan;
    std::vector<Timestamp> times;
    for (auto next = schedules_[i].next; next && *next <= now && times.size() < kTimesMax;
         next = plan.cron.next(*next, *plan.zone)) {
      times.push_back(*next);
    }
    if (!times.empty()) due.push_back({i, std::move(times)});
  }
  return due;
}

void Schedules::write(const std::vector<DueTimes>& due, log::Commit& commit) const {
  for (const DueTimes& of_schedule : due) {
    const Schedule& schedule = schedules_[of_schedule.schedule];
    log::Append append{schedule.topic, 0, {}};
    for (const Timestamp time : of_schedule.times)
      append.batch.add(time, std::nullopt, std::to_string(time.ms));
    commit.appends.push_back(std::move(append));
    commit.put.push_back({schedule_key(schedule.plan->name), encode(of_schedule.times.back())});
  }
}

void Schedules::commit(const std::vector<DueTimes>& due) {
  for (const DueTimes& of_schedule : due)
    set_given(schedules_[of_schedule.schedule], of_schedule.times.back());
}

bool Schedules::is_near() const {
  constexpr Duration kNear{1'000};
  return std::ranges::any_of(schedules_, [until = looked_at_ + kNear](const Schedule& schedule) {
    return schedule.next && *schedule.next <= until;
  });
}

}  // namespace gameflow::runtime
