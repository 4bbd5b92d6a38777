// What must not work, and what must end: the list that keeps /sql safe to offer.

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "query/query.h"
#include "query/test_util.h"
#include "record/type.h"

namespace gameflow::query {
namespace {

class HostileTest : public testing::Test {
 protected:
  HostileTest() {
    for (std::int64_t i = 0; i < 2000; ++i) test_.add(0, fmt::format("k{}", i), &i);
    test_.publish();
    EXPECT_TRUE(database_.set_table(&test_.table));
  }

  ErrorCode code_of(const std::string& sql, const Limits& limits = {}) {
    const auto answer = database_.run(sql, limits);
    EXPECT_FALSE(answer) << sql;
    return answer ? ErrorCode::kInternal : answer.error().code;
  }

  record::TypeTable types_;
  TestTable test_{"t", record::Kind::kString,
                  types_.object("row", {{"n", types_.scalar(record::Kind::kI64)}})};
  Database database_;
};

TEST_F(HostileTest, IsDenied) {
  const char* const statements[] = {
      "attach ':memory:' as x",
      "attach '/tmp/x.db' as x",
      "detach main",
      "pragma query_only = 0",
      "pragma writable_schema = 1",
      "pragma table_info(t)",
      "create table x(a)",
      "create temp table x(a)",
      "create view v as select 1",
      "create virtual table v using fts5(a)",
      "insert into t(n) values (1)",
      "update t set n = 1",
      "delete from t",
      "drop table t",
      "analyze",
      "reindex",
      "begin",
      "commit",
      "savepoint a",
      "select load_extension('x')",
      "select fts3_tokenizer('simple')",
      "select fts3_tokenizer('simple', x'0000000000000000')",
      "select printf('%.*c', 2000000000, 'x')",
      "select format('%d', 1)",
      "select PRINTF('x')",
      "select zeroblob(1000000000)",
      "select randomblob(1000000000)",
      "select sqlite_version()",
      "select sqlite_compileoption_get(1)",
      "select last_insert_rowid()",
      "select * from sqlite_schema",
      "select * from sqlite_master",
      "select count(*) from sqlite_schema",
      "select * from pragma_database_list",
      "select count(*) from pragma_compile_options",
      "select * from json_each('[1,2]')",
      "select count(*) from json_tree('{}')",
      "select n from t where printf('%s', n) = '1'",
      "with x as (select printf('%s', 1)) select * from x",
  };
  for (const char* sql : statements) EXPECT_EQ(code_of(sql), ErrorCode::kSqlDenied) << sql;
}

TEST_F(HostileTest, IsRefused) {
  std::string deep = "1";
  for (int i = 0; i < 500; ++i) deep = fmt::format("({}+1)", deep);
  std::string compound = "select 1";
  for (int i = 0; i < 20; ++i) compound += " union all select 1";
  const std::string statements[] = {
      "vacuum",
      "select * from dbstat",
      "select readfile('/etc/passwd')",
      "select writefile('/tmp/x', 'x')",
      "select edit('x')",
      "select * from generate_series(1, 10)",
      fmt::format("select {}", deep),
      compound,
      "select 1; delete from t",
      std::string("select 1\0, 2", 12),
      "select n from t indexed by x",
      "select 'unterminated",
      "explain",
  };
  for (const std::string& sql : statements) {
    const auto answer = database_.run(sql, {});
    EXPECT_FALSE(answer) << sql;
  }
  EXPECT_EQ(code_of(fmt::format("select '{}'", std::string(200'000, 'x'))), ErrorCode::kSqlLimit);
}

TEST_F(HostileTest, IsStopped) {
  Limits limits;
  limits.time_max = std::chrono::milliseconds(50);
  const char* const statements[] = {
      // No end.
      "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n",
      "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i < 0",
      // An end, in a thousand years.
      "select count(*) from t a, t b, t c, t d",
      "select count(*) from t a join t b on a.n <> b.n join t c on b.n <> c.n",
      "select a.n from t a, t b, t c where a.n + b.n + c.n < 0",
      "select (select count(*) from t b, t c where b.n > a.n) from t a where a.n < 0 or "
      "(select sum(c.n) from t b, t c, t d) > 0",
      // Much memory.
      "with recursive n(i) as (select 1 union all select i + 1 from n) "
      "select i, hex(i) from n order by hex(i)",
      "with recursive n(i) as (select 1 union select i + 1 from n) select count(*) from n",
      "select group_concat(hex(a.n)) from t a, t b, t c",
      // Quadratic functions: each call is bounded by the length of its arguments.
      "with recursive s(x) as (select 'aaaaaaaaaa' union all select x || x from s "
      "where length(x) < 40000) select sum(instr(s.x, s.x || 'b')) from s, t, t u, t v",
      "with recursive n(i) as (select 1 union all select i + 1 from n) "
      "select sum(length(replace('aaaaaaaa', 'a', 'bbbbbbbbbbbbbbb'))) from n",
  };
  for (const char* sql : statements) EXPECT_EQ(code_of(sql, limits), ErrorCode::kSqlLimit) << sql;
}

TEST_F(HostileTest, MemoryIsBounded) {
  Limits limits;
  limits.time_max = std::chrono::seconds(20);
  EXPECT_EQ(code_of("with recursive n(i) as (select 1 union all select i + 1 from n) "
                    "select i, hex(i) || hex(i) || hex(i) || hex(i) || hex(i) || hex(i) x from n "
                    "order by x",
                    limits),
            ErrorCode::kSqlLimit);
  EXPECT_EQ(code_of("with recursive s(x) as (select 'aaaaaaaaaa' union all select x || x from s) "
                    "select max(length(x)) from s",
                    limits),
            ErrorCode::kSqlLimit);
  // The connection is fine afterwards.
  const auto answer = database_.run("select count(*) from t", {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<std::int64_t>(answer->rows[0][0]), 2000);
}

TEST_F(HostileTest, PreparingIsBounded) {
  std::string sql = "with c0 as (select 1 as a)";
  for (int i = 1; i <= 40; ++i) {
    sql += fmt::format(", c{} as (select x.a from c{} x, c{} y)", i, i - 1, i - 1);
  }
  EXPECT_FALSE(database_.run(sql + " select a from c40", {}));
}

TEST_F(HostileTest, ManyStatementsDoNotPileUp) {
  for (int i = 0; i < 500; ++i) {
    const auto answer = database_.run(fmt::format("select {}, count(*) from t", i), {});
    ASSERT_TRUE(answer);
    EXPECT_EQ(std::get<std::int64_t>(answer->rows[0][0]), i);
  }
}

}  // namespace
}  // namespace gameflow::query
