#include "connect/file/file_source.h"

#include <algorithm>
#include <random>

#include <zlib.h>

#include "connect/file/file_test_util.h"
#include "connect/support/settings_test_util.h"

namespace gameflow::connect {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;
using Values = std::initializer_list<std::pair<std::string, Settings::Value>>;

class FileSourceTest : public FolderTest {
 protected:
  void open(Values values) {
    settings = settings_of(kFileSource, values);
    reopen();
  }
  // As after a crash.
  void reopen() {
    source = kFileSource.make_source(settings, host);
    source->open(position);
  }
  // Waits until so many have come, or, with 0, takes what there is.
  Lines take(std::size_t count = 0, std::size_t bytes_max = 1 << 20) {
    Lines lines;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (true) {
      const Batch batch = source->poll(count > 0 ? 100ms : 0ms, bytes_max);
      for (const Record& record : batch.records) lines.push_back(record.value);
      position = batch.position;
      if (batch.records.empty() && (lines.size() >= count)) return lines;
      if (std::chrono::steady_clock::now() > deadline) return lines;
    }
  }
  void pack(std::string_view name, std::string_view bytes, const char* mode = "wb") const {
    const gzFile file = gzopen(path(name).c_str(), mode);
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
  }

  TestHost host;
  Settings settings;
  std::unique_ptr<Source> source;
  std::string position;
};

TEST_F(FileSourceTest, HandsOutWholeLinesOnceAndGoesOnWhereItStood) {
  append("a.log", "1\n2\n{\"half");
  open({{"path", path("a.log")}});
  EXPECT_EQ(take(), (Lines{"1", "2"}));
  EXPECT_EQ(source->lag(), 6U);
  append("a.log", "\":1}\r\n\n4\n");
  EXPECT_EQ(take(), (Lines{"{\"half\":1}", "4"}));
  EXPECT_EQ(source->lag(), 0U);
  reopen();
  EXPECT_EQ(take(), Lines());
  append("a.log", "5\n");
  reopen();
  EXPECT_EQ(take(), (Lines{"5"}));
}

TEST_F(FileSourceTest, FindsFilesThatAppear) {
  open({{"path", path("*.log")}});
  EXPECT_EQ(take(), Lines());
  EXPECT_EQ(host.told.size(), 1U);
  append("a.log", "1\n");
  append("b.txt", "no\n");
  EXPECT_EQ(take(), Lines{"1"});
  append("c.log", "2\n");
  EXPECT_EQ(take(), Lines{"2"});
}

TEST_F(FileSourceTest, FollowsAFileThatIsRenamed) {
  append("a.log", "1\n");
  open({{"path", path("a.log")}});
  EXPECT_EQ(take(), Lines{"1"});
  append("a.log", "2\n");
  std::filesystem::rename(path("a.log"), path("a.log.1"));
  append("a.log", "3\n");
  append("a.log.1", "late\n");
  EXPECT_EQ(take().size(), 3U);
  // Renamed while nobody looked: found by what it is, although the pattern does not name it.
  append("a.log", "4\n");
  std::filesystem::rename(path("a.log"), path("a.log.1"));
  append("a.log", "5\n");
  reopen();
  EXPECT_EQ(take().size(), 2U);
}

TEST_F(FileSourceTest, ReadsACopyThatRotationLeftOnlyBehindWhatItKnows) {
  append("a.log", "1\n2\n");
  open({{"path", path("a.log*")}});
  EXPECT_EQ(take(), (Lines{"1", "2"}));
  append("a.log", "3\n");
  std::filesystem::copy_file(path("a.log"), path("a.log.1"));
  std::filesystem::resize_file(path("a.log"), 0);
  append("a.log", "4\n");
  EXPECT_EQ(take(2).size(), 2U);
  std::filesystem::rename(path("a.log.1"), path("a.log.2"));
  std::filesystem::copy_file(path("a.log"), path("a.log.1"));
  std::filesystem::resize_file(path("a.log"), 0);
  reopen();
  EXPECT_EQ(take(), Lines());
  EXPECT_EQ(host.told, Lines());
}

TEST_F(FileSourceTest, TellsWhatIsLost) {
  append("a.log", "1\n2\n");
  open({{"path", path("a.log")}});
  take();
  std::filesystem::remove(path("a.log"));
  append("a.log", "new\n");
  reopen();
  EXPECT_EQ(take(), Lines{"new"});
  ASSERT_EQ(host.told.size(), 1U);
  EXPECT_NE(host.told[0].find("byte 4"), std::string::npos) << host.told[0];
}

TEST_F(FileSourceTest, LeavesOutLinesOverTheLimit) {
  append("a.log", "1\n" + std::string(1 << 20, 'x') + "\n2\n" + std::string(11, 'y') + "\n3\n");
  open({{"path", path("a.log")}, {"record-max", std::int64_t{10}}});
  EXPECT_EQ(take(), (Lines{"1", "2", "3"}));
  ASSERT_EQ(host.told.size(), 1U);
  EXPECT_NE(host.told[0].find("2 lines"), std::string::npos) << host.told[0];
}

TEST_F(FileSourceTest, KeepsBatchesNearTheirSize) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "\"0123456789\"\n";
  append("a.log", text);
  open({{"path", path("a.log")}});
  EXPECT_EQ(source->poll(0ms, 100).records.size(), 9U);
}

