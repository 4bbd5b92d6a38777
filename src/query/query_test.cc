#include "query/query.h"

#include <chrono>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <gameflow/key.h>

#include "query/test_util.h"
#include "record/arena.h"

namespace gameflow::query {
namespace {

using record::BlockArena;
using record::Kind;
using record::TypeTable;

std::string show(const Value& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return "NULL";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* digits = std::get_if<Digits>(&value)) return digits->text;
  return std::get<std::string>(value);
}

// "1,a;2,b" for two rows.
std::string show(const Answer& answer) {
  std::string out;
  for (const auto& row : answer.rows) {
    if (!out.empty()) out += ';';
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) out += ',';
      out += show(row[i]);
    }
  }
  return out;
}

Table make_table(std::string name, Kind key, const record::Type* row) {
  Table table;
  table.name = std::move(name);
  table.key = key;
  table.row = row;
  return table;
}

struct CountRow {
  u32 count;
  f64 amount;
  Text team;
};

const record::Type* count_row(TypeTable& types) {
  return types.object("count-row", {{"count", types.scalar(Kind::kU32)},
                                    {"amount", types.scalar(Kind::kF64)},
                                    {"team", types.scalar(Kind::kString)}});
}

// Two windows of players, a table of every kind of column, and three of other keys.
class QueryTest : public testing::Test {
 protected:
  QueryTest() {
    players_.constant_names = {"_window_start", "_window_closed"};
    players_.segments[0].constants = {5000, 0};
    players_.segments[1].constants = {7500, 0};
    players_.segments[2].constants = {0, 1};
    add(0, "ann", 3, 1.5, "red");
    add(0, "bob", 7, 2.5, "blue");
    add(2, "ann", 10, 0.25, "red");
    add(2, "cyd", 1, 4.0, "");
    EXPECT_TRUE(database_.set_table(&players_));
  }

  void add(std::size_t segment, Text key, u32 count, f64 amount, Text team) {
    const CountRow row{count, amount, team};
    test_.add(segment, key, &row, Timestamp{1000 + count});
    test_.publish();
  }

  std::string run(std::string_view sql) {
    const auto answer = database_.run(sql, limits_);
    return answer ? show(*answer)
                  : std::string(to_string(answer.error().code)) + ": " + answer.error().message;
  }

  TypeTable types_;
  TestTable test_{"players", Kind::kString, count_row(types_), 3};  // the second stays empty
  Table& players_ = test_.table;
  Database database_;
  Limits limits_;
};

