// Versions never change, whatever their table does afterwards: against a model, and from threads.

#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/type.h"
#include "state/table.h"

namespace gameflow::state {
namespace {

struct NumberRow {
  u32 count;
};
struct TextRow {
  Text text;
  i64 number;
};

// Every second state, from the first on, is {count: u32}; the others {text: string, number: i64}.
class Rows {
 public:
  explicit Rows(std::size_t states) : layout(types_of(states)) {}

  // The rows that are live, as text.
  std::string show(const Entry* entry) const {
    std::string out = fmt::format("at={}", entry->updated_at.ms);
    for (std::size_t state = 0; state < layout.state_count(); ++state) {
      if ((entry->live >> state & 1U) == 0) continue;
      if (state % 2 == 0) {
        out += fmt::format(" {}", static_cast<const NumberRow*>(layout.row(entry, state))->count);
      } else {
        const auto* row = static_cast<const TextRow*>(layout.row(entry, state));
        out += fmt::format(" {}:{}", row->number, row->text.view());
      }
    }
    return out;
  }
  std::map<std::string, std::string> show(const TableVersion& version) const {
    std::map<std::string, std::string> all;
    version.for_each([&](const Entry* entry) {
      if (entry->live != 0) all.emplace(layout.key(entry), show(entry));
    });
    return all;
  }

  record::TypeTable types;
  Layout layout;

 private:
  std::vector<const record::Type*> types_of(std::size_t states) {
    using record::Kind;
    const auto* number = types.object("n", {{.name = "count", .type = types.scalar(Kind::kU32)}});
    const auto* text = types.object("t", {{.name = "text", .type = types.scalar(Kind::kString)},
                                          {.name = "number", .type = types.scalar(Kind::kI64)}});
    std::vector<const record::Type*> rows;
    for (std::size_t i = 0; i < states; ++i) rows.push_back(i % 2 == 0 ? number : text);
    return rows;
  }
};

// What a table should hold.
struct Model {
  std::map<std::string, std::string> rows;  // as Rows::show has them
  std::vector<std::size_t> live;            // rows, by state
};

class RandomTable {
 public:
  RandomTable(std::size_t states, std::uint64_t seed)
      : random_(seed),
        rows_(states),
        table_(rows_.layout),
        model_{{}, std::vector<std::size_t>(states)} {
    committed_ = model_;
    for (int i = 0; i < 60; ++i) {
      keys_.push_back(fmt::format("player_{}", i));
      if (i % 12 == 0) keys_.back().append(random_() % (32U << 10), 'k');
      if (i % 9 == 0) keys_.back().append(random_() % 400, 'k');
    }
    for (int i = 0; i < 2'000; ++i) keys_.push_back(fmt::format("rare_{}", i));
    keys_.emplace_back();
  }

  void run(int epochs) {
    for (now_ = 1; now_ <= epochs; ++now_) {
      ASSERT_FALSE(table_.has_changes());
      for (auto rounds = random_() % 4; rounds > 0; --rounds) update(random_() % 200);
      if (random_() % 4 == 0) {
        table_.revert();
        model_ = committed_;
      } else if (random_() % 2 == 0) {
        table_.commit();
        committed_ = model_;
      } else {
        const auto changed = table_.changes().size();
        held_.push_back({table_.seal(), model_});
        EXPECT_TRUE(changed == 0 || held_.back().version != last_.lock());
        last_ = held_.back().version;
        committed_ = model_;
      }
      expect(*table_.peek(), model_);
      if (random_() % 10 == 0) held_.clear();
      while (held_.size() > 20 || (!held_.empty() && random_() % 3 == 0)) {
        const std::size_t gone = random_() % held_.size();
        expect(*held_[gone].version, held_[gone].model);
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(gone));
      }
    }
    for (const Held& held : held_) expect(*held.version, held.model);
    expect_reads_back();
  }

 private:
  struct Held {
    std::shared_ptr<const TableVersion> version;
    Model model;
  };

