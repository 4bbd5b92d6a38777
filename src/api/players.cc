#include "api/players.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/sleep.h"
#include "record/json_split.h"

namespace gameflow::api {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kPlayerBytesMax = 1024;
constexpr milliseconds kLook{50};
// For services to read what was there when it was asked for.
constexpr std::chrono::minutes kWaitMax{10};
// For events of the player that are on their way through the dataflow: then it is done without.
constexpr std::chrono::seconds kQuietMax{10};

Error no_players(const plan::Graph& graph) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{} does not say which fields name a player: add 'players: {{ fields: "
                      "[player_id] }}' at its top level, with the names of your fields, and under "
                      "'keys' the services and topics whose keys are players",
                      graph.file_name)};
}

// `json`: of a text that stays; readable for as many bytes behind it as its reader wants.
std::optional<std::string> member(std::string_view json, std::string_view name) {
  std::string padded(json);
  padded.append(record::kPaddingBytes, '\0');
  return record::json_field(std::string_view(padded).substr(0, json.size()), name);
}

// A letter holds a record as it came, which need not be JSON; it counts nothing, and goes for a
// mention.
bool is_letter_of(const record::Player& player, std::string_view letter) {
  if (!player.may_be_in(letter)) return false;
  if (player.is_word_of(letter)) return true;
  const auto value = member(letter, "value");
  std::string rest;
  return value && player.part_of(*value, rest) != record::Player::Part::kNone;
}

}  // namespace

Status Players::load() {
  std::deque<Job> open;
  std::map<std::uint64_t, Receipt> receipts;
  GF_TRY(store_.scan(job_keys(), [&](std::string_view key, std::string_view value) -> Status {
    GF_ASSIGN(Job job, decode_job(key, value));
    receipts[job.receipt.number] = job.receipt;
    if (job.receipt.step != Receipt::Step::kDone) open.push_back(std::move(job));
    return {};
  }));
  for (const Job& job : open)
    spdlog::info("goes on with forgetting a player: receipt {}", job.receipt.number);
  const MutexLock lock(mutex_);
  if (!receipts.empty()) last_ = receipts.rbegin()->first;
  receipts_ = std::move(receipts);
  waiting_ = std::move(open);
  return {};
}

Result<std::uint64_t> Players::forget(const std::string& player, bool is_dry_run) {
  if (player.empty() || player.size() > kPlayerBytesMax)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("say who is to be forgotten: an id of 1 to {} bytes", kPlayerBytesMax));
  const auto engine = api_.engine();
  if (!engine->graph().players) return fail(no_players(engine->graph()));
  Job job{.receipt = {}, .player = player};
  {
    const MutexLock lock(mutex_);
    job.receipt.number = ++last_;
  }
  job.receipt.asked_at = clock_.now();
  job.receipt.is_dry_run = is_dry_run;
  GF_TRY(keep(job));
  {
    const MutexLock lock(mutex_);
    waiting_.push_back(job);
  }
  asked_.notify_all();
  return job.receipt.number;
}

std::optional<Receipt> Players::receipt(std::uint64_t number) const {
  const MutexLock lock(mutex_);
  const auto found = receipts_.find(number);
  if (found == receipts_.end()) return std::nullopt;
  return found->second;
}

std::vector<Receipt> Players::receipts() const {
  std::vector<Receipt> all;
  const MutexLock lock(mutex_);
  for (const auto& [number, receipt] : receipts_)
    if (!receipt.is_dry_run) all.push_back(receipt);
  return all;
}

void Players::run(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const MutexLock lock(mutex_);  // not between its look at the stop and its wait
    asked_.notify_all();
  });
  for (;;) {
    Job job;
    {
      MutexLock lock(mutex_);
      asked_.wait(lock.native(),
                  [&]() GF_REQUIRES(mutex_) { return stop.stop_requested() || !waiting_.empty(); });
      if (stop.stop_requested()) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    const Status done = work(job, stop);
    if (stop.stop_requested()) return;
    job.receipt.doing.clear();
    if (!done) {
      job.receipt.error =
          fmt::format("{}. It is tried again at the next start", done.error().message);
      spdlog::error("forgetting a player, receipt {}: {}", job.receipt.number, job.receipt.error);
    }
    show(job);
  }
}

void Players::show(const Job& job) {
  const MutexLock lock(mutex_);
  receipts_[job.receipt.number] = job.receipt;
}

void Players::tell(Job& job, std::string doing) {
  job.receipt.doing = std::move(doing);
  show(job);
}