TEST_F(QueryTest, Select) {
  struct Case {
    const char* name;
    const char* sql;
    const char* want;
  };
  const Case cases[] = {
      {"all columns, in the table's order", "select * from players limit 2",
       "ann,3,1.5,red,1003,5000,0;bob,7,2.5,blue,1007,5000,0"},
      {"every segment, empty ones too", "select _key, _window_start from players",
       "ann,5000;bob,5000;ann,0;cyd,0"},
      {"names without case", "select _KEY from Players where COUNT = 7", "bob"},
      {"empty text is not NULL", "select team = '' from players where _key = 'cyd'", "1"},
      {"key, one window", "select count from players where _key = 'bob'", "7"},
      {"key, two windows", "select count from players where _key = 'ann'", "3;10"},
      {"no such key", "select count from players where _key = 'zoe'", ""},
      {"key is NULL", "select count from players where _key = NULL", ""},
      {"key and a number", "select count from players where _key = 3", ""},
      {"key of another case", "select count from players where _key = 'BOB'", ""},
      {"key, collated", "select count from players where _key = 'BOB' collate nocase", "7"},
      {"keys", "select count from players where _key in ('cyd', 'bob', 'x') order by 1", "1;7"},
      {"order", "select _key from players where _window_closed = 0 order by count desc", "bob;ann"},
      {"group", "select _key, sum(count) from players group by _key order by 2 desc",
       "ann,13;bob,7;cyd,1"},
      {"join by key, more than one look-up",
       "select a._key, a.count, b.count from players a join players b on a._key = b._key "
       "where a._window_closed = 0 and b._window_closed = 1",
       "ann,3,10"},
      {"self join keeps the order within a key",
       "select b.count from players a join players b on b._key = a._key where a.count > 5",
       "7;3;10"},
      {"right join by key",
       "select b._key, b._window_start, a.count from players a right join players b "
       "on a._key = b._key and a._window_closed = 1 where b._window_closed = 0 order by 1",
       "ann,5000,10;bob,5000,NULL"},
      {"full join by key",
       "select a._key, b._key, b.count from (select * from players where _window_closed = 1) a "
       "full join players b on a._key = b._key order by 1, 2, 3",
       "NULL,bob,7;ann,ann,3;ann,ann,10;cyd,cyd,1"},
      {"right join, the rows without one",
       "select b._key from players a right join players b "
       "on a._key = b._key and a._window_closed = 1 where a._key is null",
       "bob"},
      {"or, of keys and others",
       "select _key, count from players where _key = 'ann' or _key = 'cyd' or count = 10 order by "
       "2",
       "cyd,1;ann,3;ann,10"},
      {"distinct key", "select distinct _key from players order by 1", "ann;bob;cyd"},
      {"window function", "select _key, rank() over (order by count desc) from players limit 1",
       "ann,1"},
      {"with", "with t as (select _key k from players) select count(*) from t", "4"},
      {"rows of WITH of which nothing is read", "with t as (select 1) select count(*) from t, t u",
       "1"},
      {"recursion",
       "with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) "
       "select sum(i) from n",
       "15"},
      {"median", "select median(count), median(amount) from players", "5,2"},
      {"percentile", "select percentile(count, 100), percentile(count, 0) from players", "10,1"},
      {"median of nothing", "select median(count) from players where count > 99", "NULL"},
      {"comment at the end", "select 1; -- done", "1"},
      {"no table", "select 1 + 1, 'x', 2.5, NULL", "2,x,2.5,NULL"},
      {"blob as base64", "select x'666f6f'", "Zm9v"},
  };
  for (const Case& c : cases) EXPECT_EQ(run(c.sql), c.want) << c.name;
}

TEST_F(QueryTest, MistakesSayWhatThereIs) {
  const std::pair<const char*, std::string> cases[] = {
      {"select * from player", "sql_invalid: no such table: player; the tables are: players"},
      {"select cuont from players",
       "sql_invalid: no such column: cuont; players has: _key, count, amount, team, _updated_at, "
       "_window_start, _window_closed"},
      {"select count from players where team = \"red\"",
       // Later ones say what is wrong.
       "sql_invalid: no such column: " +
           std::string(sqlite3_libversion_number() < 3'046'000
                           ? "red"
                           : "\"red\" - should this be a string literal in single-quotes?") +
           "; players has: _key, count, amount, team, _updated_at, _window_start, _window_closed"},
      {"selec 1", "sql_invalid: near \"selec\": syntax error"},
      {"", "sql_invalid: there is no statement"},
      {" -- nothing", "sql_invalid: there is no statement"},
      {"select 1; select 2", "sql_invalid: there is more than one statement"},
      {"select 1; what", "sql_invalid: there is more than one statement"},
      {"select ?", "sql_invalid: the statement has a '?': give each parameter a name, as :level"},
      {"select :a", "sql_invalid: the statement has :a, but there is no parameter 'a'"},
      {"select nosuch(1)", "sql_invalid: no such function: nosuch"},
      {"select percentile(1, 101)", "sql_invalid: percentile(x, p): p is not in [0, 100]"},
      {"select median('x')", "sql_invalid: median and percentile take numbers"},
  };
  for (const auto& [sql, want] : cases) EXPECT_EQ(run(sql), want) << sql;
}

