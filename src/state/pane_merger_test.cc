// Windows of panes, merged by the tree, against merging all of their panes one after the other.
#include "state/pane_merger.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "record/type.h"
#include "state/table.h"

namespace gameflow::state {
namespace {

struct Row {
  u32 count = 0;
  u32 last = 0;
  Text name;
};

// count: sum; last: last; name: first.
u32 merge_rows(abi::Call* call, void* const* into, const void* const* from, const u32* order,
               u32 count, abi::RecordError* errors) {
  u32 failed = 0;
  for (u32 i = 0; i < count; ++i) {
    EXPECT_EQ(order[i], abi::kFromLast);
    auto& row = *static_cast<Row*>(into[i]);
    const auto& other = *static_cast<const Row*>(from[i]);
    if (row.count + other.count >= 1'000'000) {
      static_cast<void>(call);
      errors[failed++] = {i, 0, "too many"};
      continue;
    }
    row.count += other.count;
    row.last = other.last;
  }
  return failed;
}

struct PaneMergerTest : testing::Test {
  PaneMergerTest()
      : row(types.object("", {{.name = "count", .type = types.scalar(record::Kind::kU32)},
                              {.name = "last", .type = types.scalar(record::Kind::kU32)},
                              {.name = "name", .type = types.scalar(record::Kind::kString)}})),
        layout({row}),
        merger(layout, {&merge_rows}) {}

  struct Pane {
    std::unique_ptr<Table> table;
    PaneMerger::Rows rows;
    std::map<std::string, std::pair<u32, u32>> model;  // count, last
    std::uint64_t stamp = 0;
  };

  void add(std::int64_t number, const std::string& key, u32 count, u32 last) {
    Pane& pane = panes[number];
    if (pane.table == nullptr) pane.table = std::make_unique<Table>(layout);
    Entry* const entry = pane.table->find_or_insert(key, hash_key(key));
    auto& made = *static_cast<Row*>(layout.row(entry, 0));
    const std::string name = "of " + std::to_string(number);
    if (entry->live == 0) made.name = Text::view(name);
    made.count += count;
    made.last = last;
    pane.table->mark_changed(entry, 1, {last});
    pane.table->own_text();
    pane.stamp = ++stamps;
    auto& model = pane.model[key];
    model = {model.first + count, last};
  }

  std::vector<PaneMerger::Pane> versions(std::int64_t begin, std::int64_t end) {
    std::vector<PaneMerger::Pane> all;
    for (auto at = panes.lower_bound(begin); at != panes.end() && at->first < end; ++at) {
      at->second.rows = at->second.table->seal();
      all.push_back({at->first, &at->second.rows, at->second.stamp});
    }
    return all;
  }

  void expect_window(std::int64_t begin, std::int64_t end) {
    std::vector<MergeFailure> failures;
    const auto rows = merger.merge(3, versions(begin, end), failures);
    EXPECT_TRUE(failures.empty());
    std::map<std::string, std::tuple<u32, u32, std::string>> expected, got;
    for (auto at = panes.lower_bound(begin); at != panes.end() && at->first < end; ++at) {
      for (const auto& [key, of_key] : at->second.model) {
        auto& [count, last, name] = expected[key];
        count += of_key.first;
        last = of_key.second;
        if (name.empty()) name = "of " + std::to_string(at->first);
      }
    }
    if (rows != nullptr) {
      rows->for_each([&](const Entry* entry) {
        const auto& of_key = *static_cast<const Row*>(layout.row(entry, 0));
        got[std::string(layout.key(entry))] = {of_key.count, of_key.last, of_key.name.str()};
      });
    }
    EXPECT_EQ(got, expected) << begin << " to " << end;
  }

  record::TypeTable types;
  const record::Type* row;
  Layout layout;
  PaneMerger merger;
  std::map<std::int64_t, Pane> panes;
  std::uint64_t stamps = 0;
};

TEST_F(PaneMergerTest, GivesWhatMergingAllPanesGives) {
  std::mt19937 random(7);
  const auto below = [&](unsigned end) { return random() % end; };
  for (int round = 0; round < 400; ++round) {
    const std::int64_t now = round / 4 - 50;
    // Mostly at the end of time, sometimes late, and not in every pane.
    for (unsigned i = 0; i < below(4); ++i) {
      const auto late = static_cast<std::int64_t>(below(8) == 0 ? below(12) : 0);
      if ((now - late) % 5 != 0)
        add(now - late, "key" + std::to_string(below(6)), below(9), static_cast<u32>(round));
    }
    expect_window(now - 11, now + 1);
    if (round % 3 == 0) expect_window(now - 7, now - 2);
    if (round % 10 == 0) merger.forget_before(now - 11);
  }
  EXPECT_GT(merger.bytes(), 0U);
  merger.forget_before(1'000);
  EXPECT_EQ(merger.bytes(), 0U);
}

TEST_F(PaneMergerTest, TellsWhatCannotBeMergedEachTime) {
  for (std::int64_t pane = 0; pane < 4; ++pane) {
    add(pane, "ann", 600'000, static_cast<u32>(pane));
    add(pane, "bob", 1, static_cast<u32>(pane));
  }
  for (int time = 0; time < 2; ++time) {
    std::vector<MergeFailure> failures;
    const auto rows = merger.merge(0, versions(0, 4), failures);
    ASSERT_EQ(failures.size(), 3U);
    EXPECT_EQ(failures[0].key, "ann");
    EXPECT_EQ(failures[0].reason, "too many");
    EXPECT_EQ(static_cast<const Row*>(layout.row(rows->find("bob", hash_key("bob")), 0))->count,
              4U);
  }
}

TEST_F(PaneMergerTest, SharesTheRowsOfAPaneThatIsAlone) {
  add(5, "ann", 1, 1);
  std::vector<MergeFailure> failures;
  const auto all = versions(0, 10);
  EXPECT_EQ(merger.merge(0, all, failures), *all.front().rows);
  EXPECT_EQ(merger.merge(0, versions(6, 10), failures), nullptr);
}

}  // namespace
}  // namespace gameflow::state
