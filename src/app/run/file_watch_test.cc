#include "app/run/file_watch.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace gameflow::app {
namespace {

namespace fs = std::filesystem;

class Watch : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / fs::path(testing::TempDir()).filename() /
        ("gameflow-watch-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
         testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const char* name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  fs::path folder_;
};

TEST_F(Watch, TellsAChangeOnceItHasSettled) {
  const std::string a = write("a", "1"), b = write("b", "1");
  FileWatch watch({a, b});
  EXPECT_FALSE(watch.has_changed());
  EXPECT_FALSE(watch.has_changed());
  write("b", "22");
  EXPECT_FALSE(watch.has_changed());  // somebody may still be writing
  write("b", "333");
  EXPECT_FALSE(watch.has_changed());
  EXPECT_TRUE(watch.has_changed());
  EXPECT_FALSE(watch.has_changed());
}

TEST_F(Watch, SeesAFileThatTookThePlaceOfAnother) {
  const std::string a = write("a", "1");
  FileWatch watch({a});
  fs::rename(write("new", "2"), a);
  EXPECT_FALSE(watch.has_changed());
  EXPECT_TRUE(watch.has_changed());
}

TEST_F(Watch, WaitsForAFileThatIsMissing) {
  const std::string a = write("a", "1");
  FileWatch watch({a});
  fs::remove(a);
  EXPECT_FALSE(watch.has_changed());
  EXPECT_FALSE(watch.has_changed());
  write("a", "22");
  EXPECT_FALSE(watch.has_changed());
  EXPECT_TRUE(watch.has_changed());
}

TEST_F(Watch, OtherFilesBeginAsTheyAre) {
  const std::string a = write("a", "1"), b = write("b", "1");
  FileWatch watch({a});
  write("b", "22");
  watch.watch({a, b});
  EXPECT_FALSE(watch.has_changed());
  EXPECT_FALSE(watch.has_changed());
}

TEST_F(Watch, OtherFilesThatAreFollowedAreAChange) {
  const std::string a = write("a", "1"), b = write("b", "1");
  FileWatch watch({a});
  const auto changes = [&](std::vector<std::string> files) {
    std::string told;
    for (int look = 0; look < 3; ++look) {
      watch.follow(files);
      told += watch.has_changed() ? '!' : '.';
    }
    return told;
  };
  EXPECT_EQ(changes({a}), "...");
  EXPECT_EQ(changes({a, b}), "!..");
  EXPECT_EQ(changes({a}), "!..");
  EXPECT_EQ(changes({}), "!..");
  EXPECT_EQ(changes({a}), "!..");
  write("a", "22");
  EXPECT_EQ(changes({a}), ".!.");
}

}  // namespace
}  // namespace gameflow::app
