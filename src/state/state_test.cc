#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "record/arena.h"
#include "record/type.h"
#include "state/table.h"

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

  Entry* insert(Table& table, const std::string& key) {
    return table.find_or_insert(key, hash_key(key));
  }
  CountRow& count_of(Entry* entry) { return *static_cast<CountRow*>(layout.row(entry, 0)); }
  LastRow& last_of(Entry* entry) { return *static_cast<LastRow*>(layout.row(entry, 1)); }

  // Every live row as text, by key.
  std::map<std::string, std::string> dump(const Table& table) {
    std::map<std::string, std::string> rows;
    table.peek()->for_each([&](const Entry* entry) {
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

// Random rows of everything that a row may hold, there and back.
TEST(RowCodec, ListsAndOptionals) {
  record::TypeTable types;
  const auto* text = types.scalar(record::Kind::kString);
  const auto* number = types.scalar(record::Kind::kU16);
  const auto* row = types.object("row", {{"tags", types.list_of(text)},
                                         {"numbers", types.list_of(number), true},
                                         {"name", text, true},
                                         {"small", number, true},
                                         {"price", types.decimal(2)},
                                         {"flag", types.scalar(record::Kind::kBool)}});
  struct Row {
    List<Text> tags;
    Optional<List<u16>> numbers;
    Optional<Text> name;
    Optional<u16> small;
    i64 price;
    bool flag;
  };
  ASSERT_EQ(sizeof(Row), row->size);
  const RowCodec codec(*row);
  record::BlockArena arena, copies;
  detail::current_arena = &arena;
  std::mt19937 random(7);
  const auto few = [&] { return random() % 4; };
  const auto show = [](const Row& r) {
    std::string shown = std::to_string(r.price) + (r.flag ? "!" : "") + r.name.value_or("-").str();
    for (const Text& tag : r.tags) shown += " " + tag.str();
    for (const u16 n : r.numbers.value_or({})) shown += " " + std::to_string(n);
    return shown + (r.numbers ? " []" : "") + " " + std::to_string(r.small.value_or(0));
  };
  for (int round = 0; round < 200; ++round) {
    Row made{};
    codec.initialize(&made);
    for (auto n = few(); n > 0; --n) made.tags.push_back(std::string(few() * 60, 'a'));
    if (few() != 0) made.numbers = List<u16>();
    if (few() != 0) made.numbers = List<u16>{1, static_cast<u16>(few())};
    if (few() != 0) made.name = std::string(few(), 'n');
    if (few() != 0) made.small = 5;
    made.price = few();
    made.flag = few() == 0;
    std::string stored;
    ByteWriter writer(stored);
    codec.encode(&made, writer);
    ByteReader reader(stored);
    const std::string_view body = reader.text();
    ASSERT_TRUE(reader.ok() && reader.at_end());
    Row read{};
    ASSERT_TRUE(codec.decode(body, copies, &read));
    EXPECT_EQ(show(read), show(made));
    // Cut anywhere it is no row, and nothing is read past its end.
    for (std::size_t size = 0; size < body.size(); ++size) {
      const std::vector<char> cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(codec.decode({cut.data(), cut.size()}, copies, &read));
    }
    // What is adopted does not depend on where it was, which stays as it was.
    Row adopted = made;
    codec.adopt_text(&adopted, copies, [](const char*) { return false; });
    const std::string before = show(made);
    EXPECT_EQ(show(adopted), before);
    if (!made.tags.empty()) {
      EXPECT_NE(adopted.tags.begin(), made.tags.begin());
      adopted.tags[0] = "changed";
      EXPECT_EQ(show(made), before);
    }
  }
  detail::current_arena = nullptr;
}

TEST_F(TwoStates, NewRowsAreZeroAndNotLive) {
  Table table(layout);
  Entry* entry = insert(table, "ann");
  EXPECT_EQ(count_of(entry).count, 0U);
  EXPECT_TRUE(last_of(entry).last.empty());
  EXPECT_TRUE(dump(table).empty());
  EXPECT_EQ(insert(table, "ann"), entry);
  EXPECT_EQ(table.peek()->find("bob", hash_key("bob")), nullptr);
}

TEST_F(TwoStates, TextIsOwnedOnceItsBatchIsGone) {
  Table table(layout);
  Entry* entry = insert(table, "ann");
  auto batch = std::make_unique<std::string>("sword of a thousand truths");
  last_of(entry).last = Text::view(*batch);
  table.mark_changed(entry, 2, {5});
  table.own_text();
  batch->assign(batch->size(), '!');
  batch.reset();
  EXPECT_EQ(dump(table)["ann"], " last=sword of a thousand truths amount=0 at=5");
}

TEST_F(TwoStates, ReplacedTextDoesNotAddUp) {
  Table table(layout);
  const std::string text(1'000, 'x');
  for (int i = 0; i < 20'000; ++i) {
    Entry* entry = insert(table, "ann");
    last_of(entry).last = Text::view(text);
    table.mark_changed(entry, 2, {i});
    table.own_text();
    table.seal();
  }
  EXPECT_LT(table.bytes(), 512U << 10);  // 20 MB of text went through
  EXPECT_EQ(last_of(insert(table, "ann")).last.view(), text);
}

TEST_F(TwoStates, AnEpochThatCompactedTextIsReverted) {
  Table table(layout);
  const std::string old_text(1'000, 'o'), new_text(1'000, 'n');
  const auto write = [&](const std::string& text) {
    for (int i = 0; i < 100; ++i) {
      Entry* entry = insert(table, std::to_string(i));
      last_of(entry).last = Text::view(text);
      table.mark_changed(entry, 2, {1});
    }
    table.own_text();
  };
  write(old_text);
  const auto version = table.seal();
  const auto before = dump(table);
  for (int i = 0; i < 300; ++i) write(new_text);  // 30 MB
  EXPECT_LT(table.bytes(), 2U << 20);
  table.revert();
  EXPECT_EQ(dump(table), before);
  EXPECT_EQ(table.seal(), version);
  write(new_text);
  table.commit();
  EXPECT_NE(dump(table), before);
  EXPECT_EQ(version->keys(), 100U);
}

TEST_F(TwoStates, RandomUpdatesComeBackFromTheirChanges) {
  std::mt19937_64 random(7);
  Table table(layout);
  std::string segments;
  for (std::int64_t round = 0; round < 200; ++round) {
    std::vector<std::string> batch(20);
    for (std::string& text : batch) {
      const std::string key = "player_" + std::to_string(random() % 50);
      Entry* entry = insert(table, key);
      const std::uint32_t states = 1 + random() % 3;
      if ((states & 1U) != 0) count_of(entry).count += 1;
      text = std::string(random() % 40, static_cast<char>('a' + random() % 26));
      if ((states & 2U) != 0) last_of(entry) = {Text::view(text), static_cast<i64>(random()), true};
      table.mark_changed(entry, states, {round});
    }
    table.own_text();
    ByteWriter out(segments);
    if (round == 100) {
      segments.clear();
      table.peek()->for_each([&](const Entry* entry) { layout.encode(entry, out); });
    } else {
      for (const Entry* entry : table.changes()) layout.encode(entry, out);
    }
    table.seal();
  }
  Table restored(layout);
  ByteReader in(segments);
  while (!in.at_end()) ASSERT_TRUE(restored.load(in, {0, 1}));
  EXPECT_EQ(dump(restored), dump(table));
}

TEST_F(TwoStates, LoadMapsStatesAndSkipsThoseThatAreGone) {
  Table table(layout);
  Entry* entry = insert(table, "ann");
  count_of(entry).count = 3;
  last_of(entry).last = "axe";
  table.mark_changed(entry, 3, {1});
  std::string segment;
  ByteWriter out(segment);
  layout.encode(entry, out);

  const Layout only_last({last});
  Table restored(only_last);
  ByteReader in(segment);
  ASSERT_TRUE(restored.load(in, {-1, 0}));
  EXPECT_TRUE(in.at_end());
  const Entry* ann = restored.find_or_insert("ann", hash_key("ann"));
  EXPECT_EQ(static_cast<const LastRow*>(only_last.row(ann, 0))->last.view(), "axe");
  EXPECT_EQ(ann->live, 1U);
}

// Before rows could be erased, an entry named those that had changed.
TEST_F(TwoStates, LoadKeepsRowsThatAnEntryDoesNotName) {
  Table source(layout);
  const Entry* const rows = insert(source, "ann");
  const std::uint64_t first_is_gone = std::uint64_t{1} << Layout::kGoneShift;
  Table restored(layout);
  const auto load = [&](std::uint64_t states) {
    std::string bytes;
    ByteWriter out(bytes);
    out.text("ann");
    out.varint(states);
    out.signed_varint(1);
    for (std::size_t state = 0; state < 2; ++state) {
      if ((states >> state & 1U) != 0) layout.codec(state).encode(layout.row(rows, state), out);
    }
    ByteReader in(bytes);
    return restored.load(in, {0, 1}) && in.at_end();
  };
  ASSERT_TRUE(load(2));
  ASSERT_TRUE(load(1));
  const Entry* ann = restored.find("ann", hash_key("ann"));
  ASSERT_NE(ann, nullptr);
  EXPECT_EQ(ann->live, 3U);
  ASSERT_TRUE(load(first_is_gone));
  EXPECT_EQ(restored.find("ann", hash_key("ann"))->live, 2U);
  EXPECT_FALSE(load(first_is_gone | 1)) << "there and gone";
  EXPECT_FALSE(load(std::uint64_t{4} << Layout::kGoneShift)) << "no such state";
}

TEST_F(TwoStates, BrokenSegmentsAreRefusedNotFollowed) {
  Table table(layout);
  Entry* entry = insert(table, "ann");
  last_of(entry).last = "axe";
  table.mark_changed(entry, 3, {1});
  std::string segment;
  ByteWriter out(segment);
  layout.encode(entry, out);
  for (std::size_t size = 0; size < segment.size(); ++size) {
    Table restored(layout);
    ByteReader in(std::string_view(segment).substr(0, size));
    EXPECT_FALSE(restored.load(in, {0, 1})) << size;
  }
}

}  // namespace
}  // namespace gameflow::state
