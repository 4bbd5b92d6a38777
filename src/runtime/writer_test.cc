#include "runtime/writer.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "log/partitioning.h"

namespace gameflow::runtime {
namespace {

constexpr Target kOne{{1}, 1}, kThree{{2}, 3};

// "1/0: a b" for each append, in order.
std::vector<std::string> texts_of(std::vector<log::Append>& appends) {
  std::vector<std::string> texts;
  for (log::Append& append : appends) {
    std::string& text = texts.emplace_back(std::to_string(append.topic.value) + "/" +
                                           std::to_string(append.partition) + ":");
    const auto batch = append.batch.finish({0});
    for (std::size_t i = 0; i < batch->size(); ++i) text += " " + std::string((*batch)[i].value);
  }
  return texts;
}

TEST(Writer, KeysChooseTheirPartitionAndOthersAreSpread) {
  Writer writer;
  const std::uint32_t of_ann = log::partition_of("ann", 3);
  writer.add(kThree, of_ann + 1, {0}, "ann", "keyed");
  writer.add(kThree, of_ann + 4, {0}, std::nullopt, "spread");
  std::vector<log::Append> appends;
  writer.move_to(appends);
  ASSERT_EQ(appends.size(), 2U);
  EXPECT_EQ(appends[0].partition, of_ann);
  EXPECT_EQ(appends[1].partition, (of_ann + 1) % 3);
}

TEST(Writer, APartitionKeepsTheOrderInWhichRecordsWereAdded) {
  Writer first, second;
  first.add(kOne, 0, {0}, std::nullopt, "a");
  first.add(kThree, 2, {0}, std::nullopt, "x");
  first.add(kOne, 0, {0}, std::nullopt, "b");
  second.add(kOne, 0, {0}, std::nullopt, "c");
  first.append(std::move(second));
  first.add(kOne, 0, {0}, std::nullopt, "d");  // behind what was appended, not into the first batch
  EXPECT_EQ(first.bytes(), 5U);
  std::vector<log::Append> appends;
  first.move_to(appends);
  EXPECT_EQ(texts_of(appends), (std::vector<std::string>{"1/0: a b", "2/2: x", "1/0: c d"}));
}

TEST(Writer, ThereIsNothingLeftOfWhatWasMoved) {
  Writer from, to;
  from.add(kOne, 0, {0}, std::nullopt, "a");
  to.append(std::move(from));
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): append() says so
  std::vector<log::Append> appends;
  to.move_to(appends);
  EXPECT_TRUE(to.empty());
  to.add(kOne, 0, {0}, std::nullopt, "b");
  to.move_to(appends);
  EXPECT_EQ(texts_of(appends), (std::vector<std::string>{"1/0: a", "1/0: b"}));
}

}  // namespace
}  // namespace gameflow::runtime
