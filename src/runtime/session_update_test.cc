// Sessions, from records in chunks, against sorting the events of each key; with records that fail
// or use no row, which are in no session.
#include "runtime/session_update.h"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "record/type.h"

namespace gameflow::runtime {
namespace {

struct Event {
  i64 time = 0;
  u32 number = 0;
  bool fails = false, passes = false;  // throws; uses no row
};
struct Row {
  u32 count = 0;
  u32 first = 0, last = 0;  // numbers of events
};

u32 update(abi::Call*, const abi::KeyedRecords* records, abi::RowUse* uses, List<abi::Emitted>*,
           abi::RecordError* errors) {
  u32 failed = 0;
  for (u32 i = 0; i < records->count; ++i) {
    const auto& event = *static_cast<const Event*>(records->values[i]);
    auto& row = *static_cast<Row*>(records->rows[i]);
    EXPECT_LE(records->spans[i].start_ms, event.time);
    EXPECT_LT(event.time, records->spans[i].end_ms);
    uses[i] = {};
    if (event.fails) {
      errors[failed++] = {i, 0, "failed"};
    } else if (!event.passes) {
      if (row.count++ == 0) row.first = event.number;
      row.last = event.number;
      uses[i] = {1, 1, 0};
    }
  }
  return failed;
}

u32 merge(abi::Call*, void* const* into, const void* const* from, const u32* order, u32 count,
          abi::RecordError*) {
  for (u32 i = 0; i < count; ++i) {
    auto& row = *static_cast<Row*>(into[i]);
    const auto& other = *static_cast<const Row*>(from[i]);
    row.count += other.count;
    if ((order[i] & abi::kFromFirst) != 0) row.first = other.first;
    if ((order[i] & abi::kFromLast) != 0) row.last = other.last;
  }
  return 0;
}

using Lines = std::vector<std::string>;
using Input = std::vector<std::pair<std::string, Event>>;

// A service's shards.
struct Sessions {
  Sessions() {
    epoch.layout = &layout;
    epoch.rules.gap = {30};
    epoch.merges = &merges;
    epoch.update.pointer = &update;
    epoch.operators = names;
    for (std::uint32_t i = 0; i < state::kShards; ++i) shards.emplace_back(layout);
  }

  // The records as chunks of so many. What failed, was late and has ended is in `told`.
  void run(const Input& input, std::size_t chunk, std::optional<Timestamp> closed_until = {},
           bool is_fine = true) {
    std::deque<Delivery> deliveries;
    std::deque<std::vector<abi::Emitted>> emitted;
    std::vector<const Delivery*> pointers;
    ExchangeBuilder builder;
    for (std::size_t begin = 0; begin < input.size(); begin += chunk) {
      Delivery& delivery = deliveries.emplace_back();
      std::vector<abi::Emitted>& of_chunk = emitted.emplace_back();
      builder.begin(delivery.own_placement.exchange, state::Sessions::first_slot());
      const std::size_t end = std::min(input.size(), begin + chunk);
      for (std::size_t i = begin; i < end; ++i) {
        of_chunk.push_back(
            {&input[i].second, input[i].second.time, Text(), static_cast<u32>(i - begin), nullptr});
        const auto number = static_cast<std::uint32_t>(i - begin);
        builder.add(input[i].first, builder.number_of(window::kAlways), &input[i].second,
                    {input[i].second.time}, number, number);
      }
      builder.finish();
      delivery.own_placement.emitted = of_chunk;
      delivery.placement = &delivery.own_placement;
      pointers.push_back(&delivery);
    }
    epoch.deliveries = pointers;
    epoch.closed_until = closed_until;
    for (std::uint32_t number = 0; number < state::kShards; ++number) {
      ShardOutcome outcome;
      worker.run(epoch, number, shards[number].touch({0}), outcome);
      for (const FailedUpdate& failed : outcome.failed) told.push_back("failed: " + failed.reason);
      for (const auto& late : outcome.late)
        told.push_back("late: " + std::to_string(late.delivery) + "/" +
                       std::to_string(late.record));
      if (outcome.ended) show(*outcome.ended->rows, ended);
      if (is_fine) {
        shards[number].commit([](Timestamp, const auto&, std::size_t) {});
      } else {
        shards[number].revert();
      }
    }
    epoch.closed_before = closed_until;
    std::ranges::sort(ended);
  }

  void show(const state::Table& table, Lines& lines) const {
    table.peek()->for_each([&](const state::Entry* entry) {
      if (entry->live == 0) return;
      const auto& session = layout.session(entry);
      const auto& row = *static_cast<const Row*>(layout.row(entry, 0));
      lines.push_back(std::string(layout.user_key(entry)) + " " + std::to_string(session.first.ms) +
                      ".." + std::to_string(session.last.ms) + " " + std::to_string(row.count) +
                      " " + std::to_string(row.first) + ".." + std::to_string(row.last));
    });
  }
  Lines open() {
    Lines lines;
    for (state::Shard& shard : shards) {
      if (auto* const window = shard.find({0})) show(window->table, lines);
    }
    std::ranges::sort(lines);
    return lines;
  }