// As it is now, durably; a dry run only as long as the program runs.
Status Players::keep(Job& job) {
  if (!job.receipt.is_dry_run) {
    log::Commit commit;
    commit.put.push_back(encode(job));
    GF_TRY(store_.commit(std::move(commit)));
  }
  show(job);
  return {};
}

Status Players::work(Job& job, const std::stop_token& stop) {
  Receipt& receipt = job.receipt;
  if (receipt.step == Receipt::Step::kErasing) {
    const auto engine = api_.engine();
    const auto& players = engine->graph().players;
    if (!players) return fail(no_players(engine->graph()));
    const record::Player player(job.player, players->fields, players->mentions);
    if (receipt.is_dry_run) return count(job, player, stop);
    GF_TRY(wait_for_services(job, stop));
    Reached reached;
    // Twice: while a large log is gone through, more comes.
    GF_TRY(erase_read(job, player, reached, stop));
    GF_TRY(erase_read(job, player, reached, stop));
    GF_TRY(forget_producer(job.player));
    GF_TRY(erase_states(job, player, reached, stop));
  }
  if (stop.stop_requested()) return {};
  tell(job, "writes anew the files that held the player");
  std::vector<log::TopicId> topics;
  for (const auto& [name, topic] : receipt.topics) {
    if (const auto info = store_.topic(name)) topics.push_back(info->id);
  }
  GF_TRY(erasures_.purge(topics));
  receipt.step = Receipt::Step::kDone;
  receipt.done_at = clock_.now();
  receipt.doing.clear();
  return keep(job);
}

Status Players::count(Job& job, const record::Player& player, const std::stop_token& stop) {
  for (const log::TopicInfo& topic : store_.topics()) {
    const log::Editor edit = editor(topic.config.name, player);
    for (std::uint32_t i = 0; i < topic.partitions.size(); ++i) {
      const log::Offset end = topic.partitions[i].end;
      for (log::Offset at = topic.partitions[i].begin; at < end && !stop.stop_requested();) {
        GF_ASSIGN(const log::Erased found, erasures_.count(topic.id, i, at, end, edit));
        at = found.next;
        if (found.erased + found.replaced == 0) continue;
        Receipt::Topic& counted = job.receipt.topics[topic.config.name];
        counted.erased += found.erased;
        counted.changed += found.replaced;
      }
    }
    tell(job, fmt::format("has looked at topic '{}'", topic.config.name));
  }
  job.receipt.step = Receipt::Step::kDone;
  job.receipt.done_at = clock_.now();
  return {};
}

// What a service has not read must stay: it would miss in the totals.
Status Players::wait_for_services(Job& job, const std::stop_token& stop) {
  std::map<std::pair<std::string, std::uint32_t>, std::uint64_t> ends;
  for (const log::TopicInfo& topic : store_.topics())
    for (std::uint32_t i = 0; i < topic.partitions.size(); ++i)
      ends[{topic.config.name, i}] = topic.partitions[i].end.value;
  for (const auto deadline = Steady::now() + kWaitMax;;) {
    std::string behind;
    for (const runtime::ServiceStats& service : api_.engine()->stats().services) {
      std::uint64_t records = 0;
      for (const runtime::PartitionStats& partition : service.partitions) {
        const std::uint64_t end = ends[{partition.topic, partition.partition}];
        records += end - std::min(end, partition.next_offset);
      }
      if (records > 0)
        behind = fmt::format("service '{}' has still to read {} records", service.name, records);
    }
    if (behind.empty() || stop.stop_requested()) return {};
    if (Steady::now() > deadline)
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("{}, and what it has not counted stays: see why it is behind", behind));
    tell(job, behind);
    if (!sleep_unless_stopped(kLook, stop)) return {};
  }
}

log::Offset Players::read_until(const log::TopicInfo& topic, std::uint32_t partition) const {
  log::Offset until = topic.partitions[partition].end;
  for (const runtime::ServiceStats& service : api_.engine()->stats().services) {
    for (const runtime::PartitionStats& read : service.partitions) {
      if (read.topic == topic.config.name && read.partition == partition)
        until = std::min(until, log::Offset{read.next_offset});
    }
  }
  return until;
}

