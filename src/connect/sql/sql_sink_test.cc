// Against a real PostgreSQL, which the tests start.
#include "connect/sql/sql_sink.h"

#include <csignal>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include "connect/support/peer_test_util.h"
#include "connect/support/settings_test_util.h"

namespace gameflow::connect {
namespace {

class Postgres {
 public:
  Postgres() {
    run({bin("initdb"), "-D", folder_.path("data"), "-U", "game", "--auth=trust", "--no-sync",
         "--locale=C", "--encoding=UTF8"});
    start();
  }

  // As Debian has it: /usr/lib/postgresql/15/bin/postgres
  static std::string bin(const std::string& name) {
    std::string found;
    std::error_code ignored;
    for (const auto& version :
         std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
      const auto path = version.path() / "bin" / name;
      if (std::filesystem::exists(path)) found = std::max(found, path.string());
    }
    return found;
  }
  static bool is_installed() { return !bin("postgres").empty(); }

  void start() {
    server_ = std::make_unique<PeerProcess>(
        std::vector<std::string>{bin("postgres"), "-D", folder_.path("data"), "-p",
                                 std::to_string(port_), "-k", folder_.path(""), "-c",
                                 "listen_addresses=127.0.0.1", "-c", "max_connections=10"},
        folder_.path("log"), true);
    ASSERT_TRUE(wait_until([&] { return PQping(url().c_str()) == PQPING_OK; }));
  }
  // kill -9 of the server's first process, which ends the others.
  void kill() {
    server_->end(SIGKILL);
    ASSERT_TRUE(wait_until([&] { return PQping(url().c_str()) == PQPING_NO_RESPONSE; }));
  }

  int port() const { return port_; }
  void ask_for_passwords(const std::string& user) {
    const std::string path = folder_.path("data/pg_hba.conf");
    std::ifstream in(path);
    const std::string others(std::istreambuf_iterator<char>(in), {});
    std::ofstream(path) << fmt::format("host all {} 127.0.0.1/32 scram-sha-256\n", user) << others;
    EXPECT_EQ(sql("SELECT pg_reload_conf()"), "t");
  }

  std::string url(const std::string& user = "game") const {
    return fmt::format("postgresql://{}@127.0.0.1:{}/postgres", user, port_);
  }
  // The answer as text: `a|b` a row, and `error: …`.
  std::string sql(const std::string& statement) const {
    PGconn* const connection = PQconnectdb(url().c_str());
    PGresult* const result = PQexec(connection, statement.c_str());
    std::string out;
    const auto status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
      out = std::string("error: ") + PQerrorMessage(connection);
    for (int row = 0; row < PQntuples(result); ++row) {
      if (row > 0) out += '\n';
      for (int column = 0; column < PQnfields(result); ++column)
        out += (column > 0 ? "|" : "") + std::string(PQgetvalue(result, row, column));
    }
    PQclear(result);
    PQfinish(connection);
    return out;
  }

 private:
  void run(const std::vector<std::string>& command) {
    PeerProcess process(command, folder_.path("log"), true);
    ASSERT_EQ(process.wait(), 0) << command[0];
  }

  PeerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<PeerProcess> server_;
};

using Values = std::initializer_list<std::pair<std::string, Settings::Value>>;
using Map = Settings::Map;
using Texts = std::vector<std::string>;

class SqlSinkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Postgres::is_installed()) postgres = std::make_unique<Postgres>();
  }
  static void TearDownTestSuite() { postgres.reset(); }
  void SetUp() override {
    if (!postgres) GTEST_SKIP() << "PostgreSQL is not installed: tools/setup.sh test";
    sql("DROP TABLE IF EXISTS sales, gameflow_positions");
  }

  static std::string sql(const std::string& statement) { return postgres->sql(statement); }
  std::unique_ptr<Sink> make(Values values) {
    Settings settings = settings_of(kSqlSink, values);
    if (!settings.has("url")) settings.set("url", postgres->url());
    settings.set("table", std::string("sales"));
    return kSqlSink.make_sink(settings, host);
  }
  std::optional<Positions> open(Values values) {
    sink.reset();
    sink = make(values);
    return sink->open();
  }
  // Writes them from `offset` on, and the texts of the refusals.
  Texts write(const Texts& values, std::uint64_t offset = 0) {
    std::vector<Delivery> records;
    for (const std::string& value : values)
      records.push_back({.topic = "purchases",
                         .partition = 1,
                         .offset = offset++,
                         .timestamp_ms = 1'731'406'530'250,
                         .key = "k",
                         .value = value});
    Texts reasons;
    for (const Refused& refused : sink->write(records))
      reasons.push_back(fmt::format("{}: {}", refused.index, refused.reason));
    return reasons;
  }
  void commit(std::uint64_t next) { sink->commit(at(next)); }
  static Positions at(std::uint64_t next) { return {{{"purchases", 1}, next}}; }
  std::string final_message(Values values) {
    try {
      open(values);
    } catch (const Retry& retry) {
      return std::string("(retry) ") + retry.what();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "(none)";
  }

  static std::unique_ptr<Postgres> postgres;
  TestHost host;
  std::unique_ptr<Sink> sink;
};

std::unique_ptr<Postgres> SqlSinkTest::postgres;

TEST_F(SqlSinkTest, StoresRowsAndPositionsTogether) {
  const Values values{{"create", true},
                      {"columns", Map{{"item", "item_id"}, {"revenue", "total.amount"}}},
                      {"types", Map{{"revenue", "numeric(18,2)"}}},
                      {"key", Texts{"item"}}};
  EXPECT_EQ(open(values), std::nullopt);
  EXPECT_EQ(write({R"({"item_id":"a","total":{"amount":1.10}})",
                   R"([{"item_id":"b","total":{"amount":12345678901234.56}},{"item_id":"c"}])",
                   R"({"item_id":"a","total":{"amount":3}})"}),
            Texts());
  EXPECT_EQ(sql("SELECT count(*) FROM sales"), "0");
  commit(3);
  EXPECT_EQ(sql("SELECT * FROM sales ORDER BY item"), "a|3.00\nb|12345678901234.56\nc|");
  EXPECT_EQ(sql("SELECT target, topic, partition, next_offset FROM gameflow_positions"),
            "sales|purchases|1|3");
  // What was not committed is not there, and it goes on behind what was.
  write({R"({"item_id":"d"})"}, 3);
  EXPECT_EQ(open(values), at(3));
  write({R"({"item_id":"e"})"}, 3);
  commit(4);
  EXPECT_EQ(sql("SELECT item FROM sales ORDER BY item"), "a\nb\nc\ne");
}

TEST_F(SqlSinkTest, ReadsEachTypeAsTheColumnHasIt) {
  sql("CREATE TABLE sales (at timestamptz, at2 timestamptz, doc jsonb, raw text, tags text[], "
      "flag boolean, n bigint, place text, item integer, key text, seen timestamptz)");
  open({{"columns", Map{{"at", "at"},
                        {"at2", "at2"},
                        {"doc", "."},
                        {"raw", "list"},
                        {"tags", "list"},
                        {"flag", "flag"},
                        {"n", "n"},
                        {"place", "$offset"},
                        {"item", "$item"},
                        {"key", "$key"},
                        {"seen", "$timestamp"}}}});
  sql("SET TIME ZONE 'UTC'");
  EXPECT_EQ(
      write({R"([1,{"at":1731406530250,"at2":"2024-11-12T10:15:30.5Z","list":["a\"",null,"b,c"],)"
             R"("flag":true,"n":9007199254740993}])"},
            7),
      Texts());
  commit(8);
  EXPECT_EQ(sql("SELECT extract(epoch from at), extract(epoch from at2), doc->>'n', raw, tags[1], "
                "tags[2] IS NULL, tags[3], flag, n, place, item, key, extract(epoch from seen) "
                "FROM sales WHERE item = 1"),
            R"(1731406530.250000|1731406530.500000|9007199254740993|["a\"",null,"b,c"]|a"|t|b,c|t|)"
            "9007199254740993|7|1|k|1731406530.250000");
}

