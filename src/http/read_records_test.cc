#include "http/read_records.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/memory/memory_store.h"

namespace gameflow::http {
namespace {

TEST(ContainsIgnoringCase, Table) {
  struct Case {
    std::string_view text, part;
    bool found;
  };
  const Case cases[] = {
      {"", "", true},           {"a", "", true},
      {"", "a", false},         {"Player_7", "PLAYER", true},
      {"aab", "ab", true},      {"ab", "abc", false},
      {"abc", "abc", true},     {"x[", "x{", false},
      {"GRÖSSE", "öss", false}, {"GRÖSSE", "Össe", true},
  };
  for (const Case& c : cases)
    EXPECT_EQ(contains_ignoring_case(c.text, c.part), c.found) << c.text << " " << c.part;
}

class ReadRecords : public testing::Test {
 protected:
  ReadRecords() : store_(log::make_memory_store(clock_, {})) {
    log::TopicConfig config;
    config.name = "t";
    topic_ = store_->create_topic(config)->id;
    for (int batch = 0; batch < 10; ++batch) {
      log::Commit commit;
      log::Append append{topic_, 0, {}};
      for (int i = 0; i < 10; ++i)
        append.batch.add(Timestamp{1}, fmt::format("Key-{}", batch),
                         fmt::format("{{\"n\":{}}}", i));
      commit.appends.push_back(std::move(append));
      EXPECT_TRUE(store_->commit(std::move(commit)));
    }
  }

  // "number of records up to next offset"
  std::string read(RecordQuery query) {
    std::string out;
    if (query.bytes_max == 0) query.bytes_max = 1'000'000;
    if (query.scan_max == 0) query.scan_max = 1'000'000;
    const auto next = read_records(*store_, topic_, query, out);
    if (!next) return next.error().message;
    return fmt::format("{} up to {}", std::ranges::count(out, '\n'), next->value);
  }

  ManualClock clock_{Timestamp{1'731'406'530'000}};
  std::unique_ptr<log::MemoryStore> store_;
  log::TopicId topic_;
};

TEST_F(ReadRecords, Limits) {
  using log::Offset;
  EXPECT_EQ(read({.from = Offset{0}, .end = Offset{1000}, .limit = 1000}), "100 up to 100");
  EXPECT_EQ(read({.from = Offset{7}, .end = Offset{1000}, .limit = 5}), "5 up to 12");
  EXPECT_EQ(read({.from = Offset{7}, .end = Offset{9}, .limit = 5}), "2 up to 9");
  EXPECT_EQ(read({.from = Offset{100}, .end = Offset{1000}, .limit = 5}), "0 up to 100");
  EXPECT_EQ(read({.from = Offset{0}, .end = Offset{1000}, .limit = 0}), "0 up to 0");
  EXPECT_EQ(read({.from = Offset{0}, .end = Offset{1000}, .limit = 1000, .bytes_max = 1}),
            "1 up to 1");
}

TEST_F(ReadRecords, ASearchLooksAtKeysAndValuesAndGoesOnWhereItWas) {
  using log::Offset;
  EXPECT_EQ(read({.from = Offset{0}, .end = Offset{1000}, .limit = 1000, .contains = "KEY-3"}),
            "10 up to 100");
  EXPECT_EQ(read({.from = Offset{0}, .end = Offset{50}, .limit = 1000, .contains = "\"n\":7}"}),
            "5 up to 50");
  EXPECT_EQ(read({.from = Offset{0}, .end = Offset{100}, .limit = 2, .contains = "\"n\":7}"}),
            "2 up to 18");
  // Seven bytes each: nothing of it, but a place from where to go on.
  EXPECT_EQ(
      read({.from = Offset{0}, .end = Offset{100}, .limit = 2, .contains = "x", .scan_max = 70}),
      "0 up to 10");
}

}  // namespace
}  // namespace gameflow::http
