// How alarms go on from window to window: a reading against its rule, and the servers of a region
// together.
#pragma once

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>

constexpr i64 kHealthWindow = 10'000;     // of server-health
constexpr std::size_t kServersMax = 200;  // of a region; further ones are not judged
constexpr i64 kForgotten = 6 * kHour;     // of silence, and a server is known no more

// Of 100 sessions that play for a minute, how many lose their connection: of the last minutes, half
// of it after three.
constexpr f64 kKeptAfterWindow = 0.9622504486493763;  // 2 ^ -(10 s / 3 min)
constexpr f64 kSessionMinutesMin = 50;                // of fewer, none

// The objective: 99 % of the samples within 150 ms.
constexpr f64 kSlowLatency = 150;
constexpr f64 kSlowShareAllowed = 0.01;
constexpr std::size_t kSloMinutes = 360;
constexpr u32 kSloSamplesMin = 60;  // in the short window; fewer burn nothing

// Nagios' rule, of 21 states: begins to flap at the upper mark, has calmed down below the lower
// one.
constexpr u32 kStates = 21;
constexpr f64 kFlapsFrom = 0.15;   // three changes
constexpr f64 kFlapsUntil = 0.05;  // less than one

struct FollowedServer {
  Timestamp last_at;  // the end of the last window with a sample
  f64 session_minutes = 0, disconnects = 0;
};

struct FollowedAlarm {
  AlarmState state = AlarmState::ok;
  u32 streak = 0;  // of bad readings while it is pending, of good ones while it is recovering
  Timestamp since;
  u32 history = 0;  // the last 21 states, the newest in bit 0: 1 is a problem
  bool is_flapping = false;
  f64 value = 0, limit = 0;

  bool is_problem() const { return state != AlarmState::ok && state != AlarmState::pending; }
  bool is_at_rest() const { return state == AlarmState::ok && history == 0 && !is_flapping; }
};

// The share of states that changed, 0 to 1. Newer changes count more, from 0.8 to 1.2.
inline f64 changes_of(u32 history) {
  f64 sum = 0;
  for (u32 i = 0; i + 1 < kStates; ++i) {
    if (((history >> i ^ history >> (i + 1)) & 1U) != 0) sum += 1.2 - 0.4 * i / (kStates - 2);
  }
  return sum / (kStates - 1);
}

// What a reading makes of an alarm. `bad` is what it becomes: firing, or no-data.
inline void judge(FollowedAlarm& alarm, f64 value, const AlertRule& rule, Timestamp at,
                  AlarmState bad = AlarmState::firing) {
  if (alarm.state == AlarmState::no_data && bad != AlarmState::no_data) {
    alarm.state = AlarmState::ok;  // begins anew
    alarm.streak = 0;
  }
  alarm.value = value;
  if (!alarm.is_problem()) {
    alarm.limit = rule.enter;
    if (!(value > rule.enter)) {
      alarm.state = AlarmState::ok;
      alarm.streak = 0;
    } else {
      if (alarm.state == AlarmState::ok) alarm.since = at;
      alarm.state = ++alarm.streak < rule.for_ ? AlarmState::pending : bad;
    }
    if (alarm.state == bad) alarm.streak = 0;
  } else if (!(value < rule.leave)) {
    alarm.limit = rule.enter;
    alarm.state = bad;
    alarm.streak = 0;
  } else {
    alarm.limit = rule.leave;
    alarm.state = ++alarm.streak < rule.keep ? AlarmState::recovering : AlarmState::ok;
    if (alarm.state == AlarmState::ok) alarm.streak = 0;
  }
}

// Enters the newest state.
inline void look_back(FollowedAlarm& alarm) {
  alarm.history = (alarm.history & ~1U) | (alarm.is_problem() ? 1U : 0U);
  const f64 changes = changes_of(alarm.history);
  alarm.is_flapping = alarm.is_flapping ? changes >= kFlapsUntil : changes >= kFlapsFrom;
}

// One region in one window. `Row` is the row of the state, `Rules` gives the rule of a metric, or
// null.
template <typename Row, typename Rules>
class RegionWatch {
 public:
  RegionWatch(Row& row, const RegionHealth& now, Rules rules)
      : row_(row), now_(now), rules_(rules) {
    for (std::size_t i = 0; i < row.servers.size(); ++i)
      servers_[row.servers[i].str()] = {row.last_at[i], row.session_minutes[i], row.disconnects[i]};
    for (std::size_t i = 0; i < row.targets.size(); ++i) {
      alarms_[{row.targets[i].str(), row.metrics[i].str()}] = {
          row.states[i], row.streaks[i], row.since[i], row.histories[i],
          row.flaps[i],  row.values[i],  row.limits[i]};
    }
    before_ = alarms_;
    // Windows in which nobody said anything were as the one before them.
    const i64 passed = std::min<i64>((now.at.ms - row.at.ms) / kHealthWindow, kStates);
    for (auto& [of, alarm] : alarms_) {
      for (i64 i = 0; i < passed; ++i)
        alarm.history = (alarm.history << 1U | (alarm.history & 1U)) & ((1U << kStates) - 1);
    }
  }