  void update(std::size_t count) {
    std::vector<Probe> probes;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t frequent = random_() % 3 == 0 ? keys_.size() : 60;
      const std::string& key = keys_[random_() % frequent];
      probes.push_back({key, hash_key(key)});
    }
    std::vector<Entry*> entries(count);
    table_.find_or_insert(probes, entries.data());
    std::deque<std::string> batch;  // what the rows' text points to
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(rows_.layout.key(entries[i]), probes[i].key);
      if (random_() % 8 != 0) change(entries[i], batch);
    }
    table_.own_text();
    for (std::string& text : batch) text.assign(text.size(), '!');
  }

  void change(Entry* entry, std::deque<std::string>& batch) {
    std::uint32_t states = 0;
    for (std::size_t state = 0; state < rows_.layout.state_count(); ++state) {
      if (random_() % 3 != 0) continue;
      states |= 1U << state;
      void* row = rows_.layout.row(entry, state);
      if (state % 2 == 0) {
        ++static_cast<NumberRow*>(row)->count;
      } else {
        // Some are so long that their waste is compacted now and then.
        const std::size_t bytes = random_() % 80 == 0 ? 40'000 : random_() % 60;
        batch.push_back(std::string(bytes, static_cast<char>('a' + random_() % 26)));
        *static_cast<TextRow*>(row) = {Text::view(batch.back()), static_cast<i64>(random_())};
      }
      if ((entry->live >> state & 1U) == 0) ++model_.live[state];
    }
    if (states == 0) return;
    table_.mark_changed(entry, states, {now_});
    model_.rows[std::string(rows_.layout.key(entry))] = rows_.show(entry);
  }

  void expect(const TableVersion& version, const Model& model) {
    ASSERT_EQ(rows_.show(version), model.rows);
    for (std::size_t state = 0; state < model.live.size(); ++state)
      ASSERT_EQ(version.rows(state), model.live[state]);
    for (int i = 0; i < 50; ++i) {
      const std::string& key = keys_[random_() % keys_.size()];
      const Entry* entry = version.find(key, hash_key(key));
      const auto found = model.rows.find(key);
      const bool live = entry != nullptr && entry->live != 0;
      ASSERT_EQ(live, found != model.rows.end());
      ASSERT_EQ(live ? rows_.show(entry) : "", live ? found->second : "");
    }
  }

  void expect_reads_back() {
    std::string stored;
    ByteWriter out(stored);
    table_.peek()->for_each([&](const Entry* entry) { rows_.layout.encode(entry, out); });
    std::vector<RowSource> states;
    for (std::size_t i = 0; i < rows_.layout.state_count(); ++i)
      states.emplace_back(static_cast<int>(i));
    Table restored(rows_.layout);
    ByteReader in(stored);
    while (!in.at_end()) ASSERT_TRUE(restored.load(in, states));
    EXPECT_FALSE(restored.has_changes());
    expect(*restored.peek(), model_);
  }

  std::mt19937_64 random_;
  Rows rows_;
  Table table_;
  std::vector<std::string> keys_;
  std::int64_t now_ = 0;
  Model model_, committed_;
  std::deque<Held> held_;
  std::weak_ptr<const TableVersion> last_;
};

