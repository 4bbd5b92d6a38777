#include <gtest/gtest.h>

#include "app/listen_address.h"
#include "app/open_files.h"
#include "app/table.h"
#include "app/terminal.h"

namespace gameflow::app {
namespace {

TEST(ListenAddress, Texts) {
  struct Case {
    const char* text;
    const char* written;  // null: not an address
    bool loopback;
  };
  for (const Case& c :
       {Case{"127.0.0.1:3001", "127.0.0.1:3001", true}, Case{"127.9.9.9:0", "127.9.9.9:0", true},
        Case{"localhost:80", "127.0.0.1:80", true}, Case{"[::1]:3001", "[::1]:3001", true},
        Case{"0.0.0.0:3001", "0.0.0.0:3001", false}, Case{"[::]:3001", "[::]:3001", false},
        Case{"192.168.1.5:1", "192.168.1.5:1", false}, Case{"3001", nullptr, false},
        Case{":3001", nullptr, false}, Case{"127.0.0.1:", nullptr, false},
        Case{"127.0.0.1:70000", nullptr, false}, Case{"127.0.0.1:80x", nullptr, false},
        Case{"::1:80", nullptr, false}, Case{"example.org:80", nullptr, false},
        Case{"", nullptr, false}}) {
    SCOPED_TRACE(c.text);
    const auto address = parse_listen_address(c.text);
    ASSERT_EQ(address.has_value(), c.written != nullptr);
    if (!address) continue;
    EXPECT_EQ(to_string(*address), c.written);
    EXPECT_EQ(is_loopback(*address), c.loopback);
  }
}

TEST(OpenFiles, TheStoreHasItsShare) {
  struct Case {
    std::uint64_t limit;
    std::uint32_t connections, tables;
  };
  for (const Case& c :
       {Case{1U << 20, 20'000, 512}, Case{20'000, 17'440, 512}, Case{4096, 2560, 512},
        Case{1024, 512, 256}, Case{256, 128, 64}, Case{0, 1, 1}}) {
    const OpenFiles files = share_open_files(c.limit, {.connections = 20'000, .tables = 512});
    EXPECT_EQ(files.connections, c.connections) << c.limit;
    EXPECT_EQ(files.tables, c.tables) << c.limit;
  }
}

TEST(Terminal, Numbers) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(with_unit(1023), "1023 B");
  EXPECT_EQ(with_unit(1536), "1.5 KiB");
  EXPECT_EQ(with_unit(3U << 30), "3.0 GiB");
}

TEST(TextTable, AlignsAndKeepsControlCharactersOut) {
  TextTable table({"NAME", "N"});
  table.align_right({1});
  table.add({"größe", "5"});
  table.add({"a\x1b[31m\nb", "1000"});
  EXPECT_EQ(table.str(),
            "NAME         N\n"
            "größe        5\n"
            "a [31m b  1000\n");
}

}  // namespace
}  // namespace gameflow::app
