#include "query/clock_use.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow::query {
namespace {

TEST(ClockUse, IsSeenAsItIsWritten) {
  struct Row {
    std::string sql;
    bool is_seen;
  };
  const Row rows[] = {
      {"select strftime('%s','now')", true},
      {"select strftime('%s')", true},
      {"select strftime ( '%s' )", true},
      {"select DateTime('NOW')", true},
      {"select \"date\"('now')", true},
      {"select date()", true},
      {"select time(/* now */)", true},
      {"select unixepoch()", true},
      {"select julianday(coalesce(null, 'Now'))", true},
      {"select date('now', '-1 day')", true},
      {"select case when 1 then 2 else datetime('now') end", true},
      {"select strftime('%H:%M', at / 1000, 'unixepoch')", false},
      {"select strftime('%H', max(a, b))", false},
      {"select date(at)", false},
      {"select date, time from t where state = 'now'", false},
      {"select 'date(' || 'now' || ')'", false},
      {"select date(at) -- date('now')\n", false},
      {"select lower('now')", false},
      {"select date(", false},
      {"", false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(std::ranges::any_of(time_calls(row.sql), asks_for_now), row.is_seen) << row.sql;
  const std::string nested = "select 1, date(x, time(y)) from t";
  EXPECT_EQ(time_calls(nested), (std::vector<std::string_view>{"date(x, time(y))", "time(y)"}));
}

}  // namespace
}  // namespace gameflow::query