TEST(Versions, StayAsTheyWereThroughSealsAndReverts) {
  for (const std::size_t states : {1, 2, 3, 7, 32}) {
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      SCOPED_TRACE(fmt::format("{} states, seed {}", states, seed));
      RandomTable(states, seed).run(50);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

Entry* count(Table& table, const Layout& layout, std::string_view key) {
  Entry* entry = table.find_or_insert(key, hash_key(key));
  ++static_cast<NumberRow*>(layout.row(entry, 0))->count;
  table.mark_changed(entry, 1, {1});
  return entry;
}

TEST(Versions, AreTheSameObjectWhereNothingWasWritten) {
  const Rows rows(1);
  Table table(rows.layout);
  const auto empty = table.seal();
  EXPECT_EQ(empty->keys(), 0U);
  EXPECT_EQ(table.seal(), empty);
  count(table, rows.layout, "ann");
  table.revert();
  EXPECT_EQ(table.seal(), empty);
  count(table, rows.layout, "ann");
  EXPECT_NE(table.seal(), empty);
}

TEST(Versions, OutliveTheirTable) {
  const Rows rows(2);
  auto table = std::make_unique<Table>(rows.layout);
  count(*table, rows.layout, "ann");
  const auto first = table->seal();
  count(*table, rows.layout, "ann");
  const auto second = table->seal();
  count(*table, rows.layout, "bob");
  table.reset();
  EXPECT_EQ(rows.show(*first), (std::map<std::string, std::string>{{"ann", "at=1 1"}}));
  EXPECT_EQ(rows.show(*second), (std::map<std::string, std::string>{{"ann", "at=1 2"}}));
}

// A reader that stays at one version costs a copy of what changed since, not one for each seal.
TEST(Versions, OneThatIsHeldCostsItsOwnPagesAtMost) {
  const Rows rows(1);
  Table table(rows.layout);
  for (int i = 0; i < 1'000; ++i) count(table, rows.layout, fmt::format("player_{:05}", i));
  const auto held = table.seal();
  const std::size_t bytes = table.bytes();
  for (int i = 0; i < 100'000; ++i) {
    count(table, rows.layout, fmt::format("player_{:05}", i % 1'000));
    table.seal();
  }
  EXPECT_LT(table.bytes(), 2 * bytes + 10'000);
  EXPECT_EQ(rows.show(*held)["player_00000"], "at=1 1");
}

TEST(Versions, MemoryOfAMillionKeys) {
  const Rows rows(1);
  std::deque<Table> shards;
  for (std::uint32_t i = 0; i < kShards; ++i) shards.emplace_back(rows.layout);
  for (int i = 0; i < 1'000'000; ++i) {
    const std::string key = fmt::format("player_{:05x}", i);
    ASSERT_EQ(key.size(), 12U);
    count(shards[shard_of(hash_key(key))], rows.layout, key);
  }
  std::size_t bytes = 0;
  for (Table& shard : shards) {
    shard.seal();
    bytes += shard.bytes();
  }
  const double each = static_cast<double>(bytes) / 1e6;
  RecordProperty("bytes_per_key", fmt::format("{:.1f}", each));
  EXPECT_LE(each, 50);
}

TEST(Versions, AreReadWhileTheTableIsWritten) {
  constexpr int kKeys = 300;
  const Rows rows(2);
  Table table(rows.layout);
  std::mutex mutex;
  std::shared_ptr<const TableVersion> published = table.seal();
  std::atomic<bool> done = false;
  // In every version the counts add up to twice the number of the epoch, and texts repeat them.
  const auto read = [&] {
    while (!done) {
      std::shared_ptr<const TableVersion> version;
      {
        const std::scoped_lock lock(mutex);
        version = published;
      }
      std::int64_t sum = 0, latest = 0;
      version->for_each([&](const Entry* entry) {
        const u32 n = static_cast<const NumberRow*>(rows.layout.row(entry, 0))->count;
        EXPECT_EQ(static_cast<const TextRow*>(rows.layout.row(entry, 1))->text.view(),
                  std::to_string(n));
        const std::string_view key = rows.layout.key(entry);
        EXPECT_EQ(version->find(key, hash_key(key)), entry);
        sum += n;
        latest = std::max(latest, entry->updated_at.ms);
      });
      EXPECT_EQ(sum, 2 * latest);
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  std::mt19937_64 random(3);
  for (std::int64_t epoch = 1; epoch <= 20'000;) {
    for (int i = 0; i < 2; ++i) {
      const std::string key = std::to_string(random() % kKeys);
      Entry* entry = table.find_or_insert(key, hash_key(key));
      const u32 n = ++static_cast<NumberRow*>(rows.layout.row(entry, 0))->count;
      const std::string text = std::to_string(n);
      static_cast<TextRow*>(rows.layout.row(entry, 1))->text = Text::view(text);
      table.mark_changed(entry, 3, {epoch});
      table.own_text();
    }
    if (random() % 5 == 0) {
      table.revert();
      continue;
    }
    auto version = table.seal();
    const std::scoped_lock lock(mutex);
    published = std::move(version);
    ++epoch;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace gameflow::state
