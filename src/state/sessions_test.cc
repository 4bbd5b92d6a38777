// Sessions in a table, against sorting a key's events and cutting them where there is a gap.
#include "state/sessions.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "record/arena.h"
#include "record/type.h"
#include "state/shard.h"

namespace gameflow::state {
namespace {

struct Row {
  u32 count = 0;
  u32 first = 0, last = 0;  // numbers of events
  Text names;
};

// count: sum, up to 1,000; first, last; names: joined in order of event time at the ends.
u32 merge_rows(abi::Call* call, void* const* into, const void* const* from, const u32* order,
               u32 count, abi::RecordError* errors) {
  u32 failed = 0;
  for (u32 i = 0; i < count; ++i) {
    auto& row = *static_cast<Row*>(into[i]);
    const auto& other = *static_cast<const Row*>(from[i]);
    if (row.count + other.count > 1000) {
      errors[failed++] = {i, 0, "too many"};
      continue;
    }
    row.count += other.count;
    if ((order[i] & abi::kFromFirst) != 0) row.first = other.first;
    if ((order[i] & abi::kFromLast) != 0) row.last = other.last;
    const std::string names = row.names.str() + other.names.str();
    row.names = Text::view({call->arena->copy(names.data(), names.size()), names.size()});
  }
  return failed;
}

struct Event {
  Timestamp time;
  u32 number;
};

struct SessionsTest : testing::Test {
  std::string full(std::string key) const {
    Sessions::append_slot(key, 0);
    return key;
  }
  Sessions sessions() { return {layout, rules, merges, table, timers}; }

  // One record, in a batch of its own.
  std::optional<std::string> add(const std::string& key, Event event) {
    Sessions all = sessions();
    const std::string probe = full(key);
    Entry* const latest = table.find_or_insert(probe, hash_key(probe));
    const auto way = all.in_order(latest, event.time);
    EXPECT_NE(way, Sessions::Way::kWait);
    all.forget_pending(latest);
    if (way == Sessions::Way::kInPlace) {
      auto& row = *static_cast<Row*>(layout.row(latest, 0));
      row.count += 1;
      row.last = event.number;
      all.extend(latest, event.time, 1, Timestamp{1});
      return std::nullopt;
    }
    auto* const own = static_cast<Row*>(arena.allocate(sizeof(Row), alignof(Row)));
    layout.codec(0).initialize(own);
    *own = {1, event.number, event.number, Text()};
    void* const rows[] = {own};
    return all.take(latest, event.time, rows, 1, Timestamp{1}, arena);
  }
  void end_epoch(bool is_fine = true) {
    table.own_text();
    if (is_fine) {
      table.commit();
      timers.commit();
    } else {
      table.revert();
      timers.revert();
    }
    arena.reset();
  }
  std::string show(const Entry* entry) const {
    const SessionTimes& session = layout.session(entry);
    const Row& row = *static_cast<const Row*>(layout.row(entry, 0));
    return std::string(layout.user_key(entry)) + " " + std::to_string(session.first.ms) + ".." +
           std::to_string(session.last.ms) + " count " + std::to_string(row.count) + " " +
           std::to_string(row.first) + ".." + std::to_string(row.last);
  }
  // All of them, sorted; slots are in order, and slot 0 has the last one.
  std::vector<std::string> shown() const {
    std::vector<std::string> all;
    std::map<std::string, std::map<int, Timestamp>> slots;
    table.peek()->for_each([&](const Entry* entry) {
      if (entry->live == 0) return;
      all.push_back(show(entry));
      const std::string_view key = layout.key(entry);
      const int slot = static_cast<u8>(key[key.size() - 2]) << 8 | static_cast<u8>(key.back());
      slots[std::string(layout.user_key(entry))][slot] = layout.session(entry).last;
    });
    for (const auto& [key, of_key] : slots) {
      int expected = 0;
      for (const auto& [slot, last] : of_key) {
        EXPECT_EQ(slot, expected++) << key;
        EXPECT_LE(last, of_key.begin()->second) << key;
      }
    }
    std::ranges::sort(all);
    return all;
  }
  std::vector<std::string> close(Timestamp until) {
    std::vector<std::string> closed;
    sessions().close(until, Timestamp{2}, [&](std::span<const Entry* const> ended) {
      for (const Entry* entry : ended) closed.push_back(show(entry));
    });
    return closed;
  }

  // What there should be.
  std::vector<std::string> model(std::map<std::string, std::vector<Event>> events) const {
    std::vector<std::string> all;
    for (auto& [key, of_key] : events) {
      std::ranges::stable_sort(of_key, {}, &Event::time);
      for (std::size_t begin = 0, i = 0; i < of_key.size(); ++i) {
        const bool ends =
            i + 1 == of_key.size() || of_key[i + 1].time >= of_key[i].time + rules.gap;
        if (!ends) continue;
        all.push_back(key + " " + std::to_string(of_key[begin].time.ms) + ".." +
                      std::to_string(of_key[i].time.ms) + " count " +
                      std::to_string(i + 1 - begin) + " " + std::to_string(of_key[begin].number) +
                      ".." + std::to_string(of_key[i].number));
        begin = i + 1;
      }
    }
    std::ranges::sort(all);
    return all;
  }