TEST_F(QueryTest, ParametersStandForValues) {
  const auto run_with = [&](std::string_view sql, const Parameters& parameters) {
    const auto answer = database_.run(sql, parameters, {});
    return answer ? show(*answer) : std::string(answer.error().message);
  };
  const Parameters team{{"team", std::string("red")}};
  EXPECT_EQ(run_with("select count(*) from players where team = :team", team),
            run("select count(*) from players where team = 'red'"));
  EXPECT_EQ(run_with("select @a, $b, :c, :c + 1, :d is null",
                     {{"a", std::int64_t{1}}, {"b", 2.5}, {"c", Digits{"3"}}, {"d", nullptr}}),
            "1,2.5,3,4,1");
  // As exact as what is written in the statement.
  EXPECT_EQ(
      run_with("select :a = 18446744073709551615, :b = 12345678901234567.89",
               {{"a", Digits{"18446744073709551615"}}, {"b", Digits{"12345678901234567.89"}}}),
      "1,1");
  EXPECT_EQ(run_with("select :team as x, ':no', '\"', 1", team), "red,:no,\",1");
  // A text is a text, whatever is in it.
  EXPECT_EQ(run_with("select :x", {{"x", std::string("' or 1 --")}}), "' or 1 --");
  EXPECT_EQ(run_with("select :teem", team),
            "the statement has :teem, but there is no parameter 'teem'");
  EXPECT_EQ(run_with("select 1", team),
            "the parameter 'team' is of no use: the statement has no :team");
  EXPECT_EQ(run_with("select :a", {{"a", nullptr}, {"b", nullptr}}),
            "the parameter 'b' is of no use: the statement has no :b, but :a");
  EXPECT_EQ(run_with("select 1", {{"now", std::int64_t{1}, /*is_ambient=*/true}}), "1");
}

TEST_F(QueryTest, TellsWhatAnAnswerDependsOn) {
  const auto uses = [&](std::string_view sql) {
    const auto answer = database_.run(sql, {});
    EXPECT_TRUE(answer) << sql;
    return answer ? answer->uses : Uses();
  };
  using Names = std::vector<std::string>;
  for (int i = 0; i < 2; ++i) {  // the second one is cached
    EXPECT_EQ(uses("select 1").tables, Names());
    EXPECT_EQ(uses("with x as (select * from Players) select count(*) from x").tables,
              Names{"players"});
    EXPECT_EQ(uses("select 'players' -- from players").tables, Names());
    EXPECT_FALSE(uses("select datetime(0), date('2024-01-01') from players").clock);
    EXPECT_TRUE(uses("select unixepoch('now')").clock);
    EXPECT_TRUE(uses("select current_timestamp").clock);
    for (const auto* sql : {"select 1", "select :now"}) {
      const auto answer =
          database_.run(sql, Parameters{{"now", std::int64_t{1}, /*is_ambient=*/true}}, {});
      EXPECT_EQ(answer.value().uses.clock, sql[7] == ':');
    }
  }
}

TEST_F(QueryTest, NamesThatAreWordsOfSqlAreToldApart) {
  const auto* row = types_.object("r", {{"Group", types_.scalar(Kind::kI64)}});
  const Table table = make_table("order", Kind::kString, row);
  ASSERT_TRUE(database_.set_table(&table));
  const std::pair<const char*, const char*> cases[] = {
      {"select * from order",
       "sql_invalid: near \"order\": syntax error; order is a word of SQL: where it is a name, "
       "write [order]"},
      {"select group from [order]",
       "sql_invalid: near \"group\": syntax error; group is a word of SQL: where it is a name, "
       "write [group]"},
      {"select 1 frm table", "sql_invalid: near \"table\": syntax error"},
      {"select count frm players", "sql_invalid: near \"players\": syntax error"},
      {"select [group] from [order]", ""},
  };
  for (const auto& [sql, want] : cases) EXPECT_EQ(run(sql), want) << sql;
}

TEST_F(QueryTest, ResultsAreCutAndSaySo) {
  limits_.rows_max = 3;
  auto answer = database_.run("select _key from players", limits_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rows.size(), 3u);
  EXPECT_TRUE(answer->truncated);

  limits_.rows_max = 4;
  answer = database_.run("select _key from players", limits_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rows.size(), 4u);
  EXPECT_FALSE(answer->truncated);

  limits_.bytes_max = 7;
  answer = database_.run("select _key from players", limits_);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->rows.size(), 2u);
  EXPECT_TRUE(answer->truncated);
}

TEST_F(QueryTest, RowsMayChangeBetweenQueries) {
  const std::string sql = "select count(*), sum(count) from players where _key = 'dan'";
  EXPECT_EQ(run(sql), "0,NULL");
  add(0, "dan", 4, 0, "");
  EXPECT_EQ(run(sql), "1,4");
  Table other = players_;
  other.segments.clear();
  ASSERT_TRUE(database_.set_table(&other));
  EXPECT_EQ(run(sql), "0,NULL");
  ASSERT_TRUE(database_.set_table(&players_));
  EXPECT_EQ(run(sql), "1,4");
  Database moved = std::move(database_);
  database_ = std::move(moved);
  EXPECT_EQ(run(sql), "1,4");
}