  static Lines model(const Input& input) {
    std::map<std::string, std::vector<Event>> events;
    for (const auto& [key, event] : input) {
      if (!event.fails && !event.passes) events[key].push_back(event);
    }
    Lines lines;
    for (auto& [key, of_key] : events) {
      std::ranges::stable_sort(of_key, {}, &Event::time);
      for (std::size_t begin = 0, i = 0; i < of_key.size(); ++i) {
        if (i + 1 < of_key.size() && of_key[i + 1].time < of_key[i].time + 30) continue;
        lines.push_back(key + " " + std::to_string(of_key[begin].time) + ".." +
                        std::to_string(of_key[i].time) + " " + std::to_string(i + 1 - begin) + " " +
                        std::to_string(of_key[begin].number) + ".." +
                        std::to_string(of_key[i].number));
        begin = i + 1;
      }
    }
    std::ranges::sort(lines);
    return lines;
  }

  record::TypeTable types;
  state::Layout layout{{types.object("", {{"count", types.scalar(record::Kind::kU32)},
                                          {"first", types.scalar(record::Kind::kU32)},
                                          {"last", types.scalar(record::Kind::kU32)}})},
                       {},
                       Duration{30}};
  std::vector<std::string_view> names{"update-state"};
  state::MergeFns merges{&merge};
  SessionEpoch epoch{};
  std::deque<state::Shard> shards;
  SessionUpdate worker;
  Lines told, ended;
};

Input random_input(unsigned seed, u32 count, u32 keys, i64 disorder) {
  std::mt19937 random(seed);
  Input input;
  for (u32 number = 0; number < count; ++number) {
    const i64 time =
        number * 5 + static_cast<i64>(random() % static_cast<u64>(disorder + 1)) - 2000;
    input.push_back({"key" + std::to_string(random() % keys),
                     {time, number, random() % 10 == 0, random() % 15 == 0}});
  }
  return input;
}

// However many keys there are, however far out of order, and however input is cut.
TEST(SessionUpdate, IsAsSortingSays) {
  for (const u32 keys : {1U, 3U, 40U}) {
    for (const i64 disorder : {0, 20, 400}) {
      const Input input = random_input(keys, 1500, keys, disorder);
      for (const std::size_t chunk : {1UL, 50UL, 1500UL}) {
        Sessions other;
        std::size_t at = 0;
        for (const std::size_t size : {100UL, 1UL, 900UL, 5000UL}) {
          const std::size_t end = std::min(input.size(), at + size);
          const Input part(input.begin() + static_cast<std::ptrdiff_t>(at),
                           input.begin() + static_cast<std::ptrdiff_t>(end));
          other.run(part, chunk, {}, false);  // and once in vain
          other.run(part, chunk);
          at = end;
        }
        EXPECT_EQ(other.open(), Sessions::model(input)) << keys << " " << disorder << " " << chunk;
      }
    }
  }
}

TEST(SessionUpdate, EndsSessionsAndTellsLateRecords) {
  Sessions some;
  some.run({{"ann", {0, 1}}, {"ann", {100, 2}}, {"bob", {20, 3}}}, 10, Timestamp{50});
  EXPECT_EQ(some.ended, (Lines{"ann 0..0 1 1..1", "bob 20..20 1 3..3"}));
  EXPECT_EQ(some.open(), (Lines{"ann 100..100 1 2..2"}));
  // [15, 45) has ended; [75, 105) has not; 71 touches the open one.
  some.run({{"ann", {15, 4}}, {"ann", {71, 5}}, {"bob", {30, 6}}}, 10, Timestamp{101});
  EXPECT_EQ(some.told, (Lines{"late: 0/0"}));
  EXPECT_EQ(some.open(), (Lines{"ann 71..100 2 5..2"}));
  EXPECT_EQ(some.ended.back(), "bob 30..30 1 6..6");
}

// Sessions of one key that end together.
TEST(SessionUpdate, EndsSeveralOfAKey) {
  Sessions some;
  some.run({{"ann", {0, 1}}, {"ann", {50, 2}}, {"ann", {100, 3}}}, 10, Timestamp{1000});
  EXPECT_EQ(some.ended, (Lines{"ann 0..0 1 1..1", "ann 100..100 1 3..3", "ann 50..50 1 2..2"}));
  EXPECT_EQ(some.open(), Lines());
}

}  // namespace
}  // namespace gameflow::runtime