  record::TypeTable types;
  Layout layout{{types.object("", {{"count", types.scalar(record::Kind::kU32)},
                                   {"first", types.scalar(record::Kind::kU32)},
                                   {"last", types.scalar(record::Kind::kU32)},
                                   {"names", types.scalar(record::Kind::kString)}})},
                {},
                Duration{30}};
  SessionRules rules{.gap = {30}, .max = std::nullopt};
  MergeFns merges{&merge_rows};
  Table table{layout};
  Timers timers;
  record::BlockArena arena;
};

using Lines = std::vector<std::string>;

TEST_F(SessionsTest, TouchWithinTheGap) {
  add("ann", {{0}, 1});
  add("ann", {{29}, 2});
  add("ann", {{59}, 3});  // exactly a gap later
  add("ann", {{-31}, 4});
  add("ann", {{-30}, 5});
  EXPECT_EQ(shown(), (Lines{"ann -31..-30 count 2 4..5", "ann 0..29 count 2 1..2",
                            "ann 59..59 count 1 3..3"}));
  add("ann", {{-1}, 6});  // bridges the first two
  EXPECT_EQ(shown(), (Lines{"ann -31..29 count 5 4..2", "ann 59..59 count 1 3..3"}));
  add("ann", {{30}, 7});  // and the rest
  EXPECT_EQ(shown(), (Lines{"ann -31..59 count 7 4..3"}));
}

TEST_F(SessionsTest, GoByEventTimeThenByArrival) {
  add("ann", {{10}, 1});
  add("ann", {{20}, 2});
  add("ann", {{10}, 3});
  add("ann", {{20}, 4});
  add("ann", {{15}, 5});
  EXPECT_EQ(shown(), (Lines{"ann 10..20 count 5 1..4"}));
}

TEST_F(SessionsTest, OfOtherKeysAreOthers) {
  const std::string odd("a\0\1", 3);
  add("a", {{0}, 1});
  add(odd, {{0}, 2});
  add("a", {{100}, 3});  // in slot 1, whose full key begins alike
  add("", {{0}, 4});
  EXPECT_EQ(shown().size(), 4U);
  EXPECT_EQ(Sessions::shard_hash("a" + std::string("\0\1", 2)),
            Sessions::shard_hash("a" + std::string("\0\0", 2)));
}

TEST_F(SessionsTest, AreAsSortingSays) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    std::map<std::string, std::vector<Event>> events;
    for (u32 number = 1; number < 600; ++number) {
      const std::string key =
          std::string("key") + std::to_string(seed) + std::to_string(random() % 4);
      const Event event{{static_cast<i64>(random() % 8000) - 4000}, number};
      events[key].push_back(event);
      EXPECT_EQ(add(key, event), std::nullopt);
      if (random() % 50 == 0) end_epoch();
    }
    const auto is_of_seed = [&](const std::string& line) {
      return line.starts_with("key" + std::to_string(seed));
    };
    Lines all = shown();
    std::erase_if(all, [&](const std::string& line) { return !is_of_seed(line); });
    EXPECT_EQ(all, model(events)) << seed;
    sessions().close(Timestamp{1 << 20}, Timestamp{2}, [](auto) {});
    end_epoch();
    EXPECT_EQ(shown(), Lines());
  }
}

TEST_F(SessionsTest, EndAtTheirMax) {
  rules.max = Duration{50};
  for (u32 i = 0; i < 12; ++i) add("ann", {{i * 10}, i});
  EXPECT_EQ(shown(), (Lines{"ann 0..40 count 5 0..4", "ann 100..110 count 2 10..11",
                            "ann 50..90 count 5 5..9"}));
  add("ann", {{45}, 20});   // of the first, though the second is near
  add("ann", {{95}, 21});   // of the second
  add("ann", {{-10}, 22});  // the first would be too long with it
  EXPECT_EQ(shown(), (Lines{"ann -10..-10 count 1 22..22", "ann 0..45 count 6 0..20",
                            "ann 100..110 count 2 10..11", "ann 50..95 count 6 5..21"}));
}