  // All alarms but those at rest. What has come to rest just now is told once more.
  List<Alarm> watch() {
    follow_servers();
    for (auto server = servers_.begin(); server != servers_.end();) {
      const bool is_gone = now_.at.ms - server->second.last_at.ms >= kForgotten;
      if (is_gone) forget("server " + server->first);
      server = is_gone ? servers_.erase(server) : std::next(server);
    }
    for (const auto& [name, server] : servers_) judge_silence("server " + name, server);
    for (const Health& health : now_.servers) {
      const auto server = servers_.find(health.name.str());
      if (server != servers_.end() && health.samples > 0)
        judge_server("server " + server->first, health, server->second);
    }
    watch_objective();
    const bool is_folded = watch_region();
    forget_without_rule();
    for (auto& [of, alarm] : alarms_) look_back(alarm);
    List<Alarm> told = tell(is_folded);
    keep();
    return told;
  }

 private:
  using Alarms = std::map<std::pair<std::string, std::string>, FollowedAlarm>;

  void follow_servers() {
    for (auto& [name, server] : servers_) {
      server.session_minutes *= kKeptAfterWindow;
      server.disconnects *= kKeptAfterWindow;
    }
    for (const Health& health : now_.servers) {
      auto server = servers_.find(health.name.str());
      if (server == servers_.end()) {
        if (health.samples == 0 || servers_.size() == kServersMax) continue;
        server = servers_.emplace(health.name.str(), FollowedServer()).first;
      }
      if (health.samples > 0) server->second.last_at = now_.at;
      server->second.session_minutes += static_cast<f64>(health.session_minutes);
      server->second.disconnects += static_cast<f64>(health.disconnects);
    }
  }

  void read(const std::string& target, const Text& metric, Optional<f64> value) {
    const AlertRule* const rule = rules_(metric);
    if (rule != nullptr && value && std::isfinite(*value))
      judge(alarms_[{target, metric.str()}], *value, *rule, now_.at);
  }

  i64 silent_windows(const FollowedServer& server) const {
    return (now_.at.ms - server.last_at.ms) / kHealthWindow;
  }

  // A server that says nothing has one alarm of that; its others wait.
  void judge_silence(const std::string& target, const FollowedServer& server) {
    const AlertRule* const rule = rules_("silent_windows");
    if (rule == nullptr) return;
    FollowedAlarm& silence = alarms_[{target, "silent_windows"}];
    judge(silence, static_cast<f64>(silent_windows(server)), *rule, now_.at, AlarmState::no_data);
    if (silence.state != AlarmState::no_data) return;
    if (silent_windows(server) > 0) silence.since = server.last_at;
    for (auto& [of, alarm] : alarms_) {
      if (of.first == target && of.second != "silent_windows" && alarm.state != AlarmState::ok)
        alarm.state = AlarmState::no_data;
    }
  }

  void judge_server(const std::string& target, const Health& health, const FollowedServer& server) {
    read(target, "latency_p50", health.latency_p50);
    read(target, "latency_p95", health.latency_p95);
    read(target, "latency_p99", health.latency_p99);
    read(target, "cpu_average", health.cpu_average);
    read(target, "cpu_max", health.cpu_max);
    read(target, "memory_average", health.memory_average);
    read(target, "memory_max", health.memory_max);
    const bool is_enough = server.session_minutes >= kSessionMinutesMin;
    read(target, "disconnects", is_enough ? 100 * server.disconnects / server.session_minutes : 0);
  }

  // How many times as fast as allowed the samples of the last minutes have been slow.
  struct Burn {
    u64 samples = 0, slow = 0;
    f64 rate() const {
      return static_cast<f64>(slow) / static_cast<f64>(samples) / kSlowShareAllowed;
    }
  };

  Burn burn_of(i64 minutes) const {
    Burn burn;
    const std::size_t size = row_.slo_samples.size();
    for (std::size_t i = size - std::min<std::size_t>(size, static_cast<std::size_t>(minutes));
         i < size; ++i) {
      burn.samples += row_.slo_samples[i];
      burn.slow += row_.slo_slow[i];
    }
    return burn;
  }

  // The faster one of two windows says that it matters, the shorter one that it goes on.
  void watch_burn(const Text& metric, i64 minutes_long, i64 minutes_short) {
    const Burn lately = burn_of(minutes_short);
    const bool is_enough = lately.samples >= kSloSamplesMin;
    read("region " + now_.region.str(), metric,
         is_enough ? std::min(lately.rate(), burn_of(minutes_long).rate()) : 0);
  }

