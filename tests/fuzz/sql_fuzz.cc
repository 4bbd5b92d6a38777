// A person's statement, over a table `t` (n u32, name string?) of 100 rows.
#include <chrono>
#include <cstdint>
#include <string>

#include "fuzz.h"
#include "query/query.h"
#include "query/test_util.h"
#include "record/type.h"

namespace gameflow::query {
namespace {

using fuzz::must;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTimeMax{20};
constexpr std::chrono::seconds kTimeMost{5};  // a sanitizer and a busy machine in between

struct Row {
  std::uint32_t n;
};

struct World {
  World()
      : rows("t", record::Kind::kString,
             types.object("row", {{"n", types.scalar(record::Kind::kU32)}})) {
    for (std::uint32_t i = 0; i < 100; ++i) {
      const Row row{i};
      rows.add(0, "key" + std::to_string(i), &row);
    }
    rows.publish();
    must(database.set_table(&rows.table).has_value(), "the table is one");
  }

  record::TypeTable types;
  TestTable rows;
  Database database;
};

void run(std::string_view sql) {
  static World world;
  const Limits limits{.time_max = kTimeMax, .rows_max = 100, .bytes_max = 1U << 16};
  const auto begun = Clock::now();
  const auto answer = world.database.run(sql, limits);
  must(Clock::now() - begun < kTimeMost, "a statement keeps to its time");
  if (!answer) {
    must(!answer.error().message.empty(), "a mistake has a message");
    return;
  }
  must(answer->rows.size() <= limits.rows_max, "an answer keeps to its rows");
  for (const auto& row : answer->rows)
    must(row.size() == answer->columns.size(), "a row has a value for each column");
  const auto still = world.database.run("select count(*) from t", {});
  must(still && std::get<std::int64_t>(still->rows[0][0]) == 100, "nothing was changed");
}

}  // namespace
}  // namespace gameflow::query

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  gameflow::query::run(gameflow::fuzz::text_of(data, size));
  return 0;
}
