#include "query/page.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "query/test_util.h"
#include "record/type.h"

namespace gameflow::query {
namespace {

using std::chrono::steady_clock;

struct Row {
  std::int64_t n = 0;
};

class PageTest : public testing::Test {
 protected:
  PageTest() {
    const auto* row = types_.object("", {{"n", types_.scalar(record::Kind::kI64)}});
    test_ = std::make_unique<TestTable>("t", record::Kind::kString, row, 3);
    test_->table.constant_names = {"_window_start"};
    std::mt19937 random(7);
    // Segments need not lie in order of time.
    for (std::size_t s = 0; s < 3; ++s) {
      const std::int64_t start = std::array{20, 0, 10}[s];
      test_->table.segments[s].constants = {start};
      for (int i = 0; i < 200; ++i) {
        const std::string key = fmt::format("k{}", random() % 500);
        const PagePlace place{start, key};
        if (std::ranges::find(all_, place) != all_.end()) continue;
        test_->add(s, key, &row_);
        all_.push_back(place);
      }
    }
    test_->publish();
    std::ranges::sort(all_, [](const PagePlace& a, const PagePlace& b) {
      return std::tie(a.start, a.key) < std::tie(b.start, b.key);
    });
  }

  std::vector<PagePlace> page(const PageQuery& query) {
    return page_of(test_->table, query, steady_clock::now() + std::chrono::hours(1)).value();
  }

  record::TypeTable types_;
  const Row row_;
  std::unique_ptr<TestTable> test_;
  std::vector<PagePlace> all_;
};

TEST_F(PageTest, PagesAreTheRowsInOrder) {
  for (const std::size_t limit : {1, 7, 100, 1000}) {
    std::vector<PagePlace> seen;
    for (std::vector<PagePlace> next;
         !(next = page(
               {.after = seen.empty() ? std::optional<PagePlace>() : seen.back(), .limit = limit}))
              .empty();)
      seen.insert(seen.end(), next.begin(), next.end());
    EXPECT_EQ(seen, all_) << limit;
  }
}

TEST_F(PageTest, PrefixAndStart) {
  std::vector<PagePlace> wanted;
  std::ranges::copy_if(all_, std::back_inserter(wanted), [](const PagePlace& place) {
    return place.start == 10 && place.key.starts_with("k1");
  });
  EXPECT_EQ(page({.prefix = "k1", .start = 10, .limit = 1000}), wanted);
  EXPECT_TRUE(page({.start = 11, .limit = 1000}).empty());
}

TEST_F(PageTest, Deadline) {
  for (int i = 0; i < 20'000; ++i) test_->add(0, fmt::format("more{}", i), &row_);
  test_->publish();
  const auto late = page_of(test_->table, {.start = 20, .limit = 10}, steady_clock::time_point{});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kSqlLimit);
}

}  // namespace
}  // namespace gameflow::query