TEST_F(SessionsTest, CloseInOrderOfTheirEnd) {
  add("bob", {{5}, 1});
  add("ann", {{0}, 2});
  add("ann", {{100}, 3});
  add("ann", {{110}, 4});
  add("cid", {{5}, 5});
  end_epoch();
  EXPECT_EQ(close({29}), Lines());
  EXPECT_EQ(close({35}),
            (Lines{"ann 0..0 count 1 2..2", "bob 5..5 count 1 1..1", "cid 5..5 count 1 5..5"}));
  end_epoch();
  EXPECT_EQ(shown(), (Lines{"ann 100..110 count 2 3..4"}));
  EXPECT_EQ(close({139}), Lines());  // its timer was set before it grew
  EXPECT_EQ(close({140}), (Lines{"ann 100..110 count 2 3..4"}));
  end_epoch();
  EXPECT_EQ(shown(), Lines());
}

TEST_F(SessionsTest, AreTakenBackWithAnEpoch) {
  add("ann", {{0}, 1});
  add("ann", {{100}, 2});
  end_epoch();
  const Lines before = shown();
  for (int i = 0; i < 3; ++i) {
    add("ann", {{25}, 3});
    add("ann", {{50}, 4});
    add("ann", {{75}, 5});
    add("ann", {{300}, 6});
    EXPECT_EQ(close({140}).size(), 1U);
    end_epoch(false);
    EXPECT_EQ(shown(), before);
  }
  EXPECT_EQ(close({130}).size(), 2U);
}

TEST_F(SessionsTest, ThatCannotBeJoinedStay) {
  for (u32 i = 0; i < 600; ++i) {
    add("ann", {{0}, i});
    add("ann", {{50}, i});
  }
  const Lines before = shown();
  EXPECT_EQ(add("ann", {{25}, 7}), std::optional<std::string>("too many"));
  EXPECT_EQ(shown(), before);
  end_epoch();
  EXPECT_EQ(shown(), before);
}

// Late: alone it would be closed, and it touches nothing that is open.
TEST_F(SessionsTest, KnowLateRecords) {
  add("ann", {{100}, 1});
  const auto is_late = [&](const char* key, i64 time, std::optional<Timestamp> closed) {
    const std::string probe = full(key);
    return sessions().is_late(table.find_or_insert(probe, hash_key(probe)), {time}, closed);
  };
  EXPECT_FALSE(is_late("ann", 0, std::nullopt));
  EXPECT_TRUE(is_late("ann", 0, Timestamp{100}));
  EXPECT_TRUE(is_late("ann", 70, Timestamp{100}));
  EXPECT_FALSE(is_late("ann", 71, Timestamp{101}));
  EXPECT_TRUE(is_late("bob", 71, Timestamp{101}));
  EXPECT_FALSE(is_late("bob", 72, Timestamp{101}));
}

TEST_F(SessionsTest, ComeBackFromWhatIsStored) {
  add("ann", {{-5000}, 1});
  add("ann", {{0}, 2});
  add("ann", {{9}, 3});
  add("bob", {{7}, 4});
  table.own_text();
  Table read(layout);
  for (const Entry* entry : table.changes()) {
    std::string bytes;
    ByteWriter writer(bytes);
    layout.encode(entry, writer);
    ByteReader reader(bytes);
    ASSERT_TRUE(read.load(reader, {0}));
    EXPECT_TRUE(reader.at_end());
  }
  read.commit();
  Shard::Window window({0}, layout);
  window.table.copy_rows(read);
  window.set_timers(layout);
  window.table.commit();
  window.timers.commit();
  Sessions all(layout, rules, merges, window.table, window.timers);
  Lines closed;
  all.close({39}, {1}, [&](std::span<const Entry* const> ended) {
    for (const Entry* entry : ended) closed.push_back(show(entry));
  });
  EXPECT_EQ(closed, (Lines{"ann -5000..-5000 count 1 1..1", "bob 7..7 count 1 4..4",
                           "ann 0..9 count 2 2..3"}));
}

// In a batch, records of one key may be in it together as long as nobody's failing matters.
TEST_F(SessionsTest, WaitForTheBatchWhereItMatters) {
  const std::string probe = full("ann");
  Entry* const entry = table.find_or_insert(probe, hash_key(probe));
  Sessions all = sessions();
  EXPECT_EQ(all.in_order(entry, {0}), Sessions::Way::kOwnRows);  // a new one
  EXPECT_EQ(all.in_order(entry, {1}), Sessions::Way::kWait);
  all.forget_pending(entry);
  add("ann", {{0}, 1});
  EXPECT_EQ(all.in_order(entry, {10}), Sessions::Way::kInPlace);
  EXPECT_EQ(all.in_order(entry, {29}), Sessions::Way::kInPlace);
  EXPECT_EQ(all.in_order(entry, {20}), Sessions::Way::kWait);  // behind 29, if that does not fail
  EXPECT_EQ(all.in_order(entry, {35}), Sessions::Way::kWait);  // within the gap of 29 alone
  all.forget_pending(entry);
  EXPECT_EQ(all.in_order(entry, {35}), Sessions::Way::kOwnRows);
}

}  // namespace
}  // namespace gameflow::state
