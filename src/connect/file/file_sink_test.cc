#include "connect/file/file_sink.h"

#include <csignal>

#include <sys/resource.h>

#include "connect/file/file_test_util.h"
#include "connect/support/settings_test_util.h"

namespace gameflow::connect {
namespace {

class FileSinkTest : public FolderTest {
 protected:
  using Values = std::initializer_list<std::pair<std::string, Settings::Value>>;
  std::optional<Positions> open(Values values = {}) {
    sink.reset();
    Settings settings = settings_of(kFileSink, values);
    settings.set("path", path("out/sales"));
    sink = kFileSink.make_sink(settings, host);
    return sink->open();
  }
  std::vector<Refused> write(std::uint64_t offset, std::string_view value,
                             std::optional<std::string_view> key = std::nullopt) {
    const Delivery record{.topic = "sales",
                          .partition = 1,
                          .offset = offset,
                          .timestamp_ms = 5,
                          .key = key,
                          .value = value};
    return sink->write({&record, 1});
  }
  void commit(std::uint64_t next) { sink->commit({{{"sales", 1}, next}}); }
  static Positions at(std::uint64_t next) { return {{{"sales", 1}, next}}; }

  TestHost host;
  std::unique_ptr<Sink> sink;
};

TEST_F(FileSinkTest, WhatWasNotCommittedIsCutOff) {
  EXPECT_EQ(open(), std::nullopt);
  write(0, std::string(2 << 20, '1'));
  EXPECT_EQ(open(), std::nullopt);
  write(0, "{\"a\":\n1}");
  commit(1);
  write(1, std::string(2 << 20, '1'));
  EXPECT_EQ(open(), at(1));
  EXPECT_EQ(content("out/sales-00000001.ndjson.part"), "{\"a\": 1}\n");
  write(1, "2");
  commit(2);
  EXPECT_EQ(open(), at(2));
  EXPECT_EQ(content("out/sales-00000001.ndjson.part"), "{\"a\": 1}\n2\n");
}

TEST_F(FileSinkTest, Rotates) {
  open({{"rotate-bytes", std::int64_t{4}}});
  write(0, "11");
  commit(1);
  write(1, "22");
  commit(2);
  write(2, "33");
  commit(3);
  EXPECT_EQ(content("out/sales-00000001.ndjson"), "11\n22\n");
  EXPECT_EQ(content("out/sales-00000002.ndjson.part"), "33\n");
  // A crash between the new position and the name.
  std::filesystem::rename(path("out/sales-00000001.ndjson"),
                          path("out/sales-00000001.ndjson.part"));
  EXPECT_EQ(open(), at(3));
  EXPECT_EQ(content("out/sales-00000001.ndjson"), "11\n22\n");
  std::filesystem::remove(path("out/sales.position"));
  EXPECT_EQ(open(), std::nullopt);
  write(3, "44");
  commit(4);
  EXPECT_EQ(content("out/sales-00000003.ndjson.part"), "44\n");
}

TEST_F(FileSinkTest, WritesRecords) {
  open({{"output", "record"}});
  write(7, "{}", "k\"");
  write(8, "1");
  commit(9);
  EXPECT_EQ(content("out/sales-00000001.ndjson.part"),
            R"({"topic":"sales","partition":1,"offset":7,"timestamp_ms":5,"key":"k\"","value":{}})"
            "\n"
            R"({"topic":"sales","partition":1,"offset":8,"timestamp_ms":5,"key":null,"value":1})"
            "\n");
}

TEST_F(FileSinkTest, RefusesWhatIsNoJson) {
  open();
  EXPECT_EQ(write(0, "no json").size(), 1U);
}

TEST_F(FileSinkTest, SaysWhatIsWrongWithItsFiles) {
  open();
  write(0, "11");
  commit(1);
  std::filesystem::resize_file(path("out/sales-00000001.ndjson.part"), 1);
  EXPECT_THROW(open(), std::runtime_error);
  std::ofstream(path("out/sales.position")) << "{";
  EXPECT_THROW(open(), std::runtime_error);
}

TEST_F(FileSinkTest, WritesAloneThere) {
  open();
  const std::unique_ptr<Sink> first = std::move(sink);
  EXPECT_THROW(open(), Retry);
}

}  // namespace
}  // namespace gameflow::connect