TEST_F(QueryTest, TablesThatCannotBe) {
  struct Case {
    const char* name;
    Table table;
  };
  const auto* number = types_.scalar(Kind::kI64);
  const auto* row = types_.object("r", {{"x", number}});
  const auto* twice = types_.object("r", {{"x", number}, {"X", number}});
  const auto* built_in = types_.object("r", {{"_key", number}});
  const Case cases[] = {
      {"empty name", make_table("", Kind::kString, row)},
      {"one of SQLite's", make_table("sqlite_schema", Kind::kString, row)},
      {"one of SQLite's modules", make_table("JSON_each", Kind::kString, row)},
      {"a pragma", make_table("pragma_table_info", Kind::kString, row)},
      {"a row that is a number", make_table("t", Kind::kString, number)},
      {"a key that is a float", make_table("t", Kind::kF64, row)},
      {"two columns of a name", make_table("t", Kind::kString, twice)},
      {"a field named as a built-in column", make_table("t", Kind::kString, built_in)},
      {"another row type than before", make_table("Players", Kind::kString, row)},
      {"other constants than before", make_table("players", Kind::kString, players_.row)},
  };
  for (const Case& c : cases) {
    const Status status = database_.set_table(&c.table);
    ASSERT_FALSE(status) << c.name;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument) << c.name;
  }
  EXPECT_EQ(run("select count(*) from players"), "4");
}

// A field of every kind, and what SQL makes of it.
struct EveryKind {
  bool flag;
  i8 a;
  i16 b;
  i32 c;
  i64 d;
  u8 e;
  u16 f;
  u32 g;
  u64 h;
  f32 x;
  f64 y;
  Text text;
  Bytes bytes;
  List<u32> list;
  Optional<i64> maybe;
};

const record::Type* every_kind(TypeTable& types) {
  const auto of = [&](Kind kind) { return types.scalar(kind); };
  return types.object("every-kind", {{"flag", of(Kind::kBool)},
                                     {"a", of(Kind::kI8)},
                                     {"b", of(Kind::kI16)},
                                     {"c", of(Kind::kI32)},
                                     {"d", of(Kind::kI64)},
                                     {"e", of(Kind::kU8)},
                                     {"f", of(Kind::kU16)},
                                     {"g", of(Kind::kU32)},
                                     {"h", of(Kind::kU64)},
                                     {"x", of(Kind::kF32)},
                                     {"y", of(Kind::kF64)},
                                     {"text", of(Kind::kString)},
                                     {"bytes", of(Kind::kBytes)},
                                     {"list", types.list_of(of(Kind::kU32))},
                                     {"maybe", of(Kind::kI64), true}});
}

struct ExactRow {
  u64 u;
  i64 d, t;  // Decimal<2>, Decimal<18>
};

