#include "generate/game/group.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "spec/game.h"

namespace gameflow::generate {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond;
constexpr std::int64_t kBeat = kMinute;
constexpr std::int32_t kFieldSize = 10'000;  // tenths
constexpr std::uint8_t kMobile = 2;
constexpr std::int64_t kBotSession = 8 * 60 * kMinute;
// So that five purchases of an account take three minutes: only bursts are bursts.
constexpr std::int64_t kBuyWithin = 15 * kSecond;
// How likely a player buys something in a minute, by Traits::spending.
constexpr double kBuysPerMinute[] = {0, 0.08, 0.25, 0.5};
constexpr double kRefunds = 0.025;

std::int64_t ms(double value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

Group::Group(World& world, std::uint32_t index)
    : world_(world),
      index_(index),
      random_(world.hash(0x50000000000U + index)),
      populations_(world.servers().size()),
      counters_(world, index, kGroups) {
  const spec::Game& game = world_.game();
  const auto levels = static_cast<std::uint32_t>(game.levels.size());
  for (std::uint32_t player = index; player < game.players; player += kGroups) {
    // Many are new; some have completed everything.
    players_.push_back({.level = static_cast<std::uint8_t>(random_.mostly_small(levels + 2))});
    arrivals_.emplace(world_.next_arrival(world_.begin(), world_.traits_of(player), random_),
                      player);
  }
}

void Group::play(std::int64_t time) {
  step_end_ = time + world_.step_ms();
  arrived_.clear();
  if (const auto due = underway_.find(step_of(time)); due != underway_.end()) {
    std::swap(arrived_, due->second);
    underway_.erase(due);
  }
  while (!arrivals_.empty() && arrivals_.top().first < step_end_) {
    const auto [arrives, player] = arrivals_.top();
    arrivals_.pop();
    arrive(arrives, player);
  }
  if (!hacks_.empty()) gather_hackers(time);
  for (std::size_t i = 0; i < sessions_.size();) {
    Session& session = sessions_[i];
    if (world_.servers()[session.server].is_down && session.breaks > time + 3 * kSecond) {
      session.crashes = false;
      session.breaks = std::max(time, session.last) + 1 + session.random.below(3 * kSecond);
      plan(session);
    }
    bool goes_on = true;
    while (goes_on && session.next < step_end_) goes_on = happen(session);
    if (goes_on) {
      ++i;
    } else {
      std::swap(session, sessions_.back());
      sessions_.pop_back();
    }
  }
  while (!deals_.empty() && deals_.top().time < step_end_) {
    const Deal deal = deals_.top();
    deals_.pop();
    make(deal);
  }
  for (const Event& event : arrived_) counters_.count(event);
}

void Group::arrive(std::int64_t time, std::uint32_t player) {
  const auto is_here = [player](const Session& session) { return session.player == player; };
  if (extra_sessions_ > 0 && std::ranges::any_of(sessions_, is_here)) {
    arrivals_.emplace(step_end_ + kMinute, player);
  } else if (begin_session(time, player) == nullptr) {  // it tries again, and again
    arrivals_.emplace(time + kMinute + random_.below(4 * kMinute), player);
  }
}

// Hackers stay as long as it goes on, and are back at once when they have lost their connection.
void Group::gather_hackers(std::int64_t time) {
  std::erase_if(hacks_, [time](const Hack& hack) { return hack.until <= time; });
  for (const Hack& hack : hacks_) {
    if (hack.from >= step_end_) continue;
    const auto found = std::ranges::find(sessions_, hack.player, &Session::player);
    Session* session = found != sessions_.end() ? &*found : nullptr;
    if (session == nullptr) {
      session = begin_session(std::max(time, hack.from), hack.player);
      if (session == nullptr) continue;
      session->is_extra = true;
      session->ends = hack.until;
      ++extra_sessions_;
    }
    session->ends = std::max(session->ends, hack.until);
    plan(*session);
  }
}

bool Group::is_hacking(std::uint32_t player, std::int64_t time) const {
  return std::ranges::any_of(hacks_, [&](const Hack& hack) {
    return hack.player == player && hack.from <= time && time < hack.until;
  });
}

Group::Session* Group::begin_session(std::int64_t time, std::uint32_t player) {
  const spec::Game& game = world_.game();
  const Traits traits = world_.traits_of(player);
  const auto server = world_.choose_server(traits.region, random_);
  if (!server) return nullptr;
  Session session = {.random = Random(random_.next()),
                     .traits = traits,
                     .player = player,
                     .server = *server,
                     .id = fresh_id() >> 11U};  // JavaScript's numbers can hold it
  Random& random = session.random;
  if (traits.has_wrong_clock) session.clock_offset = world_.clock_offset_of(player);
  const double length = exp_of(0.7 * random.normal()) * static_cast<double>(game.session.ms);
  session.ends =
      time + (traits.is_bot ? kBotSession : std::clamp(ms(length), kMinute / 2, 4 * 60 * kMinute));
  session.pace_ms = traits.is_bot ? 800 : 1'800 + random.below(2'400);
  session.phase_ends = time + 2 * kSecond + random.below(12 * kSecond);
  session.beats = time + kBeat;
  session.acts = session.buys = session.breaks = kNever;
  session.x = static_cast<std::int32_t>(random.below(kFieldSize));
  session.y = static_cast<std::int32_t>(random.below(kFieldSize));
  // Phones lose their network more often.
  const double late = game.faults.late * (traits.platform == kMobile ? 1.6 : 0.5);
  if (random.likely(late)) {
    session.offline_from = time + ms(random.unit() * static_cast<double>(session.ends - time));
    const double lasts = std::min(1.0, 0.02 + 0.3 * random.exponential());
    session.offline_until =
        session.offline_from + ms(lasts * static_cast<double>(game.faults.late_max.ms));
  }
  choose_level(session, state_of(player));
  emit(session, time, Action::kSessionStart);
  plan(session);
  ++populations_[session.server];
  sessions_.push_back(session);
  return &sessions_.back();
}

// What comes first.
void Group::plan(Session& session) const {
  session.next = std::min({session.ends, session.phase_ends, session.acts, session.beats,
                           session.buys, session.breaks});
}

bool Group::happen(Session& session) {
  const std::int64_t now = session.next;
  Random& random = session.random;
  if (now == session.breaks) {
    if (session.crashes) {
      if (now >= world_.from()) ++counters_.crashed;
    } else {
      emit(session, now, Action::kDisconnect);
    }
    // Most try again at once.
    const bool again = random.chance(session.crashes ? 40 : 70);
    end_session(session, now, again ? now + 5 * kSecond + random.below(kMinute) : 0);
    return false;
  }
  if (now == session.ends) {
    // Some just close the window.
    if (random.chance(96)) emit(session, now, Action::kSessionEnd);
    end_session(session, now, 0);
    return false;
  }
  if (now == session.phase_ends) {
    if (session.is_playing) {
      end_attempt(session, now);
    } else {
      begin_attempt(session, now);
    }
  } else if (now == session.beats) {
    beat(session, now);
  } else if (now == session.buys) {
    session.buys = kNever;
    const bool is_offline = now >= session.offline_from && now < session.offline_until;
    if (!is_offline) {
      make({.time = now,
            .player = session.player,
            .item = static_cast<std::uint8_t>(world_.random_item(random))});
    }
  } else {
    act(session, now);
  }
  plan(session);
  return true;
}

void Group::end_session(Session& session, std::int64_t time, std::int64_t again) {
  --populations_[session.server];
  if (session.is_extra) {
    --extra_sessions_;
    return;
  }
  if (again == 0) again = world_.next_arrival(time, session.traits, random_);
  // Who has come in this step has come already.
  arrivals_.emplace(std::max(again, step_end_), session.player);
}

void Group::choose_level(Session& session, Player& player) {
  const auto levels = static_cast<std::uint32_t>(world_.game().levels.size());
  if (session.traits.is_bot) {
    session.level = session.map = 0;
  } else if (player.tries > 0) {
    session.level = player.retry_level;
    session.map = player.retry_map;
  } else {
    // Mostly on with the story; who has seen all of it plays what comes.
    const bool goes_on = player.level < levels && session.random.chance(80);
    session.level = goes_on ? player.level
                            : static_cast<std::uint8_t>(session.random.below(
                                  std::min<std::uint32_t>(player.level + 1U, levels)));
    session.map = static_cast<std::uint8_t>(session.random.below(world_.game().maps));
  }
}

void Group::begin_attempt(Session& session, std::int64_t time) {
  Player& player = state_of(session.player);
  Random& random = session.random;
  const Traits& traits = session.traits;
  choose_level(session, player);
  session.is_playing = true;
  session.attempt = fresh_id();
  const spec::GameLevel& level = world_.game().levels[session.level];
  const bool is_hard = world_.is_hard(session.level, session.map, time);
  const double ease = 0.5 - level.difficulty + 0.9 * (traits.skill - 0.5) +
                      0.04 * std::min<double>(player.tries, 5);
  const double completes = logistic(5 * ease) * (is_hard ? 0.06 : 1);
  double lasts = level.seconds * 1000.0 *
                 (1 + std::max(0.0, world_.servers()[session.server].latency_ms - 100) / 1'000);
  if (traits.is_bot || random.likely(completes)) {
    session.outcome = Action::kLevelComplete;
    lasts *= traits.is_bot ? 0.7 : exp_of(0.3 * random.normal()) * (1.25 - 0.6 * traits.skill);
  } else if (random.likely(0.2 - 0.15 * traits.patience)) {
    session.outcome = Action::kLevelQuit;
    lasts *= 0.2 + 1.3 * random.unit();
  } else {
    session.outcome = Action::kLevelFail;
    lasts *= 0.25 + 0.9 * random.unit();
  }
  if (is_hard) lasts *= 1.8;
  if (is_hacking(session.player, time)) {
    session.outcome = Action::kLevelComplete;
    lasts = static_cast<double>(kSecond + random.below(3 * kSecond));
  }
  session.phase_ends = time + std::max(kSecond, ms(lasts));
  session.acts = time + 500 + random.below(2 * kSecond);
  if (world_.is_crashing(session.level, session.map, time) &&
      random.likely(world_.game().anomalies.crashing_level->share)) {
    session.crashes = true;
    session.breaks = time + 1 + ms(random.between(0.2, 0.9) * lasts);
  }
  emit(session, time, Action::kLevelStart);
}

void Group::end_attempt(Session& session, std::int64_t time) {
  Player& player = state_of(session.player);
  Random& random = session.random;
  emit(session, time, session.outcome);
  session.is_playing = false;
  session.attempt = 0;
  session.phase_ends = time + 2 * kSecond + random.below(8 * kSecond);
  session.acts = kNever;
  const auto gives_up = [&] {
    // Tired of it: another level, or enough for today.
    player.tries = 0;
    if (random.chance(45)) {
      session.ends = std::min(session.ends, time + 2 * kSecond + random.below(20 * kSecond));
    }
  };
  if (session.traits.is_bot) return;
  if (session.outcome == Action::kLevelComplete) {
    player.tries = 0;
    if (session.level == player.level) ++player.level;
    const auto levels = world_.game().levels.size();
    // Some begin a new story.
    if (player.level >= levels && random.chance(15)) player.level = 0;
  } else if (session.outcome == Action::kLevelQuit) {
    gives_up();
  } else {
    player.retry_level = session.level;
    player.retry_map = session.map;
    player.tries = static_cast<std::uint8_t>(std::min(player.tries + 1, 100));
    if (random.likely(player.tries * (0.16 - 0.12 * session.traits.patience))) gives_up();
  }
}

void Group::beat(Session& session, std::int64_t time) {
  Random& random = session.random;
  emit(session, time, Action::kHeartbeat);
  session.beats = time + kBeat;
  if (session.breaks == kNever && random.likely(world_.servers()[session.server].lost_per_minute))
    session.breaks = time + 1 + random.below(kBeat);
  if (!session.traits.is_bot && random.likely(kBuysPerMinute[session.traits.spending]))
    session.buys = time + 1 + random.below(kBuyWithin);
}

void Group::act(Session& session, std::int64_t time) {
  Random& random = session.random;
  const auto walk = [&random](std::int32_t place) {
    return std::clamp(place + static_cast<std::int32_t>(random.below(301)) - 150, 0,
                      kFieldSize - 1);
  };
  const bool moves = session.traits.is_bot || random.chance(72);
  const bool arrives = emit(session, time, moves ? Action::kMove : Action::kInteraction);
  if (moves) {
    session.x = walk(session.x);
    session.y = walk(session.y);
    if (arrives) emit_position(session, time);
  }
  const std::int64_t pace = session.pace_ms;
  session.acts =
      time +
      (session.traits.is_bot ? pace : pace / 2 + random.below(static_cast<std::uint32_t>(pace)));
}

bool Group::emit(Session& session, std::int64_t time, Action action) {
  Random& random = session.random;
  // What happens while the client is offline comes when it is back, in order.
  const bool is_offline = time >= session.offline_from && time < session.offline_until;
  const std::int64_t sent = is_offline ? session.offline_until : time + random.below(64);
  const std::int64_t at = std::max(sent + 20 + random.below(128), session.last_at + 1);
  Event event = {.at = at,
                 .shown = time + session.clock_offset,
                 .sent = std::max(sent, at - 200) + session.clock_offset,
                 .id = fresh_id(),
                 .session = session.id,
                 .attempt = session.attempt,
                 .player = session.player,
                 .server = session.server,
                 .kind = EventKind::kPlayer,
                 .action = action,
                 .level = session.level,
                 .map = session.map};
  if (session.clock_offset != 0) event.flags |= kHasWrongClock;
  const bool is_seen = at >= world_.from();
  if (is_seen) event.numbers = {++session.counted, session.lost, 0};
  session.last_at = at;
  // Clients keep what matters until it is stored, and send it again; the rest they send once.
  const bool is_small =
      action == Action::kMove || action == Action::kInteraction || action == Action::kHeartbeat;
  if (is_small && is_seen && world_.is_lost(event.id, session.traits.version)) {
    if (session.is_seen) ++session.lost;
    event.flags |= kIsLost;
    send(event, random);
    return false;
  }
  session.lost = 0;
  if (session.is_seen) {
    event.played_ms = static_cast<std::uint32_t>(time - session.last);
  } else {
    event.flags |= kIsFirstOfSession;
  }
  session.is_seen = is_seen;
  session.last = time;
  send(event, random);
  return true;
}

// With the event of the move, which came just before.
void Group::emit_position(const Session& session, std::int64_t time) {
  if (session.last_at < world_.from()) return;
  put({.at = session.last_at,
       .shown = time + session.clock_offset,
       .player = session.player,
       .numbers = {session.x, session.y, 0},
       .kind = EventKind::kPosition,
       .level = session.level,
       .map = session.map});
}

void Group::make(const Deal& deal) {
  const Traits traits = world_.traits_of(deal.player);
  const std::int64_t offset = traits.has_wrong_clock ? world_.clock_offset_of(deal.player) : 0;
  const std::int64_t sent = deal.time + random_.below(64);
  Event event = {.at = sent + 20 + random_.below(128),
                 .shown = deal.time + offset,
                 .sent = sent + offset,
                 .id = fresh_id(),
                 .attempt = fresh_id(),
                 .player = deal.player,
                 .numbers = {deal.address, deal.device, deal.thousandths},
                 .kind = EventKind::kPurchase,
                 .item = deal.item,
                 .region = deal.region};
  if (offset != 0) event.flags |= kHasWrongClock;
  if (deal.is_refund) event.flags |= kIsRefund;
  send(event, random_);
  if (deal.is_refund) return;
  const auto& abuser = world_.game().anomalies.refund_abuser;
  const bool is_abuse = abuser && deal.abuse_until > 0;
  if (random_.likely(is_abuse ? abuser->refunds : kRefunds)) {
    Deal refund = deal;
    refund.time += kMinute + ms(random_.exponential() * 15 * kMinute);
    refund.is_refund = true;
    if (!is_abuse || refund.time < deal.abuse_until) deals_.push(refund);
  }
  if (!is_abuse) return;
  Deal next = deal;
  next.time += kMinute + ms(random_.exponential() * static_cast<double>(abuser->buys_every.ms));
  next.item = static_cast<std::uint8_t>(world_.random_item(random_));
  if (next.time < deal.abuse_until) deals_.push(next);
}

void Group::send(Event event, Random& random) {
  if (event.at < world_.from()) return;
  const spec::GameFaults& faults = world_.game().faults;
  if (random.likely(faults.corrupt)) {
    Event damaged = event;
    damaged.flags |= kIsCorrupt;
    put(damaged);
  }
  put(event);
  if (random.likely(faults.duplicates)) {
    event.flags |= kIsDuplicate;
    event.at += 500 + random.below(10 * kSecond);
    put(event);
  }
}

void Group::put(const Event& event) {
  if (event.is(kIsLost)) return;
  if (event.at < step_end_) {
    arrived_.push_back(event);
  } else {
    underway_[step_of(event.at)].push_back(event);
  }
}

}  // namespace gameflow::generate
