// Random operations on a shard, with epochs that are committed or not, against maps.
#include "state/shard.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "record/type.h"

namespace gameflow::state {
namespace {

struct Row {
  u32 count;
};

class RandomShard {
 public:
  using Rows = std::map<std::string, u32>;
  using Windows = std::map<std::int64_t, Rows>;

  explicit RandomShard(std::uint64_t seed) : random_(seed) {}

  void run() {
    for (int epoch = 0; epoch < 60; ++epoch) {
      for (std::uint64_t i = below(40); i > 0; --i) update();
      shard_.drop_empty();
      if (below(3) == 0) {
        shard_.revert();
        model_ = committed_;
      } else {
        commit();
      }
      EXPECT_TRUE(shard_.touched().empty());
      compare();
      if (below(4) == 0) take();
    }
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void update() {
    const std::int64_t start = static_cast<std::int64_t>(below(6)) * 100;
    Table& table = shard_.touch({start}).table;
    const std::string key = fmt::format("player_{}", below(20));
    Entry* const entry = table.find_or_insert(key, hash_key(key));
    if (below(5) == 0) return;  // an operator that asks for nothing, or fails
    ++static_cast<Row*>(layout_.row(entry, 0))->count;
    table.mark_changed(entry, 1, {1});
    ++model_[start][key];
  }

  void commit() {
    std::set<std::int64_t> changed;
    shard_.commit([&](Timestamp start, std::size_t new_keys, bool was_sealed) {
      changed.insert(start.ms);
      keys_[start.ms] += new_keys;
      EXPECT_EQ(unsealed_.insert(start.ms).second, was_sealed);
    });
    for (const std::int64_t start : changed)
      EXPECT_FALSE(model_[start].empty());  // those without a row are forgotten
    committed_ = model_;
    if (below(2) == 0) seal();
  }

  void seal() {
    std::set<std::int64_t> sealed;
    shard_.seal([&](Timestamp start, const std::shared_ptr<const TableVersion>& version) {
      sealed.insert(start.ms);
      EXPECT_EQ(keys_[start.ms], version->keys());
      EXPECT_EQ(rows_of(*version), model_[start.ms]);
    });
    EXPECT_EQ(sealed, unsealed_);
    shard_.set_sealed();
    unsealed_.clear();
  }

  void take() {
    if (committed_.empty()) return;
    const std::int64_t start = committed_.begin()->first;
    const auto window = shard_.take({start});
    ASSERT_NE(window, nullptr);
    EXPECT_EQ(rows_of(*window->table.seal()), committed_[start]);
    for (auto* windows : {&model_, &committed_}) windows->erase(start);
    keys_.erase(start);
    unsealed_.erase(start);
    EXPECT_EQ(shard_.take({start}), nullptr);
    compare();
  }

  void compare() {
    std::size_t rows = 0;
    for (std::int64_t start = 0; start < 600; start += 100) {
      const Shard::Window* const window = shard_.find({start});
      const auto expected = committed_.find(start);
      ASSERT_EQ(window != nullptr, expected != committed_.end()) << start;
      if (window == nullptr) continue;
      EXPECT_EQ(rows_of(*window->table.peek()), expected->second) << start;
      rows += expected->second.size();
    }
    EXPECT_EQ(shard_.rows(0), rows);
    EXPECT_EQ(shard_.bytes() == 0, committed_.empty());
  }

  Rows rows_of(const TableVersion& version) const {
    Rows rows;
    version.for_each([&](const Entry* entry) {
      if (entry->live != 0)
        rows[std::string(layout_.key(entry))] =
            static_cast<const Row*>(layout_.row(entry, 0))->count;
    });
    return rows;
  }

  std::mt19937_64 random_;
  record::TypeTable types_;
  Layout layout_{
      {types_.object("row", {{.name = "count", .type = types_.scalar(record::Kind::kU32)}})}};
  Shard shard_{layout_};
  Windows model_, committed_;
  std::set<std::int64_t> unsealed_;
  std::map<std::int64_t, std::size_t> keys_;
};

TEST(Shard, RandomEpochsLeaveWhatWasCommitted) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE(seed);
    RandomShard(seed).run();
  }
}

}  // namespace
}  // namespace gameflow::state