TEST_F(QueryTest, NumbersThatSqliteHasNoneFor) {
  const auto* type = types_.object(
      "exact-row",
      {{"u", types_.scalar(Kind::kU64)}, {"d", types_.decimal(2)}, {"t", types_.decimal(18)}});
  TestTable table("r", Kind::kU64, type);
  constexpr i64 kOne = 1'000'000'000'000'000'000;
  // From the largest on: each finds no room below the one before it.
  for (u64 i = 0; i < 18; ++i) {
    const ExactRow row{UINT64_MAX - i, INT64_MAX - static_cast<i64>(i),
                       kOne + (i < 10 ? 30 : 9) - static_cast<i64>(i)};
    table.add(0, encode_key(i), &row);
  }
  table.publish();
  ASSERT_TRUE(database_.set_table(&table.table));
  EXPECT_EQ(run("select count(distinct t), count(distinct d), count(distinct u) from r"),
            "18,18,18");
  EXPECT_EQ(run("select count(*) from r where t > 1"), "10");
  EXPECT_EQ(run("select max(x), min(x) from (select t x from r)"),
            "1.000000000000000030,0.999999999999999992");
  EXPECT_EQ(run("select count(*) from r where t >= 1.000000000000000025"), "6");
  EXPECT_EQ(run("select max(x), max(y), sum(d) - sum(d) from (select d x, u y, d from r)"),
            "92233720368547758.07,18446744073709551615,0");
  EXPECT_EQ(run("select count(*) from r a join r b on a.t + 0 < b.t + 0"), "153");
  EXPECT_EQ(run("select 18446744073709551615 as u, typeof(18446744073709551615)"),
            "18446744073709551615,text");
  EXPECT_EQ(database_.run("select max(18446744073709551615, 1.2345678901234567)", {})->columns,
            std::vector<std::string>{"max(18446744073709551615, 1.2345678901234567)"});
  EXPECT_EQ(run("select sum(u) from r where _key = 3"), "18446744073709551612");
  EXPECT_EQ(run("select u from r where u = '18446744073709551615'"), "18446744073709551615");
  EXPECT_EQ(run("select u from r where u = '5'"),
            "sql_invalid: column u is a u64: write the number without quotes");
  EXPECT_EQ(run("select u from r where u < 1e19"),
            "sql_invalid: column u is a u64: write a whole number of at most 18446744073709551615");
  EXPECT_EQ(run("select u from r where d > 89999999999999998"),
            "sql_invalid: column d is a decimal: write a number of more than 15 digits with a "
            "point, as in 1234567890123456.0");
  EXPECT_EQ(run("select sum(u) from r"),
            "sql_invalid: integer overflow: the sum needs more than 64 bits; total() gives the "
            "nearest REAL");
}

TEST_F(QueryTest, DecimalsThatAreTooNear) {
  const auto* type = types_.object("near-row", {{"t", types_.decimal(18)}});
  TestTable table("r", Kind::kU64, type);
  for (i64 i = 1; i < 200; ++i) {
    const i64 row = 1'000'000'000'000'000'000 + i;
    table.add(0, encode_key(static_cast<u64>(i)), &row);
  }
  table.publish();
  ASSERT_TRUE(database_.set_table(&table.table));
  EXPECT_EQ(run("select max(t), count(*) from r where _key < 40"), "1.000000000000000039,39");
  EXPECT_EQ(
      run("select max(t), count(*) from r"),
      "sql_invalid: there are decimals of more than 15 digits that are too near to each other for "
      "SQL to tell them apart; store them with fewer digits, or compare them in C++");
}

TEST_F(QueryTest, EveryKindOfColumn) {
  const auto* type = every_kind(types_);
  ASSERT_EQ(type->size, sizeof(EveryKind));
  BlockArena arena;
  detail::current_arena = &arena;
  EveryKind low{false, INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN, 0,  0, 0,
                0,     -0.5F,    -1e300,    "",        {},        {}, {}};
  EveryKind high{true,
                 INT8_MAX,
                 INT16_MAX,
                 INT32_MAX,
                 INT64_MAX,
                 UINT8_MAX,
                 UINT16_MAX,
                 UINT32_MAX,
                 UINT64_MAX,
                 0.5F,
                 1e300,
                 "h\xc3\xa9",
                 {reinterpret_cast<const u8*>("foo"), 3},
                 {1, 2},
                 Optional<i64>(-7)};
  TestTable kinds("kinds", Kind::kU64, type);
  kinds.add(0, encode_key(u64{7}), &low);
  kinds.add(0, encode_key(UINT64_MAX), &high);
  kinds.publish();
  ASSERT_TRUE(database_.set_table(&kinds.table));
  EXPECT_EQ(run("select * from kinds where flag = 0"),
            "7,0,-128,-32768,-2147483648,-9223372036854775808,0,0,0,0,-0.5,-1e+300,,,[],NULL,0");
  EXPECT_EQ(run("select _key, flag, a, b, c, d, e, f, g, h, x, text, bytes, list, maybe from kinds "
                "where flag"),
            "18446744073709551615,1,127,32767,2147483647,9223372036854775807,255,65535,4294967295,"
            "18446744073709551615,0.5,h\xc3\xa9,Zm9v,[1,2],-7");
  EXPECT_EQ(run("select flag from kinds where _key = 7"), "0");
  EXPECT_EQ(run("select flag from kinds where _key = 7.0"), "0");
  EXPECT_EQ(run("select flag from kinds where _key = '7'"), "0");
  EXPECT_EQ(run("select flag from kinds where _key = -7"), "");
  EXPECT_EQ(run("select flag from kinds where _key = '18446744073709551615'"), "1");
  EXPECT_EQ(run("select flag from kinds where _key = '18446744073709551614'"), "");
  detail::current_arena = nullptr;
}