TEST_F(SqlSinkTest, RefusesRecordsAndStoresTheRest) {
  sql("CREATE TABLE sales (id integer PRIMARY KEY, n integer NOT NULL CHECK (n < 1000))");
  open({{"columns", Map{{"id", "id"}, {"n", "n"}}}});
  EXPECT_EQ(
      write({R"({"id":1,"n":1})", R"({"id":"x","n":1})", R"([{"id":2,"n":1},{"id":3,"n":null}])",
             "no json", R"({"id":4,"n":5000})", R"({"id":1,"n":2})", R"({"id":5,"n":"6"})",
             R"({"id":6,"n":"\u0000"})"}),
      (Texts{"3: its value is no JSON",
             "7: column 'n': a text of PostgreSQL cannot hold a zero character",
             "1: table 'sales': invalid input syntax for type integer: \"x\"",
             "2: table 'sales': null value in column \"n\" of relation \"sales\" violates not-null "
             "constraint (Failing row contains (3, null).), column 'n'",
             "4: table 'sales': new row for relation \"sales\" violates check constraint "
             "\"sales_n_check\" (Failing row contains (4, 5000).)",
             "5: table 'sales': duplicate key value violates unique constraint \"sales_pkey\" "
             "(Key (id)=(1) already exists.)"}));
  commit(8);
  EXPECT_EQ(sql("SELECT * FROM sales ORDER BY id"), "1|1\n5|6");
}

