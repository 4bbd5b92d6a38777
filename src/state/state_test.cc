#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "record/type.h"
#include "state/keyed_shard.h"

namespace gameflow::state {
namespace {

struct CountRow {
  u32 count;
};
struct LastRow {
  Text last;
  i64 amount;
  bool seen;
};

// A service with two states: {count: u32} and {last: string, amount: i64, seen: bool}.
class TwoStates : public testing::Test {
 protected:
  record::TypeTable types;
  const record::Type* count =
      types.object("count", {{.name = "count", .type = types.scalar(record::Kind::kU32)}});
  const record::Type* last =
      types.object("last", {{.name = "last", .type = types.scalar(record::Kind::kString)},
                            {.name = "amount", .type = types.scalar(record::Kind::kI64)},
                            {.name = "seen", .type = types.scalar(record::Kind::kBool)}});
  Layout layout{{count, last}};

  Entry* insert(KeyedShard& shard, const std::string& key) {
    return shard.find_or_insert(key, hash_key(key));
  }
  CountRow& count_of(Entry* entry) { return *static_cast<CountRow*>(layout.row(entry, 0)); }
  LastRow& last_of(Entry* entry) { return *static_cast<LastRow*>(layout.row(entry, 1)); }

  // Every live row as text, by key.
  std::map<std::string, std::string> dump(const KeyedShard& shard) {
    std::map<std::string, std::string> rows;
    shard.for_each([&](const Entry* entry) {
      std::string text;
      const auto* counted = static_cast<const CountRow*>(layout.row(entry, 0));
      const auto* seen = static_cast<const LastRow*>(layout.row(entry, 1));
      if ((entry->live & 1U) != 0) text += "count=" + std::to_string(counted->count);
      if ((entry->live & 2U) != 0)
        text += " last=" + seen->last.str() + " amount=" + std::to_string(seen->amount);
      if (!text.empty())
        rows[std::string(layout.key(entry))] = text + " at=" + std::to_string(entry->updated_at.ms);
    });
    return rows;
  }
};

TEST_F(TwoStates, NewRowsAreZeroAndNotLive) {
  KeyedShard shard(layout);
  Entry* entry = insert(shard, "ann");
  EXPECT_EQ(count_of(entry).count, 0U);
  EXPECT_TRUE(last_of(entry).last.empty());
  EXPECT_TRUE(dump(shard).empty());
  EXPECT_EQ(insert(shard, "ann"), entry);
  EXPECT_EQ(shard.find("bob", hash_key("bob")), nullptr);
}

TEST_F(TwoStates, TextIsOwnedOnceItsBatchIsGone) {
  KeyedShard shard(layout);
  Entry* entry = insert(shard, "ann");
  auto batch = std::make_unique<std::string>("sword of a thousand truths");
  last_of(entry).last = Text::view(*batch);
  shard.mark_changed(entry, 2, {5});
  shard.own_text();
  batch->assign(batch->size(), '!');
  batch.reset();
  EXPECT_EQ(dump(shard)["ann"], " last=sword of a thousand truths amount=0 at=5");
}

TEST_F(TwoStates, ReplacedTextDoesNotAddUp) {
  KeyedShard shard(layout);
  Entry* entry = insert(shard, "ann");
  const std::string text(1'000, 'x');
  for (int i = 0; i < 20'000; ++i) {
    last_of(entry).last = Text::view(text);
    shard.mark_changed(entry, 2, {i});
    shard.own_text();
    std::string changes;
    ByteWriter out(changes);
    shard.take_changes(out);
  }
  EXPECT_LT(shard.bytes(), 8U << 20);  // 20 MB of text went through
  EXPECT_EQ(last_of(entry).last.view(), text);
}

TEST_F(TwoStates, RandomUpdatesComeBackFromTheirChanges) {
  std::mt19937_64 random(7);
  KeyedShard shard(layout);
  std::string segments;
  for (std::int64_t round = 0; round < 200; ++round) {
    std::vector<std::string> batch(20);
    for (std::string& text : batch) {
      const std::string key = "player_" + std::to_string(random() % 50);
      Entry* entry = insert(shard, key);
      const std::uint32_t states = 1 + random() % 3;
      if ((states & 1U) != 0) count_of(entry).count += 1;
      text = std::string(random() % 40, static_cast<char>('a' + random() % 26));
      if ((states & 2U) != 0) last_of(entry) = {Text::view(text), static_cast<i64>(random()), true};
      shard.mark_changed(entry, states, {round});
    }
    shard.own_text();
    ByteWriter out(segments);
    if (round == 100) {
      segments.clear();
      shard.take_all(out);
    } else {
      shard.take_changes(out);
    }
  }
  KeyedShard restored(layout);
  ByteReader in(segments);
  while (!in.at_end()) ASSERT_TRUE(restored.load(in, {0, 1}));
  EXPECT_EQ(dump(restored), dump(shard));
}

TEST_F(TwoStates, LoadMapsStatesAndSkipsThoseThatAreGone) {
  KeyedShard shard(layout);
  Entry* entry = insert(shard, "ann");
  count_of(entry).count = 3;
  last_of(entry).last = "axe";
  shard.mark_changed(entry, 3, {1});
  std::string segment;
  ByteWriter out(segment);
  shard.take_all(out);

  const Layout only_last({last});
  KeyedShard restored(only_last);
  ByteReader in(segment);
  ASSERT_TRUE(restored.load(in, {-1, 0}));
  EXPECT_TRUE(in.at_end());
  const Entry* ann = restored.find("ann", hash_key("ann"));
  EXPECT_EQ(static_cast<const LastRow*>(only_last.row(ann, 0))->last.view(), "axe");
  EXPECT_EQ(ann->live, 1U);
}

TEST_F(TwoStates, BrokenSegmentsAreRefusedNotFollowed) {
  KeyedShard shard(layout);
  Entry* entry = insert(shard, "ann");
  last_of(entry).last = "axe";
  shard.mark_changed(entry, 3, {1});
  std::string segment;
  ByteWriter out(segment);
  shard.take_all(out);
  for (std::size_t size = 0; size < segment.size(); ++size) {
    KeyedShard restored(layout);
    ByteReader in(std::string_view(segment).substr(0, size));
    EXPECT_FALSE(restored.load(in, {0, 1})) << size;
  }
}

}  // namespace
}  // namespace gameflow::state