TEST_F(QueryTest, KeysOfOtherKinds) {
  BlockArena arena;
  detail::current_arena = &arena;
  CountRow row{1, 1.0, ""};
  TestTable bools("bools", Kind::kBool, players_.row);
  bools.add(0, encode_key(true), &row);
  bools.add(0, encode_key(false), &row);
  bools.publish();
  TestTable numbers("numbers", Kind::kI32, players_.row);
  numbers.add(0, encode_key(-5), &row);
  numbers.add(0, encode_key(5), &row);
  numbers.publish();
  ASSERT_TRUE(database_.set_table(&bools.table));
  ASSERT_TRUE(database_.set_table(&numbers.table));
  EXPECT_EQ(run("select _key from bools"), "0;1");
  EXPECT_EQ(run("select _key from bools where _key = true"), "1");
  EXPECT_EQ(run("select _key from bools where _key = 2"), "");
  EXPECT_EQ(run("select _key from numbers"), "-5;5");
  EXPECT_EQ(run("select _key from numbers where _key = -5"), "-5");
  EXPECT_EQ(run("select _key from numbers where _key = '-5'"), "-5");
  detail::current_arena = nullptr;
}

TEST_F(QueryTest, SelectIntoFillsFieldsByName) {
  struct Item {
    Text player_id;
    u32 event_count;
    Optional<f64> amount;
  };
  const auto* item = types_.object("item", {{"player_id", types_.scalar(Kind::kString)},
                                            {"event_count", types_.scalar(Kind::kU32)},
                                            {"amount", types_.scalar(Kind::kF64), true}});
  ASSERT_EQ(item->size, sizeof(Item));
  BlockArena arena;
  List<Item> list;
  ASSERT_TRUE(database_.select_into(
      "select count as event_count, _key as player_id from players order by count desc", *item,
      arena, &list));
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].player_id, "ann");
  EXPECT_EQ(list[0].event_count, 10u);
  EXPECT_FALSE(list[0].amount.has_value());
  EXPECT_EQ(list[3].player_id, "cyd");

  // Appends, and keeps what was there when the statement fails half-way.
  ASSERT_TRUE(database_.select_into(
      "select 'x' as player_id, 2.0 as event_count, nullif(count, 3) as amount from players "
      "where _key in ('ann') order by count",
      *item, arena, &list));
  ASSERT_EQ(list.size(), 6u);
  EXPECT_FALSE(list[4].amount.has_value());
  EXPECT_EQ(list[5].amount.value(), 10.0);
  EXPECT_EQ(list[5].event_count, 2u);
  EXPECT_FALSE(database_.select_into(
      "select _key as player_id, 5 - count as event_count from players", *item, arena, &list));
  EXPECT_EQ(list.size(), 6u);

  for (int i = 0; i < 3; ++i) {  // grows past its capacity
    ASSERT_TRUE(database_.select_into(
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000) "
        "select 'p' || i as player_id, i as event_count from n",
        *item, arena, &list));
  }
  ASSERT_EQ(list.size(), 3006u);
  EXPECT_EQ(list[0].player_id, "ann");
  EXPECT_EQ(list[3005].player_id, "p1000");
  EXPECT_EQ(list[3005].event_count, 1000u);
}

