// Rows with sketches: stored and read, owned by their table, taken back with an epoch.
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "record/arena.h"
#include "state/table.h"

namespace gameflow::state {
namespace {

struct Row {
  Text name;
  Distinct players;
  u32 count = 0;
  Quantiles latency{20'000};
};

class SketchRows : public testing::Test {
 protected:
  SketchRows() { detail::current_arena = &records_; }
  ~SketchRows() override { detail::current_arena = nullptr; }

  void add(Table& table, std::string_view key, u64 first, u64 count) {
    Entry* const entry = table.find_or_insert(key, hash_key(key));
    auto& row = *static_cast<Row*>(layout_.row(entry, 0));
    for (u64 i = first; i < first + count; ++i) {
      row.players.add(i);
      row.latency.add(static_cast<f64>(i));
      row.count += 1;
    }
    row.name = Text(std::string(key));
    table.mark_changed(entry, 1, Timestamp{1});
  }
  // The epoch is over; what its records pointed to goes away.
  void end_epoch(Table& table, bool is_fine) {
    table.own_text();
    if (is_fine) {
      table.commit();
    } else {
      table.revert();
    }
    records_.reset();
  }
  const Row& row(const Table& table, std::string_view key) const {
    return *static_cast<const Row*>(layout_.row(table.find(key, hash_key(key)), 0));
  }
  std::string show(const Table& table, std::string_view key) const {
    const Row& found = row(table, key);
    return std::to_string(found.players.estimate()) + " " + std::to_string(found.count) + " " +
           std::to_string(found.latency.count()) + " " +
           std::to_string(found.latency.quantile(0.5)) + " " + found.name.str();
  }
  std::string stored(const Table& table, std::string_view key) const {
    std::string bytes;
    ByteWriter writer(bytes);
    layout_.encode(table.find(key, hash_key(key)), writer);
    return bytes;
  }

  record::BlockArena records_;
  record::TypeTable types_;
  const record::Type* type_ = types_.object("", {{"name", types_.scalar(record::Kind::kString)},
                                                 {"players", types_.distinct()},
                                                 {"count", types_.scalar(record::Kind::kU32)},
                                                 {"latency", types_.quantiles(20'000)}});
  Layout layout_{{type_}};
};

TEST_F(SketchRows, AreAsInCpp) {
  ASSERT_EQ(sizeof(Row), type_->size);
  EXPECT_EQ(offsetof(Row, latency), type_->fields[3].offset);
  EXPECT_TRUE(layout_.has_text());
  // A row that was erased, by C++, is as a new one.
  const Row empty{};
  std::vector<char> made(sizeof(Row));
  layout_.codec(0).initialize(made.data());
  EXPECT_EQ(std::memcmp(made.data() + offsetof(Row, players), &empty.players,
                        sizeof empty.players + sizeof empty.count),
            0);
  EXPECT_EQ(std::memcmp(made.data() + offsetof(Row, latency), &empty.latency, sizeof empty.latency),
            0);
}

TEST_F(SketchRows, AreOwnedByTheirTable) {
  Table table(layout_);
  for (u64 round = 0; round < 30; ++round) {
    add(table, "ann", round * 10, 10);
    add(table, "bob", round * 300, 300);
    end_epoch(table, true);
    const auto version = table.seal();
    EXPECT_EQ(row(table, "ann").players.estimate(), (round + 1) * 10);
    EXPECT_EQ(row(table, "bob").latency.count(), (round + 1) * 300);
    // Replaced bytes do not add up, for ever.
    EXPECT_LT(table.bytes(), 1U << 20);
  }
}

TEST_F(SketchRows, AreTakenBackWithAnEpoch) {
  Table table(layout_);
  add(table, "ann", 0, 2000);
  add(table, "bob", 0, 2);
  end_epoch(table, true);
  const std::string ann = show(table, "ann"), bob = show(table, "bob");
  for (int epoch = 0; epoch < 3; ++epoch) {
    add(table, "ann", 5000, 1000);
    add(table, "bob", 100, 3000);
    add(table, "new", 0, 1);
    end_epoch(table, false);
    EXPECT_EQ(show(table, "ann"), ann);
    EXPECT_EQ(show(table, "bob"), bob);
  }
  EXPECT_EQ(bob, "2 2 2 0.000000 bob");
}

TEST_F(SketchRows, ComeBackFromWhatIsStored) {
  for (const u64 count : {0U, 1U, 200U, 1022U, 1023U, 5000U}) {
    Table table(layout_), read(layout_);
    add(table, "ann", 0, count);
    table.own_text();
    const std::string bytes = stored(table, "ann");
    ByteReader reader(bytes);
    ASSERT_TRUE(read.load(reader, {0}));
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(stored(read, "ann"), bytes);
    EXPECT_LT(bytes.size(), 21'000U);
    if (count != 0) {
      EXPECT_EQ(show(read, "ann"), show(table, "ann"));
    }
    // In any order, and over several epochs, they are the same bytes.
    Table other(layout_);
    for (u64 part = 0; part < 5; ++part) {
      const u64 from = (4 - part) * count / 5, to = (5 - part) * count / 5;
      add(other, "ann", from, to - from);
      end_epoch(other, true);
    }
    EXPECT_EQ(stored(other, "ann"), bytes);
    // Cut anywhere it is no row.
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 100) {
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      ByteReader part({cut.data(), cut.size()});
      Table none(layout_);
      EXPECT_FALSE(none.load(part, {0}));
    }
  }
}

// Another accuracy is another sketch.
TEST_F(SketchRows, AreOfTheirAccuracy) {
  Table table(layout_);
  add(table, "ann", 0, 3);
  table.own_text();
  const Layout other({types_.object("", {{"name", types_.scalar(record::Kind::kString)},
                                         {"players", types_.distinct()},
                                         {"count", types_.scalar(record::Kind::kU32)},
                                         {"latency", types_.quantiles(10'000)}})});
  Table read(other);
  const std::string bytes = stored(table, "ann");
  ByteReader reader(bytes);
  EXPECT_FALSE(read.load(reader, {0}));
}

}  // namespace
}  // namespace gameflow::state