TEST_F(SqlSinkTest, FindsTheWrongOnesAmongMany) {
  sql("CREATE TABLE sales (id integer PRIMARY KEY)");
  open({{"columns", Map{{"id", "id"}}}});
  Texts values;
  for (int i = 0; i < 20'000; ++i)
    values.push_back(i % 97 == 0 ? R"({"id":"wrong"})" : fmt::format(R"({{"id":{}}})", i));
  EXPECT_EQ(write(values).size(), 207U);
  commit(20'000);
  EXPECT_EQ(sql("SELECT count(*), sum(id) FROM sales WHERE id % 97 <> 0"),
            sql("SELECT count(*), sum(i) FROM generate_series(0, 19999) i WHERE i % 97 <> 0"));
  EXPECT_EQ(write(Texts(500, R"({"id":"wrong"})"), 20'000).size(), 500U);
}

TEST_F(SqlSinkTest, NamesAreNeverPartsOfStatements) {
  const std::string nasty = "a\"; DROP TABLE x; --";
  open({{"create", true},
        {"columns", Map{{nasty, "v"}}},
        {"key", Texts{nasty}},
        {"target", "';--"}});
  write({R"({"v":"'); DROP TABLE sales; --"})"});
  commit(1);
  EXPECT_EQ(sql("SELECT * FROM sales"), "'); DROP TABLE sales; --");
}

TEST_F(SqlSinkTest, SaysWhatAPersonHasToChange) {
  const Map columns{{"id", "id"}};
  EXPECT_EQ(final_message({{"columns", columns}}),
            "table 'sales' does not exist: create it, or write 'create: true'");
  EXPECT_EQ(final_message({{"columns", Map{}}}), "columns: name at least one");
  EXPECT_EQ(final_message({{"columns", columns}, {"key", Texts{"ID"}}}),
            "key: 'ID' is no column: name it under 'columns'");
  EXPECT_EQ(final_message({{"columns", columns}, {"types", Map{{"id", "int); DROP TABLE x"}}}}),
            "types: 'int); DROP TABLE x' of column 'id' is no type");
  EXPECT_EQ(final_message({{"columns", Map{{"id", "$ofset"}}}}),
            "columns: '$ofset' of column 'id' is none of $key, $topic, $partition, $offset, "
            "$timestamp, $item");
  sql("CREATE TABLE sales (other integer)");
  EXPECT_EQ(final_message({{"columns", columns}}),
            "table 'sales': column \"id\" of relation \"sales\" does not exist");
  EXPECT_EQ(final_message({{"columns", Map{{"other", "id"}}}, {"key", Texts{"other"}}}),
            "table 'sales': there is no unique or exclusion constraint matching the ON CONFLICT "
            "specification");
  const std::string refused =
      final_message({{"url", postgres->url("nobody")}, {"columns", columns}});
  EXPECT_NE(refused.find("PostgreSQL refuses the connection"), std::string::npos) << refused;
  EXPECT_NE(refused.find("role \"nobody\" does not exist"), std::string::npos) << refused;
  const std::string wrong =
      final_message({{"url", "postgresql://a:SECRET@h?x=y"}, {"columns", columns}});
  EXPECT_EQ(wrong.find("SECRET"), std::string::npos) << wrong;
  EXPECT_EQ(wrong.find("url: it is not one"), 0U) << wrong;
}

TEST_F(SqlSinkTest, TriesAgainWhereTheServerIsAway) {
  const std::string away = fmt::format("postgresql://game@127.0.0.1:{}/postgres", free_port());
  EXPECT_EQ(final_message({{"url", away}, {"columns", Map{{"id", "id"}}}}).find("(retry)"), 0U);

  const Values values{{"create", true}, {"columns", Map{{"id", "id"}}}};
  open(values);
  write({R"({"id":1})"});
  commit(1);
  write({R"({"id":2})"}, 1);
  postgres->kill();
  EXPECT_THROW(commit(2), Retry);
  EXPECT_EQ(final_message(values).find("(retry)"), 0U);
  postgres->start();
  EXPECT_EQ(open(values), at(1));
  EXPECT_EQ(sql("SELECT * FROM sales"), "1");
}

TEST_F(SqlSinkTest, AWrongPasswordIsFinalAndNotShown) {
  postgres->ask_for_passwords("locked");
  sql("CREATE ROLE locked LOGIN PASSWORD 'right'");
  const std::string message = final_message(
      {{"url", fmt::format("postgresql://locked:WRONG@127.0.0.1:{}/postgres", postgres->port())},
       {"columns", Map{{"id", "id"}}}});
  EXPECT_NE(message.find("password authentication failed for user \"locked\""), std::string::npos)
      << message;
  EXPECT_EQ(message.find("(retry)"), std::string::npos) << message;
  EXPECT_EQ(message.find("WRONG"), std::string::npos) << message;
}

TEST_F(SqlSinkTest, AServerThatHangsIsTriedAgain) {
  open({{"create", true}, {"columns", Map{{"id", "id"}}}, {"timeout", std::int64_t{500}}});
  const int pid =
      std::stoi(sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'gameflow'"));
  ::kill(pid, SIGSTOP);
  EXPECT_THROW(write({R"({"id":1})"}), Retry);
  ::kill(pid, SIGCONT);
}

TEST_F(SqlSinkTest, OfTwoAtOnceOneEnds) {
  const Values values{{"create", true}, {"columns", Map{{"id", "id"}}}};
  open(values);
  write({R"({"id":1})"});
  commit(1);
  const std::unique_ptr<Sink> first = std::move(sink);
  open(values);
  write({R"({"id":2})"}, 1);
  commit(2);
  std::swap(sink, const_cast<std::unique_ptr<Sink>&>(first));
  write({R"({"id":2})"}, 1);
  EXPECT_THROW(commit(2), Retry);
  EXPECT_EQ(sql("SELECT * FROM sales ORDER BY id"), "1\n2");
}

}  // namespace
}  // namespace gameflow::connect