TEST_F(QueryTest, SelectIntoMistakes) {
  const auto* item = types_.object("player-count", {{"player_id", types_.scalar(Kind::kString)},
                                                    {"count", types_.scalar(Kind::kU32)},
                                                    {"note", types_.scalar(Kind::kBytes), true}});
  const std::pair<const char*, const char*> cases[] = {
      {"select _key as player, count from players",
       "column 'player' is not a field of player-count; its fields are: player_id, count, note"},
      {"select _key as player_id from players",
       "no column for the required field 'count' of player-count; the columns are: player_id"},
      {"select _key as player_id, count, count from players", "column 'count' is there twice"},
      {"select _key as player_id, _key as count from players",
       "column 'count' is TEXT and does not fit the u32 field of that name; use cast()"},
      {"select count as player_id, count from players",
       "column 'player_id' is INTEGER and does not fit the string field of that name; use cast()"},
      {"select random() as count, _key as player_id from players",
       "random is not allowed in an operator: its result differs from run to run"},
      {"select current_timestamp as player_id, 1 as count",
       "current_timestamp is not allowed in an operator: its result differs from run to run"},
      {"select nosuch as player_id from players",
       "no such column: nosuch; players has: _key, count, amount, team, _updated_at, "
       "_window_start, _window_closed"},
  };
  BlockArena arena;
  List<u64> list;
  for (const auto& [sql, want] : cases) {
    const Status checked = database_.check(sql, *item);
    ASSERT_FALSE(checked) << sql;
    EXPECT_EQ(checked.error().message, want);
    const Status filled = database_.select_into(sql, *item, arena, &list);
    ASSERT_FALSE(filled) << sql;
    EXPECT_EQ(filled.error().message, want);
  }
  EXPECT_TRUE(database_.check("select _key as player_id, count, team as note from players", *item));
  EXPECT_FALSE(database_.check("select 1", *types_.scalar(Kind::kU32)));

  for (const std::string_view marked :
       {"select ^nosuch as player_id from players", "select _key as player_id ^frm players",
        "select _key as player_id from players, ^player", "select ^printf('x') as player_id",
        "select _key from players where count > ^* 1"}) {
    const std::size_t at = marked.find('^');
    std::string sql(marked);
    sql.erase(at, 1);
    std::optional<std::size_t> mistake_at;
    EXPECT_FALSE(database_.check(sql, *item, &mistake_at)) << sql;
    EXPECT_EQ(mistake_at, at) << sql;
  }

  const auto* nested = types_.object(
      "nested", {{"inner", item}, {"tags", types_.list_of(types_.scalar(Kind::kU8)), true}});
  EXPECT_EQ(database_.check("select 1 as tags", *nested).error().message,
            "no column for the required field 'inner' of nested; the columns are: tags");
  EXPECT_EQ(database_.check("select amount as inner from players", *nested).error().message,
            "column 'inner' is REAL and does not fit the object field of that name; use cast()");
}

TEST_F(QueryTest, ValuesThatDoNotFit) {
  struct Case {
    Kind kind;
    const char* value;  // SQL
    const char* want;   // empty: fits
  };
  const Case cases[] = {
      {Kind::kU32, "-1", "-1 does not fit a field of type u32"},
      {Kind::kU32, "1 << 40", "1099511627776 does not fit a field of type u32"},
      {Kind::kU32, "4294967295", ""},
      {Kind::kU32, "4294967296.0", "4294967296.0 does not fit a field of type u32"},
      {Kind::kU8, "255.0", ""},
      {Kind::kU8, "2.5", "2.5 does not fit a field of type u8"},
      {Kind::kI8, "-128.0", ""},
      {Kind::kI8, "-129", "-129 does not fit a field of type i8"},
      {Kind::kI64, "9.3e18", "9.3e+18 does not fit a field of type i64"},
      {Kind::kI64, "-9223372036854775808.0", ""},
      {Kind::kU64, "'18446744073709551615'", ""},
      {Kind::kU64, "'18446744073709551616'",
       "text '18446744073709551616' does not fit a field of type u64"},
      {Kind::kU64, "'x'", "text 'x' does not fit a field of type u64"},
      {Kind::kU32, "'7'", "text '7' does not fit a field of type u32"},
      {Kind::kU32, "NULL",
       "NULL does not fit a field of type u32 that is required; use coalesce()"},
      {Kind::kU32, "x'00'", "a blob does not fit a field of type u32"},
      {Kind::kF32, "1e39", "1.0e+39 does not fit a field of type f32"},
      {Kind::kF32, "3", ""},
      {Kind::kF64, "1e39", ""},
      {Kind::kF64, "9e999", ""},
      {Kind::kF64, "'1'", "text '1' does not fit a field of type f64"},
      {Kind::kBool, "1 = 1", ""},
      {Kind::kBool, "2", "2 does not fit a field of type bool"},
      {Kind::kBool, "1.0", "1.0 does not fit a field of type bool"},
      {Kind::kString, "1 || ''", ""},
      {Kind::kString, "1", "1 does not fit a field of type string"},
      {Kind::kString, "x'41'", "a blob does not fit a field of type string"},
      {Kind::kBytes, "x'41'", ""},
      {Kind::kBytes, "'a'", ""},
      {Kind::kBytes, "1", "1 does not fit a field of type bytes"},
  };
  for (const Case& c : cases) {
    const auto* item = types_.object("item", {{"x", types_.scalar(c.kind)}});
    BlockArena arena;
    List<u64> list;
    const Status status =
        database_.select_into(std::string("select ") + c.value + " as x", *item, arena, &list);
    EXPECT_EQ(status ? "" : status.error().message,
              *c.want == '\0' ? "" : std::string("column 'x', row 1: ") + c.want)
        << c.value;
  }
}