Status Players::erase_read(Job& job, const record::Player& player, Reached& reached,
                           const std::stop_token& stop) {
  for (const log::TopicInfo& topic : store_.topics()) {
    const std::string& name = topic.config.name;
    const log::Editor edit = editor(name, player);
    for (std::uint32_t i = 0; i < topic.partitions.size(); ++i) {
      const log::Offset end = read_until(topic, i);
      log::Offset& at = reached.try_emplace({topic.id, i}, topic.partitions[i].begin).first->second;
      while (at < end && !stop.stop_requested()) {
        const auto add = [&](Receipt& receipt, const log::Erased& erased) {
          receipt.topics[name].erased += erased.erased;
          receipt.topics[name].changed += erased.replaced;
        };
        // What the receipt says is stored with what it tells of.
        const auto note = [&](const log::Erased& erased) {
          add(job.receipt, erased);
          return std::vector{encode(job)};
        };
        GF_ASSIGN(const log::Erased erased, erasures_.erase(topic.id, i, at, end, edit, note));
        at = erased.next;
      }
    }
    tell(job, fmt::format("has gone through topic '{}'", name));
  }
  return {};
}

// A client that calls itself like the player: what is known of it, by topic and over all.
Status Players::forget_producer(const std::string& player) {
  std::vector<log::TopicId> topics = {log::kAllTopics};
  for (const log::TopicInfo& topic : store_.topics()) topics.push_back(topic.id);
  for (const log::TopicId topic : topics) {
    const auto known = store_.producer(topic, player);
    if (known && (known->next_sequence > 0 || known->position))
      GF_TRY(store_.forget_producer(topic, player));
  }
  return {};
}

// Of the player, in what services have still to read.
Result<std::uint64_t> Players::count_unread(const record::Player& player) const {
  std::uint64_t count = 0;
  for (const log::TopicInfo& topic : store_.topics()) {
    const log::Editor edit = editor(topic.config.name, player);
    for (std::uint32_t i = 0; i < topic.partitions.size(); ++i) {
      const log::Offset end = topic.partitions[i].end;
      for (log::Offset at = read_until(topic, i); at < end;) {
        GF_ASSIGN(const log::Erased found, erasures_.count(topic.id, i, at, end, edit));
        count += found.erased + found.replaced;
        at = found.next;
      }
    }
  }
  return count;
}

// What is on its way from one service to the next is given a while to get there: with the states
// erased, nothing more comes of what the player has done.
Status Players::erase_states(Job& job, const record::Player& player, Reached& reached,
                             const std::stop_token& stop) {
  tell(job, "takes the player out of the states");
  const auto& keys = api_.engine()->graph().players->keys;
  runtime::Forgetting forgetting(player, {keys.begin(), keys.end()});
  Job after = job;
  forgetting.note = [&](log::Commit& commit) {
    after.receipt = job.receipt;
    for (const auto& [service, erased] : forgetting.erased()) {
      runtime::Forgetting::Erased& all = after.receipt.services[service];
      all.rows += erased.rows;
      all.emptied += erased.emptied;
      all.events += erased.events;
    }
    after.receipt.step = Receipt::Step::kPurging;
    after.player.clear();
    commit.put.push_back(encode(after));
  };
  const auto deadline = Steady::now() + kQuietMax;
  bool is_done = false;
  const AtRest at_rest = [&]() -> Result<runtime::Forgetting*> {
    GF_ASSIGN(job.receipt.left, count_unread(player));
    if (job.receipt.left > 0 && Steady::now() < deadline) return nullptr;
    GF_TRY(erase_read(job, player, reached, stop));
    if (stop.stop_requested()) return nullptr;
    is_done = true;
    return &forgetting;
  };
  while (!is_done && !stop.stop_requested()) {
    GF_TRY(rest_(at_rest));
    if (!is_done) (void)sleep_unless_stopped(kLook, stop);
  }
  if (is_done) job = std::move(after);
  return {};
}

log::Editor Players::editor(const std::string& topic, const record::Player& player) const {
  using Part = record::Player::Part;
  using Kind = log::Edit::Kind;
  const plan::Graph& graph = api_.engine()->graph();
  const bool has_letters = topic == graph.dead_letter_topic;
  const bool is_keyed = graph.players && std::ranges::count(graph.players->keys, topic) != 0;
  return [&player, has_letters, is_keyed](const record::RecordView& record) -> log::Edit {
    if (has_letters) return {is_letter_of(player, record.value) ? Kind::kErase : Kind::kKeep};
    if (is_keyed && record.key && player.is_word_of(*record.key)) return {Kind::kErase};
    std::string rest;
    switch (player.part_of(record.value, rest)) {
      case Part::kNone:
        return {};
      case Part::kSome:
        return {Kind::kReplace, std::move(rest)};
      case Part::kAll:
        break;
    }
    return {Kind::kErase};
  };
}

}  // namespace gameflow::api