TEST_F(FileSourceTest, Unpacks) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + '\n';
  pack("a.gz", text);
  pack("a.gz", "second member\nno end", "ab");
  open({{"path", path("*.gz")}});
  Lines lines;
  for (int i = 0; i < 5; ++i) {
    const Batch batch = source->poll(0ms, 1000);
    for (const Record& record : batch.records) lines.push_back(record.value);
    position = batch.position;
    reopen();
  }
  const Lines rest = take();
  lines.insert(lines.end(), rest.begin(), rest.end());
  ASSERT_EQ(lines.size(), 100'002U);
  EXPECT_EQ(lines[54'321], "54321");
  EXPECT_EQ(lines.back(), "no end");
  reopen();
  EXPECT_EQ(take(), Lines());
}

TEST_F(FileSourceTest, WaitsForAGzipFileThatIsBeingWrittenAndLeavesADamagedOne) {
  std::string text;
  std::mt19937 random(7);
  for (int i = 0; i < 10'000; ++i) text += std::to_string(random()) + '\n';
  pack("whole", text);
  const std::string whole = content("whole");
  append("a.gz", whole.substr(0, whole.size() / 2));
  append("b.gz", "this is no gzip file");
  open({{"path", path("*.gz")}});
  const std::size_t before = take().size();
  EXPECT_GT(before, 1'000U);
  append("a.gz", whole.substr(whole.size() / 2));
  EXPECT_EQ(before + take(10'000 - before).size(), 10'000U);
  ASSERT_EQ(host.told.size(), 1U);
  EXPECT_NE(host.told[0].find("b.gz is no sound gzip file"), std::string::npos) << host.told[0];
}

TEST_F(FileSourceTest, ReadsCsv) {
  append("a.csv",
         "id,name,price,zip,bot\n"
         "1,\"a \"\"b\"\", c\",1.50,007,true\r\n"
         "2,\"two\nlines\",,7,no\n"
         "3,short\n"
         "-4,x,1e3,8,false\n");
  open({{"path", path("a.csv")}, {"format", "csv"}, {"types", Settings::Map{{"zip", "text"}}}});
  EXPECT_EQ(take(), (Lines{R"({"id":1,"name":"a \"b\", c","price":1.50,"zip":"007","bot":true})",
                           R"({"id":2,"name":"two\u000alines","zip":"7","bot":"no"})",
                           R"({"id":-4,"name":"x","price":1e3,"zip":"8","bot":false})"}));
  ASSERT_EQ(host.told.size(), 1U);
  EXPECT_NE(host.told[0].find("it has 2 cells, the header 5"), std::string::npos);
  append("a.csv", "5,y,0,9,true\n");
  reopen();
  const Batch batch = source->poll(0ms, 1000);
  ASSERT_EQ(batch.records.size(), 1U);
  EXPECT_EQ(batch.records[0].value, R"({"id":5,"name":"y","price":0,"zip":"9","bot":true})");
}

TEST_F(FileSourceTest, SaysWhatIsWrongWithAHeaderAndReadsTheOthers) {
  append("a.csv", "id,id\n1,2\n");
  append("b.csv", "id\n1\n");
  open({{"path", path("*.csv")}, {"format", "csv"}});
  EXPECT_EQ(take(), Lines{R"({"id":1})"});
  EXPECT_EQ(host.told,
            Lines{path("a.csv") + ": the header names 'id' twice; the rest of it is left out"});
}

TEST_F(FileSourceTest, RefusesAPositionThatIsNotItsOwn) {
  position = "{\"a\":1}";
  EXPECT_THROW(open({{"path", path("a.csv")}}), std::runtime_error);
}

// Appends, rotations of both ways and restarts in any order: each line comes once.
TEST_F(FileSourceTest, AnyOrderOfRotationsAndRestarts) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      std::filesystem::remove_all(entry);
    position.clear();
    open({{"path", path("a.log*")}});
    std::vector<int> times;
    int rotations = 0;
    std::string half;
    for (int step = 0; step < 120; ++step) {
      const unsigned what = random() % 10;
      if (what < 5) {
        const std::string line = "\"line " + std::to_string(times.size()) + "\"\n";
        times.push_back(0);
        const std::size_t cut = random() % line.size();
        append("a.log", half + line.substr(0, cut));
        half = line.substr(cut);
      } else if (what < 8) {
        for (const std::string& line : take(0, 1 + random() % 100))
          ++times.at(static_cast<std::size_t>(std::stoi(line.substr(6))));
        if (random() % 2 == 0) reopen();
      } else if (std::filesystem::exists(path("a.log"))) {
        append("a.log", half);
        half.clear();
        const std::string old = "a.log." + std::to_string(++rotations);
        if (what == 8) {
          std::filesystem::rename(path("a.log"), path(old));
        } else {
          std::filesystem::copy_file(path("a.log"), path(old));
          if (random() % 2 == 0)
            for (const std::string& line : take())
              ++times.at(static_cast<std::size_t>(std::stoi(line.substr(6))));
          std::filesystem::resize_file(path("a.log"), 0);
        }
      }
    }
    append("a.log", half);
    const auto missing = static_cast<std::size_t>(std::count(times.begin(), times.end(), 0));
    for (const std::string& line : take(missing))
      ++times.at(static_cast<std::size_t>(std::stoi(line.substr(6))));
    EXPECT_EQ(times, std::vector<int>(times.size(), 1));
    for (const std::string& line : host.told) EXPECT_EQ(line.find("no file is named"), 0U) << line;
    host.told.clear();
    source.reset();
  }
}

}  // namespace
}  // namespace gameflow::connect