TEST_F(QueryTest, OperatorsHaveNoClock) {
  const auto* item = types_.object("item", {{"x", types_.scalar(Kind::kString), true}});
  struct Item {
    Optional<Text> x;
  };
  BlockArena arena;
  List<Item> list;
  ASSERT_TRUE(database_.select_into("select datetime('now') as x", *item, arena, &list));
  ASSERT_TRUE(database_.select_into("select datetime(0, 'unixepoch') as x", *item, arena, &list));
  EXPECT_FALSE(list[0].x.has_value());
  EXPECT_EQ(list[1].x.value(), "1970-01-01 00:00:00");
  EXPECT_EQ(run("select datetime('now') > '2020'"), "1");
  for (const char* const time :
       {"strftime('%s','now')", "strftime('%s')", "DATE('Now')", "unixepoch()", "date('n' || 'ow')",
        "datetime(lower('NOW'))", "case when 0 then time('now') end", "current_timestamp",
        "coalesce(date(replace('nox', 'x', 'w')), '')", "date((select 'n' || 'ow'))"}) {
    const Status status =
        database_.check(fmt::format("select {} as x from players where 0", time), *item);
    ASSERT_FALSE(status) << time;
    EXPECT_EQ(status.error().code, ErrorCode::kSqlDenied) << time;
  }
  std::optional<std::size_t> at;
  EXPECT_FALSE(database_.check("select date('now') as x", *item, &at));
  EXPECT_EQ(at, 7U);
  for (const char* const fine : {"date('2024-11-12')", "date(1, 'unixepoch')", "'now'", "date(?)"})
    EXPECT_TRUE(database_.check(fmt::format("select {} as x from players", fine), *item)) << fine;
}

TEST_F(QueryTest, RowsHaveNoRowid) {
  EXPECT_EQ(run("select rowid from players"),
            "sql_invalid: no such column: rowid; players has: _key, count, amount, team, "
            "_updated_at, _window_start, _window_closed");
}

// What other tables call by the name of a column that is read does not matter.
TEST_F(QueryTest, SumsHaveTheDigitsOfTheColumnThatIsRead) {
  const auto* two = types_.object("two-row", {{"value", types_.decimal(2)}});
  const auto* three = types_.object("three-row", {{"value", types_.decimal(3)}});
  const auto* whole = types_.object("whole-row", {{"value", types_.scalar(Kind::kI64)}});
  const i64 units = 1030;
  TestTable tables[] = {{"two", Kind::kString, two},
                        {"three", Kind::kString, three},
                        {"whole", Kind::kString, whole}};
  for (TestTable& each : tables) {
    each.add(0, "a", &units);
    each.publish();
    EXPECT_TRUE(database_.set_table(&each.table));
  }
  EXPECT_EQ(run("select sum(value), min(value), max(t.value) from two t"), "10.30,10.30,10.30");
  EXPECT_EQ(run("select sum(VALUE), lag(value) over (order by _key), "
                "first_value(value) over (order by _key) from three"),
            "1.030,NULL,1.030");
  EXPECT_EQ(run("select sum(value) from whole"), "1030");
  EXPECT_EQ(run("select sum(two.value) from two join whole using (_key)"), "10.30");
  EXPECT_EQ(run("select sum(two.value) from two join three on two.value > three.value"), "10.3");
}

}  // namespace
}  // namespace gameflow::query