  void watch_objective() {
    const i64 minute = (now_.at.ms - 1) / kMinute;
    const i64 passed =
        row_.slo_samples.size() == 0 ? static_cast<i64>(kSloMinutes) : minute - row_.slo_minute;
    if (passed > 0) {
      // The minute at hand is the last one.
      List<u32> samples, slow;
      const auto old = static_cast<i64>(row_.slo_samples.size());
      for (i64 i = old + passed - static_cast<i64>(kSloMinutes); i < old + passed; ++i) {
        samples.push_back(i >= 0 && i < old ? row_.slo_samples[static_cast<std::size_t>(i)] : 0);
        slow.push_back(i >= 0 && i < old ? row_.slo_slow[static_cast<std::size_t>(i)] : 0);
      }
      row_.slo_samples = samples;
      row_.slo_slow = slow;
      row_.slo_minute = minute;
    }
    for (const Health& health : now_.servers) {
      row_.slo_samples[kSloMinutes - 1] += static_cast<u32>(health.samples);
      row_.slo_slow[kSloMinutes - 1] += static_cast<u32>(health.slow);
    }
    watch_burn("slo_burn_fast", 60, 5);
    watch_burn("slo_burn_slow", 360, 30);
  }

  // Whether most servers are bad or silent: then it is the region's matter.
  bool watch_region() {
    std::map<std::string, bool> bad;  // by server: bad or silent
    bool is_any_alarmed = false;
    for (const auto& [name, server] : servers_) bad["server " + name] = silent_windows(server) > 0;
    for (const auto& [of, alarm] : alarms_) {
      const auto server = bad.find(of.first);
      if (server == bad.end() || !alarm.is_problem()) continue;
      server->second = true;
      is_any_alarmed = true;
    }
    f64 count = 0;
    for (const auto& [target, is_bad] : bad) count += is_bad ? 1 : 0;
    const std::string target = "region " + now_.region.str();
    const bool is_judged = servers_.size() > 1;
    if (is_judged || alarms_.contains({target, "bad_servers"}))
      read(target, "bad_servers",
           is_judged && is_any_alarmed ? 100 * count / static_cast<f64>(servers_.size()) : 0);
    const auto region = alarms_.find({target, "bad_servers"});
    return region != alarms_.end() && region->second.is_problem();
  }

  void forget(const std::string& target) {
    for (auto& [of, alarm] : alarms_) {
      if (of.first != target) continue;
      gone_.insert(of);
      alarm = {.since = alarm.since, .value = alarm.value, .limit = alarm.limit};
    }
  }

  void forget_without_rule() {
    for (auto& [of, alarm] : alarms_) {
      if (rules_(of.second) == nullptr) alarm = {.value = alarm.value, .limit = alarm.limit};
    }
  }

  List<Alarm> tell(bool is_folded) const {
    List<Alarm> told;
    for (const auto& [of, alarm] : alarms_) {
      const auto before = before_.find(of);
      const bool was_more = before != before_.end() &&
                            (before->second.state != AlarmState::ok || before->second.is_flapping);
      if (alarm.state == AlarmState::ok && !alarm.is_flapping && !was_more) continue;
      const AlertRule* const rule = rules_(of.second);
      told.push_back(
          {.target = of.first,
           .region = now_.region,
           .metric = of.second,
           .state = alarm.state,
           .value = alarm.value,
           .limit = alarm.limit,
           .unit = rule != nullptr ? rule->unit : Text(),
           .since = was_more && alarm.state == AlarmState::ok ? before->second.since : alarm.since,
           .at = now_.at,
           .is_flapping = alarm.is_flapping,
           .is_folded = is_folded && of.first.starts_with("server "),
           .is_gone = gone_.contains(of)});
    }
    return told;
  }

  void keep() {
    row_.at = now_.at;
    row_.servers = {};
    row_.last_at = {};
    row_.session_minutes = {};
    row_.disconnects = {};
    for (const auto& [name, server] : servers_) {
      row_.servers.push_back(name);
      row_.last_at.push_back(server.last_at);
      row_.session_minutes.push_back(server.session_minutes);
      row_.disconnects.push_back(server.disconnects);
    }
    row_.targets = {};
    row_.metrics = {};
    row_.states = {};
    row_.streaks = {};
    row_.since = {};
    row_.histories = {};
    row_.flaps = {};
    row_.values = {};
    row_.limits = {};
    for (const auto& [of, alarm] : alarms_) {
      if (alarm.is_at_rest()) continue;
      row_.targets.push_back(of.first);
      row_.metrics.push_back(of.second);
      row_.states.push_back(alarm.state);
      row_.streaks.push_back(alarm.streak);
      row_.since.push_back(alarm.since);
      row_.histories.push_back(alarm.history);
      row_.flaps.push_back(alarm.is_flapping);
      row_.values.push_back(alarm.value);
      row_.limits.push_back(alarm.limit);
    }
  }

  Row& row_;
  const RegionHealth& now_;
  const Rules rules_;
  std::map<std::string, FollowedServer> servers_;
  Alarms alarms_, before_;
  std::set<Alarms::key_type> gone_;
};
